"""Refusals of the simulated service.

HttpRefusal     an HTTP error with {Error, Message}
OrderRefusal    an order that the order desk does not take; how it shows is a switch
"""


class HttpRefusal(Exception):  # noqa: N818 - what the service answers, not a defect
    """An answer with an HTTP error status; `error` is the title that TradeStation puts beside the text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def error(self) -> str:
        return _TITLES[self.status]


class OrderRefusal(Exception):  # noqa: N818 - what the service answers, not a defect
    """An order refused after its form was found good. `reason` is TradeStation's text without the prefix."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_TITLES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    429: "TooManyRequests",
    500: "InternalServerError",
    501: "NotImplemented",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}


def bad_request(message: str) -> HttpRefusal:
    """Make a 400."""
    return HttpRefusal(400, message)
