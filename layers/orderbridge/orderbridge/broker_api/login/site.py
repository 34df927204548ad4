"""The pages that TradingView sends people to: sign in, allow, sign out.

GET   nobody signed in, or prompt=login     sign-in page
      signed in                             consent page
      prompt=none                           no page: a token at once, or OpenID Connect's word for why not
POST  sign_in, allow                        redirect with the code or token
      deny                                  redirect with access_denied
      other                                 sign-in page, signed out
"""

from collections.abc import Callable

from orderbridge.broker_api.gateway import Answer, BadRequestError, Multi, Request
from orderbridge.broker_api.login import cookies
from orderbridge.broker_api.login.authenticate import accounts_of
from orderbridge.broker_api.login.authorization import (
    AuthorizationRequest,
    Untrusted,
    Wrong,
    read_authorization,
    redirect_to,
)
from orderbridge.broker_api.login.browsers import Browsers, SignedIn
from orderbridge.broker_api.login.issue import begin
from orderbridge.broker_api.login.model import Code, OAuthClient
from orderbridge.broker_api.login.page import (
    AccountLine,
    ConsentPage,
    Field,
    MessagePage,
    SignInPage,
    consent_html,
    message_html,
    page_answer,
    redirect_answer,
    sign_in_html,
)
from orderbridge.broker_api.login.password_login import Denied, PasswordLogin
from orderbridge.broker_api.login.ports import AccountSource, ClientStore, NowMs, SessionStore, UserStore
from orderbridge.broker_api.login.tokens import RandomBytes, among, digest, new_id, new_secret
from orderbridge.secret import Secret
from orderbridge.strategy.settings import AccountSettings

CODE_MS = 60_000
LARGEST_FORM = 16 * 1024
BROKERS = {"tradestation": "TradeStation", "tradelocker": "TradeLocker"}
TOO_OLD = "The page was open for too long, or cookies are blocked."


class Site:
    """Answers `/oauth/authorize` and `/oauth/logout`. Every method raises `StorageError` when the table fails."""

    def __init__(
        self,
        clients: ClientStore,
        users: UserStore,
        sessions: SessionStore,
        browsers: Browsers,
        passwords: PasswordLogin,
        accounts: AccountSource,
        now_ms: NowMs,
        random_bytes: RandomBytes,
        *,
        has_tradestation: Callable[[], bool] = lambda: False,
    ) -> None:
        self._clients = clients
        self._users = users
        self._sessions = sessions
        self._browsers = browsers
        self._passwords = passwords
        self._accounts = accounts
        self._now_ms = now_ms
        self._random_bytes = random_bytes
        self._has_tradestation = has_tradestation

    def authorize(self, request: Request) -> Answer:
        """Answer `/oauth/authorize`."""
        asked = self.read(request.query)
        if isinstance(asked, Untrusted):
            return untrusted(asked)
        if isinstance(asked, Wrong):
            return redirect_answer(asked.location)
        if asked.prompt == "none":
            return self._silently(request, asked)
        return self._sent(request, asked) if request.method == "POST" else self._opened(request, asked)

    def read(self, query: Multi) -> AuthorizationRequest | Untrusted | Wrong:
        """Read an authorization request."""
        return read_authorization(query, self._oauth_client)

    def _oauth_client(self, client_id: str) -> OAuthClient | None:
        client = self._clients.get(client_id)
        return client if isinstance(client, OAuthClient) else None

    # ---- GET

    def _opened(self, request: Request, asked: AuthorizationRequest) -> Answer:
        signed_in = None if asked.prompt == "login" else self._browsers.find(request)
        if signed_in is None:
            return self._sign_in_page(request, asked)
        return self._consent_page(request, asked, signed_in)

    def _silently(self, request: Request, asked: AuthorizationRequest) -> Answer:
        """Renew without a page (OpenID Connect's prompt=none), which is for the implicit flow alone."""
        if asked.response_type != "token":
            return _refused(asked, "interaction_required", "a code is given on a press only")
        signed_in = self._browsers.find(request)
        if signed_in is None:
            return _refused(asked, "login_required", "nobody is signed in in this browser")
        if asked.client_id not in signed_in.browser.allowed:
            return _refused(asked, "consent_required", "the person has not allowed this yet")
        return self._granted(asked, signed_in)

    # ---- POST

    def _sent(self, request: Request, asked: AuthorizationRequest) -> Answer:
        try:
            fields = request.form(LARGEST_FORM)
        except BadRequestError:
            return self._sign_in_page(request, asked, TOO_OLD, status=400)
        form = {name: values[0] for name, values in fields.items() if len(values) == 1}
        if not cookies.own_form(request, form.get("form_key", "")):
            return self._sign_in_page(request, asked, TOO_OLD, status=403)
        match form.get("action", "sign_in"):
            case "deny":
                return _refused(asked, "access_denied", "the person said no")
            case "allow":
                return self._allowed(request, asked, real_money=form.get("real_money") == "yes")
            case "other":
                self._browsers.sign_out(request)
                return self._sign_in_page(request, asked, cookies_set=(cookies.clear_browser(),))
            case _:
                return self._with_password(request, asked, form.get("login", ""), Secret(form.get("password", "")))

    def _with_password(self, request: Request, asked: AuthorizationRequest, login: str, password: Secret) -> Answer:
        if not login.strip() or not password:
            missing = "Fill in login and password."
            at: Field = "password" if login.strip() else "login"
            return self._sign_in_page(request, asked, missing, status=400, login=login, at=at)
        user = self._passwords.check(login, password, request.address)
        if isinstance(user, Denied):
            if user.limited:
                return self._sign_in_page(request, asked, user.message, status=429, login=login)
            return self._sign_in_page(request, asked, user.message, status=401, login=login, at="login")
        signed_in = self._browsers.begin(user)
        if self._unreleased(signed_in):
            self._browsers.keep(signed_in)
            return self._consent_page(request, asked, signed_in)
        return self._granted(asked, signed_in)

    def _allowed(self, request: Request, asked: AuthorizationRequest, *, real_money: bool) -> Answer:
        signed_in = self._browsers.find(request)
        if signed_in is None:
            return self._sign_in_page(request, asked, "You are signed out. Sign in again.", status=401)
        if real_money:
            for account in self._unreleased(signed_in):
                self._users.confirm_live(account, self._now_ms())
        return self._granted(asked, signed_in)

    # ---- codes and tokens

    def _granted(self, asked: AuthorizationRequest, signed_in: SignedIn) -> Answer:
        now_ms = self._now_ms()
        if asked.response_type == "code":
            sign_in_id, told = self._code(asked, signed_in, now_ms)
        else:
            sign_in, issued = begin(
                "implicit", now_ms, self._random_bytes, user=signed_in.user, client_id=asked.client_id
            )
            self._sessions.begin(sign_in)
            sign_in_id = sign_in.id
            told = {
                "access_token": issued.access_token.reveal(),
                "token_type": "bearer",
                "expires_in": str(issued.expires_in(now_ms)),
            }
        self._browsers.note(signed_in, asked.client_id, sign_in_id)
        framed = asked.response_type == "token"
        cookie = cookies.set_browser(signed_in.cookie, "None" if framed else "Lax")
        location = redirect_to(asked.redirect_uri, told, asked.state, fragment=framed)
        return redirect_answer(location, (cookie,) if signed_in.new or framed else ())

    def _code(self, asked: AuthorizationRequest, signed_in: SignedIn, now_ms: int) -> tuple[str, dict[str, str]]:
        code, sign_in_id = new_secret(self._random_bytes).reveal(), new_id(self._random_bytes)
        kept = Code(
            client_id=asked.client_id,
            redirect_uri=asked.redirect_uri,
            user=signed_in.user.login,
            generation=signed_in.user.generation,
            sign_in=sign_in_id,
            ends_ms=now_ms + CODE_MS,
        )
        self._sessions.keep_code(digest(code), kept)
        return sign_in_id, {"code": code}

    # ---- pages

    def _sign_in_page(
        self,
        request: Request,
        asked: AuthorizationRequest,
        error: str = "",
        *,
        status: int = 200,
        login: str = "",
        at: Field = "",
        cookies_set: tuple[str, ...] = (),
    ) -> Answer:
        cookie = cookies.form_cookie(request, self._random_bytes)
        page = SignInPage(
            form_key=cookies.form_key(cookie),
            login=login,
            error=error,
            at=at,
            tradestation_query=asked.query if self._has_tradestation() else "",
        )
        given = (*cookies_set, cookies.set_form(cookie))
        return page_answer(sign_in_html(page), status, redirects_to=(asked.redirect_uri,), cookies=given)

    def _consent_page(self, request: Request, asked: AuthorizationRequest, signed_in: SignedIn) -> Answer:
        cookie = cookies.form_cookie(request, self._random_bytes)
        accounts = accounts_of(signed_in.user, self._accounts)
        page = ConsentPage(
            form_key=cookies.form_key(cookie),
            login=signed_in.user.login,
            accounts=tuple(
                AccountLine(one.name, BROKERS[one.broker], one.environment == "live") for one in accounts.values()
            ),
            ask_real_money=bool(self._unreleased(signed_in)),
        )
        given = (cookies.set_browser(signed_in.cookie, "Lax"),) if signed_in.new else ()
        given = (*given, cookies.set_form(cookie))
        return page_answer(consent_html(page), redirects_to=(asked.redirect_uri,), cookies=given)

    def _unreleased(self, signed_in: SignedIn) -> list[AccountSettings]:
        """Give the person's own live accounts on which orders are still refused; the operator releases all others."""
        own = signed_in.user.own_accounts
        return [
            account
            for name, account in accounts_of(signed_in.user, self._accounts).items()
            if name in own and account.environment == "live" and account.live_confirmed_at_ms is None
        ]

    # ---- signing out

    def log_out(self, request: Request) -> Answer:
        """Answer `/oauth/logout`: end what this browser began for the client, then go where the client wants.

        The parameter was called returnTo up to 1.4.14.
        """
        given = {name: values[0] for name, values in request.query.items() if len(values) == 1}
        client = self._oauth_client(given.get("client_id", ""))
        target = given.get("redirect_uri") or given.get("returnTo") or ""
        if client is None:
            return _still_signed_in("The page that sent you here is not known to this bridge (client_id).")
        if target and not among(digest(target), map(digest, client.logout_uris)):
            return _still_signed_in("The address to return to is not on this bridge's list (redirect_uri).")
        self._browsers.sign_out(request, client.client_id)
        if target:
            return redirect_answer(target, (cookies.clear_browser(),))
        html = message_html(MessagePage("Signed out", "You are signed out. You can close this page."))
        return page_answer(html, cookies=(cookies.clear_browser(),))


def untrusted(asked: Untrusted) -> Answer:
    """Give the page for a request that leads nowhere."""
    text = f"{asked.message} Close this page and begin again at TradingView."
    return page_answer(message_html(MessagePage("This sign-in cannot go on", text)), 400)


def _still_signed_in(why: str) -> Answer:
    return page_answer(message_html(MessagePage("You were not signed out", f"{why} You can close this page.")), 400)


def _refused(asked: AuthorizationRequest, error: str, description: str) -> Answer:
    told = {"error": error, "error_description": description}
    return redirect_answer(redirect_to(asked.redirect_uri, told, asked.state, fragment=asked.response_type == "token"))
