"""The gateway before the functions: HTTP requests as the events of a REST API, and results as responses."""

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

ADDRESS = "203.0.113.7"
Handle = Callable[[Mapping[str, Any]], dict[str, Any]]


def event_of(
    method: str,
    path: str,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    *,
    address: str = ADDRESS,
    resource: str = "/{proxy+}",
) -> dict[str, Any]:
    """Give the event that API Gateway makes of a request; `path` is as it was sent, not decoded."""
    sent = dict(headers or {})
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": parse_qs(query, keep_blank_values=True) or None,
        "requestContext": {"identity": {"sourceIp": address}, "stage": "v1"},
        "body": None if body is None else base64.b64encode(body).decode(),
        "isBase64Encoded": body is not None,
    }


class WsgiGateway:
    """A WSGI application in front of a handler."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def __call__(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_") or (name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value)
        }
        path = urlsplit(str(environ["REQUEST_URI"])).path
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        answer = self._handle(
            event_of(str(environ["REQUEST_METHOD"]), path, str(environ["QUERY_STRING"]), headers, body or None)
        )
        fields = [(name, value) for name, values in answer["multiValueHeaders"].items() for value in values]
        start_response(f"{answer['statusCode']} -", fields)
        return [str(answer["body"]).encode()]
