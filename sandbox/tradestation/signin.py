"""The sign-in service: authorize page, token endpoint, revoke, logout, userinfo."""

import hmac
from html import escape
from urllib.parse import urlencode

from sandbox.simserver import Request, Response, UnreadableBodyError
from sandbox.tradestation.seeds import CALLBACKS, KEYS, USERS, ApiKey, User
from sandbox.tradestation.switches import Switches
from sandbox.tradestation.tokens import API_SCOPES, IDENTITY_SCOPES, Grant, TokenError, Tokens

AUDIENCE = "https://api.tradestation.com"
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>Simulated TradeStation sign-in</title></head><body>
<h1>Simulated TradeStation</h1><p>{message}</p>
<form method="post">{hidden}
<label>User <input name="username"></label>
<label>Password <input name="password" type="password"></label>
<button>Sign in</button></form></body></html>
"""


class SignIn:
    """Answers the requests that go to signin.tradestation.com."""

    def __init__(self, tokens: Tokens, switches: Switches, callbacks: frozenset[str] = frozenset()) -> None:
        self._tokens = tokens
        self._switches = switches
        self._callbacks = CALLBACKS | callbacks

    def authorize(self, request: Request, now_ms: int) -> Response:
        """Answer GET and POST /authorize: sign a user in and redirect with code and state."""
        given = dict(request.query)
        if request.method == "POST":
            given |= request.form()
        key = _key(given.get("client_id", ""))
        callback = given.get("redirect_uri", "")
        if key is None:
            return Response.text("Unknown client: " + escape(given.get("client_id", "")), 403, "text/html")
        if callback.rstrip("/") not in self._callbacks and callback not in self._callbacks:
            return Response.text("Callback URL mismatch.", 403, "text/html")
        wrong = _wrong_parameter(given, key)
        if wrong is not None:
            return _redirect(callback, given, {"error": wrong[0], "error_description": wrong[1]})
        user = self._signed_in(request, given)
        if user is None:
            return _form(given, "Wrong user or password." if request.method == "POST" else "Sign in, please.")
        if given.get("deny"):
            return _redirect(callback, given, {"error": "access_denied", "error_description": "User denied"})
        grant = Grant(user.name, key.client_id, given["scope"], callback, given.get("code_challenge", ""))
        return _redirect(callback, given, {"code": self._tokens.new_code(grant, now_ms)})

    def token(self, request: Request, now_ms: int) -> Response:
        """Answer POST /oauth/token."""
        if "x-www-form-urlencoded" not in request.headers.get("content-type", ""):
            return _error("invalid_request", "The token endpoint takes a form.", 400)
        given = request.form()
        key = _key(given.get("client_id", ""))
        if key is None or not _secret_fits(key, given):
            return _error("access_denied", "Unauthorized", 401)
        try:
            return Response.json_of(self._grant(key, given, now_ms))
        except TokenError as error:
            status = int(self._switches["oauth_error_status"]) if error.error == "invalid_grant" else 400
            return _error(error.error, str(error), status)

    def revoke(self, request: Request) -> Response:
        """Answer POST /oauth/revoke, as JSON or as a form: every refresh token of the key is revoked."""
        try:
            given = request.json() if "json" in request.headers.get("content-type", "") else request.form()
        except UnreadableBodyError:
            return _error("invalid_request", "Unreadable body", 400)
        wanted = self._switches["revoke_field"]
        names = ("token", "refresh_token") if wanted == "any" else (wanted,)
        key = _key(str(given.get("client_id", "")))
        if key is None or not _secret_fits(key, given):
            return _error("access_denied", "Unauthorized", 401)
        if not any(given.get(name) for name in names):
            return _error("invalid_request", "Missing required parameter: " + names[0], 400)
        self._tokens.revoke_all(key.client_id)
        return Response.text("")

    def logout(self, request: Request) -> Response:
        """Answer GET /v2/logout: only the browser's session ends."""
        return Response.empty(302, {"Location": request.param("returnTo") or "/"})

    def userinfo(self, user: str) -> Response:
        """Answer GET /userinfo."""
        return Response.json_of({"sub": f"auth0|{user}", "name": user})

    def _signed_in(self, request: Request, given: dict[str, str]) -> User | None:
        if request.method == "POST":
            wanted = (given.get("username"), given.get("password"))
            return next((user for user in USERS if (user.name, user.password) == wanted), None)
        if self._switches["authorize_page"] == "form" or given.get("prompt") == "login":
            return None
        hint = given.get("login_hint", USERS[0].name)
        return next((user for user in USERS if user.name == hint), None)

    def _grant(self, key: ApiKey, given: dict[str, str], now_ms: int) -> dict[str, object]:
        match given.get("grant_type"):
            case "authorization_code":
                verifier = given.get("code_verifier", "")
                if key.client_secret is None and not verifier:
                    raise TokenError("invalid_request", "Missing required parameter: code_verifier")
                code, callback = given.get("code", ""), given.get("redirect_uri", "")
                return self._tokens.exchange_code(key, code, callback, verifier, now_ms)
            case "refresh_token":
                return self._tokens.refresh(key, given.get("refresh_token", ""), now_ms)
            case other:
                raise TokenError("unsupported_grant_type", f"Unsupported grant type: {other}")


def _key(client_id: str) -> ApiKey | None:
    return next((key for key in KEYS if key.client_id == client_id), None)


def _secret_fits(key: ApiKey, given: dict[str, str]) -> bool:
    if key.client_secret is None:
        return "client_secret" not in given
    return hmac.compare_digest(key.client_secret.encode(), str(given.get("client_secret", "")).encode())


def _wrong_parameter(given: dict[str, str], key: ApiKey) -> tuple[str, str] | None:
    scopes = given.get("scope", "").split()
    if given.get("response_type") != "code":
        return "unsupported_response_type", "Unsupported response type"
    if given.get("audience") != AUDIENCE:
        return "access_denied", f"Service not found: {given.get('audience', '')}"
    if "openid" not in scopes:
        return "invalid_scope", "The scope openid is required"
    if set(scopes) - {*IDENTITY_SCOPES, *API_SCOPES}:
        return "invalid_scope", "Unknown scope"
    challenge = given.get("code_challenge")
    if challenge is not None and given.get("code_challenge_method") != "S256":
        return "invalid_request", "Only S256 is supported"
    if key.client_secret is None and not challenge:
        return "invalid_request", "Parameter code_challenge is required"
    return None


def _redirect(callback: str, given: dict[str, str], extra: dict[str, str]) -> Response:
    told = extra | ({"state": given["state"]} if "state" in given else {})
    return Response.empty(302, {"Location": f"{callback}{'&' if '?' in callback else '?'}{urlencode(told)}"})


def _form(given: dict[str, str], message: str) -> Response:
    kept = {name: value for name, value in given.items() if name not in ("username", "password", "prompt")}
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in kept.items()
    )
    return Response.text(_PAGE.format(message=escape(message), hidden=hidden), 200, "text/html")


def _error(error: str, description: str, status: int) -> Response:
    return Response.json_of({"error": error, "error_description": description}, status)
