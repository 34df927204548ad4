"""A simulated TradeStation v3 with its sign-in service, over a core that takes a clock.

It is written from a fact sheet about the real service and shares no code with the bridge's own adapter, so that the two
can disagree. Facts that nobody could confirm are switches (`switches.py`), each with the values that are possible.
"""

from sandbox.tradestation.app import TradeStation
from sandbox.tradestation.seeds import KEYS, USERS, ApiKey, User

__all__ = ["KEYS", "USERS", "ApiKey", "TradeStation", "User"]
