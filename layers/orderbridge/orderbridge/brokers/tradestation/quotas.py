"""TradeStation's request quotas: per API key, applied per user, counted in five-minute windows (rate-limiting page).

Symbols, bars and order placement have no published quota; what stands here for them is our own bound.
"""

from fractions import Fraction

from orderbridge.brokers.http import Kept, Quota

_FIVE_MINUTES_MS = 300_000

ACCOUNTS = Quota("accounts", 320, _FIVE_MINUTES_MS)
BALANCES = Quota("balances", 320, _FIVE_MINUTES_MS)
POSITIONS = Quota("positions", 320, _FIVE_MINUTES_MS)
ORDERS = Quota("orders", 320, _FIVE_MINUTES_MS)
"""Order details: today's orders and historical orders together, as far as is known."""
QUOTES = Quota("quotes", 500, _FIVE_MINUTES_MS)
BARS = Quota("bars", 500, _FIVE_MINUTES_MS)
SYMBOLS = Quota("symbols", 500, _FIVE_MINUTES_MS)
FOR_EXITS = Kept("execution~entries", Fraction(1, 4))
"""What entries leave: once the broker says how much it takes, there is always enough to close and to protect."""
FOR_CLOSES = Kept("execution~changes", Fraction(1, 30))
"""What cancels and changes leave: no stop is taken away for a close, or a larger one, that could not be placed."""
EXECUTION = Quota("execution", 10, 1_000, (FOR_EXITS, FOR_CLOSES))
"""Placing, replacing, cancelling, confirming: about ten a second are tolerated, as users report."""
