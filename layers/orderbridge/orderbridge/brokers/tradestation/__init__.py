"""TradeStation's brokerage API, version 3.

hosts        the SIM and live hosts, and that an account belongs to its own
auth         sign-in page, code exchange, refresh, revocation
capabilities what an account can do
quotas       the published request quotas
symbols      what the form of a symbol says
values       TradeStation's texts -> Decimal, epoch milliseconds
statuses     status codes -> TradingView's order statuses
parse        accounts, balances, positions, orders -> model
market       symbols, quotes, bars -> model
wire         commands -> request bodies
replies      replies to writes -> outcomes
refusals     refusal texts -> codes
resolve      an unknown command -> what a fresh look shows
adapter      the port `orderbridge.brokers.port.Broker`
"""
