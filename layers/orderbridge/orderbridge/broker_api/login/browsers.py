"""Who has signed in in a browser, and what was begun from it."""

from dataclasses import dataclass, replace

from orderbridge.broker_api.gateway import Request
from orderbridge.broker_api.login import cookies
from orderbridge.broker_api.login.model import Browser, User
from orderbridge.broker_api.login.ports import NowMs, SessionStore, UserStore
from orderbridge.broker_api.login.tokens import RandomBytes, digest, new_secret

MOST_SIGN_INS = 20


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser and the user who has signed in in it."""

    cookie: str
    browser: Browser
    user: User
    new: bool = False


class Browsers:
    """Signed-in browsers. Every method raises `StorageError` when the table fails."""

    def __init__(self, sessions: SessionStore, users: UserStore, now_ms: NowMs, random_bytes: RandomBytes) -> None:
        self._sessions = sessions
        self._users = users
        self._now_ms = now_ms
        self._random_bytes = random_bytes

    def find(self, request: Request) -> SignedIn | None:
        """Give who has signed in, None when nobody has or it is over."""
        cookie = cookies.kept(request, cookies.BROWSER)
        browser = self._sessions.browser(digest(cookie)) if cookie else None
        if browser is None or self._now_ms() >= browser.ends_ms:
            return None
        found = self._users.get(browser.user)
        if found is None or found.value.generation != browser.generation:
            return None
        return SignedIn(cookie, browser, found.value)

    def begin(self, user: User) -> SignedIn:
        """Make a browser in which this user has signed in; `keep` stores it."""
        now_ms = self._now_ms()
        browser = Browser(user.login, user.generation, now_ms, now_ms + cookies.BROWSER_MS)
        return SignedIn(new_secret(self._random_bytes).reveal(), browser, user, new=True)

    def keep(self, signed_in: SignedIn) -> None:
        """Store a browser that has just signed in, before its cookie goes out."""
        self._sessions.keep_browser(digest(signed_in.cookie), signed_in.browser)

    def note(self, signed_in: SignedIn, client_id: str, sign_in_id: str) -> None:
        """Note that the person has let a client in, and the sign-in that this began."""
        browser = signed_in.browser
        allowed = tuple(dict.fromkeys((*browser.allowed, client_id)))
        begun = (*browser.sign_ins, (client_id, sign_in_id))[-MOST_SIGN_INS:]
        self._sessions.keep_browser(digest(signed_in.cookie), replace(browser, allowed=allowed, sign_ins=begun))

    def sign_out(self, request: Request, client_id: str = "") -> None:
        """Forget this browser, and end what it began for the client."""
        cookie = cookies.kept(request, cookies.BROWSER)
        browser = self._sessions.browser(digest(cookie)) if cookie else None
        if browser is None:
            return
        for client, sign_in_id in browser.sign_ins:
            if client == client_id:
                self._sessions.end(sign_in_id)
        self._sessions.forget_browser(digest(cookie))
