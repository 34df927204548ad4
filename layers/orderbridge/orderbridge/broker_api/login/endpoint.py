"""The token endpoint, called by TradingView's servers: codes and refresh tokens into tokens (RFC 6749, 5).

Its refresh request carries no client id: the client is found by the token. Credentials stand in the form; a Basic
header is taken as well. A refused request is worded so that it tells a guesser nothing.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Literal
from urllib.parse import unquote_plus

from orderbridge.broker_api.gateway import Answer, BadRequestError, Multi, Request
from orderbridge.broker_api.login.issue import begin, issue
from orderbridge.broker_api.login.model import Client, Code, OAuthClient
from orderbridge.broker_api.login.ports import ClientStore, NowMs, SessionStore, UserStore
from orderbridge.broker_api.login.rotation import RefreshRefused, use_refresh
from orderbridge.broker_api.login.tokens import RandomBytes, among, digest, same, sign_in_of
from orderbridge.errors import ConflictError

LARGEST_FORM = 32 * 1024
TRIES = 5

OAuthError = Literal[
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"
]
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class GrantRefusedError(Exception):
    """No token, with RFC 6749's word for why."""

    def __init__(self, error: OAuthError, description: str) -> None:
        super().__init__(description)
        self.error = error


def json_answer(status: int, content: Mapping[str, object]) -> Answer:
    """Give a JSON answer that nobody keeps."""
    headers = {"Content-Type": "application/json", "X-Content-Type-Options": "nosniff", **NO_STORE}
    return Answer(status, json.dumps(content), headers)


def refusal(error: GrantRefusedError) -> Answer:
    """Give the answer to a refused request: 401 for the client's own proof, 400 for all else."""
    content = {"error": error.error, "error_description": str(error)}
    return json_answer(401 if error.error == "invalid_client" else 400, content)


class Form:
    """A token request's fields, each at most once."""

    def __init__(self, fields: Multi) -> None:
        repeated = [name for name, values in fields.items() if len(values) > 1]
        if repeated:
            raise GrantRefusedError("invalid_request", "a field stands there more than once")
        self._fields = fields

    def get(self, name: str) -> str:
        """Give a field, empty when it is missing."""
        return self._fields.get(name, ("",))[0]

    def need(self, name: str) -> str:
        """Give a field. Raises `GrantRefusedError` when it is missing."""
        value = self.get(name)
        if not value:
            raise GrantRefusedError("invalid_request", f"{name} is missing")
        return value


def read_form(request: Request) -> Form:
    """Read a token request. Raises `GrantRefusedError`."""
    if request.method != "POST":
        raise GrantRefusedError("invalid_request", "send a form with POST")
    try:
        return Form(request.form(LARGEST_FORM))
    except BadRequestError as error:
        raise GrantRefusedError("invalid_request", str(error)) from None


def proved(client: Client | None, secret: str) -> bool:
    """Tell whether this is the client's secret; an unknown client takes as long."""
    known = client.secret_hashes if client is not None else ("",)
    return among(digest(secret), known) and client is not None


class TokenEndpoint:
    """Answers `POST /oauth/token`. Raises `StorageError` when the table fails."""

    def __init__(
        self,
        clients: ClientStore,
        users: UserStore,
        sessions: SessionStore,
        now_ms: NowMs,
        random_bytes: RandomBytes,
    ) -> None:
        self._clients = clients
        self._users = users
        self._sessions = sessions
        self._now_ms = now_ms
        self._random_bytes = random_bytes

    def answer(self, request: Request) -> Answer:
        """Answer one token request."""
        try:
            form = read_form(request)
            client_id, secret = _credentials(request, form)
            match form.need("grant_type"):
                case "authorization_code":
                    return self._code(form, self._client(client_id, secret))
                case "refresh_token":
                    return self._refresh(form, client_id, secret)
                case _:
                    raise GrantRefusedError("unsupported_grant_type", "this grant_type is not served here")
        except GrantRefusedError as error:
            return refusal(error)

    def _client(self, client_id: str, secret: str) -> OAuthClient:
        client = self._clients.get(client_id) if client_id else None
        if not proved(client, secret) or not isinstance(client, OAuthClient):
            raise GrantRefusedError("invalid_client", "the client is unknown or its secret is wrong")
        return client

    # ---- codes

    def _code(self, form: Form, client: OAuthClient) -> Answer:
        found = digest(form.need("code"))
        redirect_uri = form.need("redirect_uri")
        read = self._sessions.code(found)
        if read is None:
            raise GrantRefusedError("invalid_grant", "the code is not valid")
        code, redeemed = read
        if redeemed:
            raise self._reused(code)
        now_ms = self._now_ms()
        if not same(code.client_id, client.client_id) or not same(code.redirect_uri, redirect_uri):
            self._sessions.spoil(found)
            raise GrantRefusedError("invalid_grant", "the code was given out for another client or redirect_uri")
        user = self._users.get(code.user)
        if now_ms >= code.ends_ms or user is None or user.value.generation != code.generation:
            raise GrantRefusedError("invalid_grant", "the code is over")
        sign_in, issued = begin(
            "code",
            now_ms,
            self._random_bytes,
            user=user.value,
            client_id=client.client_id,
            sign_in_id=code.sign_in,
        )
        if not self._sessions.redeem(found, sign_in):
            raise self._reused(code)
        return json_answer(200, issued.answer(now_ms))

    def _reused(self, code: Code) -> GrantRefusedError:
        """End what the code has given: somebody else has it too (RFC 6749, 4.1.2)."""
        self._sessions.end(code.sign_in)
        return GrantRefusedError("invalid_grant", "the code was used before; what it gave has ended")

    # ---- refresh tokens

    def _refresh(self, form: Form, client_id: str, secret: str) -> Answer:
        token = form.need("refresh_token")
        sign_in_id = sign_in_of(token)
        for _ in range(TRIES):
            read = self._sessions.sign_in(sign_in_id) if sign_in_id else None
            if client_id:
                self._client(client_id, secret)
            if read is None or read[0].flow != "code":
                raise GrantRefusedError("invalid_grant", "the refresh token is not valid")
            sign_in, version = read
            self._client(sign_in.client_id, secret)
            if client_id and not same(client_id, sign_in.client_id):
                raise GrantRefusedError("invalid_grant", "the refresh token was given to another client")
            now_ms = self._now_ms()
            issued = issue("code", sign_in.id, now_ms, self._random_bytes)
            changed = use_refresh(sign_in, digest(token), issued.pair, now_ms)
            if isinstance(changed, RefreshRefused):
                raise self._refused(sign_in.id, changed)
            if not self._still_a_user(sign_in.user, sign_in.generation):
                self._sessions.end(sign_in.id)
                raise GrantRefusedError("invalid_grant", "the sign-in is over")
            try:
                self._sessions.change(changed, version)
            except ConflictError:
                continue
            return json_answer(200, issued.answer(now_ms))
        raise GrantRefusedError("invalid_grant", "the refresh token is being used elsewhere")

    def _refused(self, sign_in_id: str, refused: RefreshRefused) -> GrantRefusedError:
        if refused.reused:
            self._sessions.end(sign_in_id)
            return GrantRefusedError("invalid_grant", "the refresh token was used before; the sign-in has ended")
        return GrantRefusedError("invalid_grant", "the refresh token is over")

    def _still_a_user(self, login: str, generation: str) -> bool:
        found = self._users.get(login)
        return found is not None and found.value.generation == generation


def _credentials(request: Request, form: Form) -> tuple[str, str]:
    """Give client id and secret, from the form or from a Basic header, never from both (RFC 6749, 2.3)."""
    scheme, _, packed = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id"), form.get("client_secret")
    if form.get("client_secret"):
        raise GrantRefusedError("invalid_request", "the client's secret stands there twice")
    try:
        client_id, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise GrantRefusedError("invalid_client", "the Authorization header cannot be read") from None
    return unquote_plus(client_id), unquote_plus(secret)
