"""/getLeverage, /setLeverage, /previewLeverage: refused, since neither broker lets an order choose it."""

from orderbridge.broker_api.answers import ShownError
from orderbridge.broker_api.operations.call import Call
from orderbridge.broker_api.operations.outage import NAMES


class Leverage:
    """The three operations of leverage."""

    def get(self, call: Call) -> object:
        """Refuse, and say who sets it."""
        raise ShownError(f"{NAMES[call.account.broker]} sets the leverage of the account; it cannot be chosen here.")

    set = get
    preview = get
