"""The answers by which AWS refuses a call, as botocore raises them."""

from typing import Any

from botocore.exceptions import ClientError


class NotSimulatedError(AssertionError):
    """The call asks for what the simulated AWS does not know: extend the model before anything is judged on it."""


def client_error(operation: str, code: str, message: str, status: int = 400, **extra: Any) -> ClientError:
    """Give the error of `operation`; `extra` is what the service adds beside `Error`."""
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **extra,
    }
    return ClientError(response, operation)
