"""Read an authorization request, and word the redirect that ends it. Pure.

    client or redirect URI unknown   -> Untrusted: a page, never a redirect (RFC 6749, 4.1.2.1)
    anything else wrong              -> Wrong: a redirect with `error`
    all well                         -> AuthorizationRequest

TradingView's request has response_type, client_id, redirect_uri, scope, state, at times `prompt` and `lang`, and by its
manual `token_uri`; it sends no code challenge. An unknown parameter is passed over, a repeated one refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode, urlsplit, urlunsplit

from orderbridge.broker_api.gateway import Multi
from orderbridge.broker_api.login.model import OAuthClient
from orderbridge.broker_api.login.tokens import among, digest

LONGEST_STATE = 4096
KNOWN = ("response_type", "client_id", "redirect_uri", "scope", "state", "prompt", "lang")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request by a client that we know, to a redirect URI that it has registered."""

    response_type: Literal["code", "token"]
    client_id: str
    redirect_uri: str
    state: str
    scope: str = ""
    prompt: Literal["", "login", "none"] = ""
    lang: str = ""

    @property
    def query(self) -> str:
        """Give the request again as a query, so that a page can come back to it."""
        values = {name: str(getattr(self, name)) for name in KNOWN}
        return urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True, slots=True)
class Untrusted:
    """Nowhere to redirect to; the sentence is for the person in front of the page."""

    message: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """An error that the client is told by a redirect."""

    location: str


def read_authorization(
    query: Multi, client_of: Callable[[str], OAuthClient | None]
) -> AuthorizationRequest | Untrusted | Wrong:
    """Read the query of an authorization request."""
    client_id, redirect_uri = _one(query, "client_id"), _one(query, "redirect_uri")
    client = client_of(client_id) if client_id else None
    if client is None:
        return Untrusted("The page that sent you here is not known to this bridge (client_id).")
    if not redirect_uri or not among(digest(redirect_uri), map(digest, client.redirect_uris)):
        return Untrusted("The address to return to is not on this bridge's list (redirect_uri).")
    state, response_type = _one(query, "state"), _one(query, "response_type")
    fragment = response_type == "token"

    def wrong(error: str, description: str) -> Wrong:
        told = {"error": error, "error_description": description}
        return Wrong(redirect_to(redirect_uri, told, state or "", fragment=fragment))

    repeated = [name for name in KNOWN if len(query.get(name, ())) > 1]
    if repeated:
        return wrong("invalid_request", f"{repeated[0]} stands there more than once")
    if response_type not in ("code", "token"):
        return wrong("unsupported_response_type", "response_type must be code or token")
    if response_type not in client.flows:
        return wrong("unauthorized_client", f"response_type {response_type} is not open to this client")
    if not state or len(state) > LONGEST_STATE:
        return wrong("invalid_request", f"state is needed, with at most {LONGEST_STATE} characters")
    scope = _one(query, "scope") or ""
    if client.scopes and not set(scope.split()) <= set(client.scopes):
        return wrong("invalid_scope", f"the scopes are: {' '.join(client.scopes)}")
    return AuthorizationRequest(
        response_type="token" if fragment else "code",
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        state=state,
        scope=scope,
        prompt=_prompt(_one(query, "prompt")),
        lang=_one(query, "lang") or "",
    )


def redirect_to(uri: str, told: Mapping[str, str], state: str, *, fragment: bool) -> str:
    """Add what is told to a redirect URI, in the query or (the implicit flow) in the fragment; state as it came."""
    values = urlencode({**told, **({"state": state} if state else {})})
    parts = urlsplit(uri)
    if fragment:
        return urlunsplit(parts._replace(fragment=values))
    return urlunsplit(parts._replace(query=f"{parts.query}&{values}" if parts.query else values))


def _prompt(value: str | None) -> Literal["", "login", "none"]:
    match value:
        case "login" | "none":
            return value
        case _:
            return ""


def _one(query: Multi, name: str) -> str | None:
    """Give a parameter that stands there once."""
    values = query.get(name, ())
    return values[0] if len(values) == 1 else None
