"""Logging in to the panel: passwords, OAuth 2, the servers' JWT, and signing in at TradeStation itself.

browser --> site (pages) ----> code or token --> TradingView
TradingView's server --------> endpoint (code, refresh, JWT) --> tokens
every later call ------------> authenticate(token) --> User
"""
