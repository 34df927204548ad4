"""/trackLatency: what TradingView measured of a write, into the bridge's own log."""

import logging

from orderbridge.broker_api.answers import ShownError
from orderbridge.broker_api.operations.call import Call

log = logging.getLogger(__name__)
KINDS = frozenset(
    {
        "place_order",
        "modify_order",
        "cancel_order",
        "modify_position",
        "close_position",
        "modify_individual_position",
        "close_individual_position",
        "close_net_position",
    }
)


class Latency:
    """Keeps TradingView's measurements."""

    def track(self, call: Call) -> None:
        """Log one round trip; a kind that is not published is refused."""
        kind = call.form.need("transactionType")
        if kind not in KINDS:
            raise ShownError("transactionType is not known.")
        measured = call.form.number("roundTripDuration")
        if measured is None:
            raise ShownError("roundTripDuration is missing.")
        log.info(
            "panel round trip",
            extra={"metric": "PanelRoundTripMs", "value": float(measured), "kind": kind, "account": call.account.name},
        )
