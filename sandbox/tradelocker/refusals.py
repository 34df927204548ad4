"""Why a request is refused. The exact texts of the real service are unconfirmed."""


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """A request that the broker understood and refuses: 200 with `s:"error"` and this text."""


class NotFound(Refusal):
    """An order or position that is not there, or is final: 200 with `s:"error"` or 404, by switch."""


class Malformed(Refusal):
    """A body or query that lacks a field or has it of the wrong kind: 200 with `s:"error"` or 400, by switch."""
