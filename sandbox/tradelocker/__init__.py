"""A simulated TradeLocker 2.11: its 25 public routes over a core that takes a clock.

It is written against the published reference and shares no code with the bridge's own adapter, so that the two can
disagree. Facts nobody could confirm are switches (`switches.py`), each with the values that are possible.
"""

from sandbox.tradelocker.app import TradeLockerApp
from sandbox.tradelocker.seeds import LOGINS, Login

__all__ = ["LOGINS", "Login", "TradeLockerApp"]
