"""Sign in at TradeStation itself, from our login page: own tokens, own accounts, own data.

start      our page -> TradeStation's sign-in, with a state that only this browser can bring back
callback   code -> tokens; who it is; whose accounts; tokens kept; back to our page, signed in

Who it is, is what TradeStation calls the person (`sub` of its ID token), bound to a user at the first sign-in. For that
first time the operator has named one of the person's accounts (`orderbridge users add --tradestation-account`): whoever
signs in and has that account is the one. Nobody else is let in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import jwt

from orderbridge.broker_api.gateway import Answer, Request
from orderbridge.broker_api.login import cookies
from orderbridge.broker_api.login.authorization import Untrusted, Wrong
from orderbridge.broker_api.login.browsers import Browsers
from orderbridge.broker_api.login.model import Errand, StoredUser
from orderbridge.broker_api.login.page import MessagePage, message_html, page_answer, redirect_answer
from orderbridge.broker_api.login.ports import NowMs, SessionStore, UserStore
from orderbridge.broker_api.login.site import Site, untrusted
from orderbridge.broker_api.login.tokens import RandomBytes, digest, new_secret, same
from orderbridge.brokers.login import Login, LoginRefused
from orderbridge.errors import BrokerReadError, ConflictError
from orderbridge.model import BrokerAccount, PositionMode
from orderbridge.secret import Secret
from orderbridge.strategy.settings import AccountSettings

ERRAND_MS = 10 * 60_000
KINDS = ("Cash", "Margin", "Futures", "DVP")
TITLE = "Not signed in"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The operator's TradeStation API key, with our callback on its list of allowed ones."""

    blank: Login
    """Client, hosts and environment; no tokens."""
    callback: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a person's sign-in at TradeStation gave."""

    login: Login
    id_token: Secret
    missing_scopes: tuple[str, ...]
    """What the person has unticked and the bridge cannot do without."""


class Door(Protocol):
    """TradeStation, and where its logins are kept. Every method may raise `StorageError`."""

    def sign_in_url(self, state: str, *, force_login: bool) -> str:
        """Give the address of TradeStation's sign-in page, from where the person comes back with the state."""
        ...

    def exchange(self, code: Secret) -> Arrival | LoginRefused:
        """Turn a code into a login. Raises `BrokerReadError`."""
        ...

    def accounts(self, login: Login) -> Sequence[BrokerAccount]:
        """List the login's accounts of its environment. Raises `BrokerReadError`."""
        ...

    def keep(self, connection: str, login: Login) -> None:
        """Store the login, to be refreshed from now on. Raises `BrokerReadError`."""
        ...

    def settings_accounts(self) -> Mapping[str, AccountSettings]:
        """Read the accounts of the settings file, by name."""
        ...


class OwnUserStore(UserStore, Protocol):
    """`orderbridge.storage.users.Users`."""

    def all(self) -> dict[str, StoredUser]: ...
    def by_subject(self, subject: str) -> StoredUser | None: ...
    def bind(self, found: StoredUser, subject: str) -> StoredUser: ...
    def give_accounts(self, found: StoredUser, connection: str, accounts: Sequence[AccountSettings]) -> StoredUser: ...
    def own_accounts(self) -> dict[str, AccountSettings]: ...


class RefusedError(Exception):
    """The person is not signed in; the text says why, to the person."""


def connection_of(login: str) -> str:
    """Name the broker login of a user's own; no connection of the command line has a dot."""
    return f"user.{login}"


def own_account_name(login: str, broker_account_id: str) -> str:
    """Name a user's own account; no account of the settings file has a dot."""
    return f"{login}.{broker_account_id}"


class TradeStationSignIn:
    """Answers `/oauth/tradestation/start` and `/oauth/tradestation/callback`. Raises `StorageError`."""

    def __init__(
        self,
        door: Door,
        site: Site,
        browsers: Browsers,
        users: OwnUserStore,
        sessions: SessionStore,
        now_ms: NowMs,
        random_bytes: RandomBytes,
    ) -> None:
        self._door = door
        self._site = site
        self._browsers = browsers
        self._users = users
        self._sessions = sessions
        self._now_ms = now_ms
        self._random_bytes = random_bytes

    def start(self, request: Request) -> Answer:
        """Send the browser to TradeStation."""
        asked = self._site.read(request.query)
        if isinstance(asked, Untrusted):
            return untrusted(asked)
        if isinstance(asked, Wrong):
            return redirect_answer(asked.location)
        cookie = cookies.form_cookie(request, self._random_bytes)
        state = new_secret(self._random_bytes).reveal()
        back = replace(asked, prompt="")  # whoever comes back has just signed in
        errand = Errand(back.query, digest(cookie), self._now_ms() + ERRAND_MS)
        self._sessions.keep_errand(digest(state), errand)
        url = self._door.sign_in_url(state, force_login=asked.prompt == "login")
        return redirect_answer(url, (cookies.set_form(cookie),))

    def callback(self, request: Request) -> Answer:
        """Take the person back from TradeStation."""
        given = {name: values[0] for name, values in request.query.items() if len(values) == 1}
        errand = self._sessions.take_errand(digest(given.get("state", "")))
        cookie = cookies.kept(request, cookies.FORM)
        if errand is None or self._now_ms() >= errand.ends_ms or not same(errand.form_key_hash, digest(cookie)):
            text = "This sign-in took too long or began in another browser. Begin again at TradingView."
            return page_answer(message_html(MessagePage(TITLE, text)), 400)
        back = f"../authorize?{errand.query}"
        try:
            user = self._signed_in(given)
        except RefusedError as refused:
            return page_answer(message_html(MessagePage(TITLE, str(refused), back)), 403)
        except BrokerReadError:
            text = "TradeStation did not answer as it should. Nothing was changed; try again."
            return page_answer(message_html(MessagePage(TITLE, text, back)), 503)
        signed_in = self._browsers.begin(user.value)
        self._browsers.keep(signed_in)
        return redirect_answer(back, (cookies.set_browser(signed_in.cookie, "Lax"),))

    # ---- who it is

    def _signed_in(self, given: Mapping[str, str]) -> StoredUser:
        if not given.get("code"):
            raise RefusedError("You were not signed in at TradeStation.")
        outcome = self._door.exchange(Secret(given["code"]))
        if isinstance(outcome, LoginRefused):
            raise RefusedError("TradeStation did not accept the sign-in. Try again.")
        if outcome.missing_scopes:
            missing = ", ".join(outcome.missing_scopes)
            raise RefusedError(f"Leave these ticked at TradeStation, they are needed: {missing}.")
        subject = subject_of(outcome.id_token, outcome.login.client_id)
        listed = self._door.accounts(outcome.login)
        found = self._users.by_subject(subject) or self._invited(subject, listed)
        return self._with_own_accounts(found, outcome.login, listed)

    def _invited(self, subject: str, listed: Sequence[BrokerAccount]) -> StoredUser:
        """Find the user that the operator has added for one of these accounts, and bind the person to it."""
        ids = {account.id for account in listed}
        waiting = [
            user
            for user in self._users.all().values()
            if user.value.tradestation_account in ids and not user.value.tradestation_subject
        ]
        if len(waiting) != 1:
            raise RefusedError("This TradeStation login is not among the users of this bridge. Ask its operator.")
        try:
            return self._users.bind(waiting[0], subject)
        except ConflictError:
            raise RefusedError("Somebody else is signing in as you. Try again.") from None

    # ---- what is the person's own

    def _with_own_accounts(self, found: StoredUser, login: Login, listed: Sequence[BrokerAccount]) -> StoredUser:
        """Keep the login and give the user its accounts, but for those that somebody else has here."""
        connection = connection_of(found.value.login)
        kept = self._users.own_accounts()
        others = {
            account.broker_account_id
            for account in (*self._door.settings_accounts().values(), *kept.values())
            if account.broker == "tradestation" and account.connection != connection
        }
        own = [
            _settings(found.value.login, login, account, kept)
            for account in listed
            if account.id not in others and account.status != "blocked" and account.kind in KINDS
        ]
        if not own:
            raise RefusedError("Your accounts are set up in this bridge already. Ask its operator to link them to you.")
        self._door.keep(connection, login)
        try:
            return self._users.give_accounts(found, connection, own)
        except ConflictError:
            raise RefusedError("Your accounts were changed by somebody else meanwhile. Try again.") from None


def subject_of(id_token: Secret, client_id: str) -> str:
    """Read who signed in. The token came from TradeStation's token endpoint over TLS, which stands for its signature

    (OpenID Connect Core, 3.1.3.7, 6). Raises `RefusedError`.
    """
    try:
        claims = jwt.decode(
            id_token.reveal(),
            options={"verify_signature": False, "verify_aud": True, "require": ["sub", "aud"]},
            audience=client_id,
        )
    except (jwt.PyJWTError, RecursionError, TypeError, ValueError):
        raise RefusedError("TradeStation did not say who signed in.") from None
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject:
        raise RefusedError("TradeStation did not say who signed in.")
    return subject


def _settings(
    login_name: str, login: Login, account: BrokerAccount, kept: Mapping[str, AccountSettings]
) -> AccountSettings:
    name = own_account_name(login_name, account.id)
    before = kept.get(name)
    return AccountSettings(
        name=name,
        broker="tradestation",
        environment=login.environment,
        connection=connection_of(login_name),
        broker_account_id=account.id,
        position_mode=PositionMode.NETTING,
        base_url=login.base_url,
        auth_url=login.auth_url,
        currency=account.currency,
        kind=account.kind,
        live_confirmed_at_ms=before.live_confirmed_at_ms if before else None,
    )
