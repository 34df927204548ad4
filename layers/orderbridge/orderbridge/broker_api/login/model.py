"""Who uses the panel, who may ask for tokens, and what a sign-in is.

Of every token, code and cookie only the SHA-256 is in here and in the table.
"""

from dataclasses import dataclass, field
from typing import Literal

Flow = Literal["password", "code", "implicit", "server"]


@dataclass(frozen=True, slots=True)
class User:
    """A person who may use the panel."""

    login: str
    """In lower case; how the person signs in."""
    generation: str
    """Random; another one ends every sign-in made before (new password, removal and addition again)."""
    accounts: tuple[str, ...] = ()
    """Names of the accounts in the settings that the operator has linked."""
    own_accounts: tuple[str, ...] = ()
    """Names of accounts that came with the user's own broker login; nobody else is ever linked to them."""
    connection: str = ""
    """The user's own broker login; its tokens and data entitlements are for `own_accounts` alone."""
    password_hash: str = field(default="", repr=False)
    """argon2id; empty for a user who signs in at TradeStation only."""
    tradestation_account: str = ""
    """The account by which TradeStation's sign-in is recognised the first time; empty when that is not allowed."""
    tradestation_subject: str = ""
    """Who TradeStation says that the person is, from the first sign-in on."""
    created_at_ms: int = 0

    @property
    def all_accounts(self) -> tuple[str, ...]:
        """Every account that the user may see and trade; nothing else ever."""
        return tuple(dict.fromkeys((*self.accounts, *self.own_accounts)))


@dataclass(frozen=True, slots=True)
class StoredUser:
    """A user with the version of the item; a write names it."""

    value: User
    version: int


@dataclass(frozen=True, slots=True)
class Limit:
    """How many attempts a window takes. `digest` says of whom."""

    digest: str
    most: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """One of TradingView's environments: it sends people to the login page."""

    client_id: str
    secret_hashes: tuple[str, ...] = field(repr=False)
    """SHA-256 of the one or two valid secrets, hexadecimal."""
    redirect_uris: tuple[str, ...]
    """Compared letter by letter."""
    logout_uris: tuple[str, ...] = ()
    flows: tuple[Literal["code", "token"], ...] = ("code",)
    """`token` is the implicit flow."""
    scopes: tuple[str, ...] = ()
    """Empty: whatever is asked for means the same, all requests."""
    kind: Literal["oauth"] = "oauth"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate whose key signs TradingView's assertions."""

    pem: str
    sha1: str
    """Thumbprint, lower-case hexadecimal."""
    sha256: str


@dataclass(frozen=True, slots=True)
class ServerClient:
    """One of TradingView's data servers: it asks for tokens without a person."""

    client_id: str
    secret_hashes: tuple[str, ...] = field(repr=False)
    user_id: str
    """The assertion's `sub`."""
    app_url: str
    """The assertion's `spurl`."""
    token_url: str
    """The assertion's `aud`."""
    grant_type: str
    certificates: tuple[Certificate, ...]
    account: str = ""
    """The account whose login reads the bars and symbols that are served."""
    kind: Literal["server"] = "server"


Client = OAuthClient | ServerClient


@dataclass(frozen=True, slots=True)
class Pair:
    """An access token and the refresh token that came with it."""

    access_hash: str = field(repr=False)
    access_ends_ms: int
    refresh_hash: str = field(default="", repr=False)
    refresh_ends_ms: int = 0
    """0 where there is no refresh token."""

    @property
    def ends_ms(self) -> int:
        return max(self.access_ends_ms, self.refresh_ends_ms)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What one authorization gave, and what it has become by refreshing."""

    id: str
    flow: Flow
    started_at_ms: int
    current: Pair
    children: tuple[Pair, ...] = ()
    """Pairs that refreshing gave and nobody has used yet."""
    client_id: str = ""
    user: str = ""
    """Login; empty for TradingView's servers."""
    generation: str = ""
    """The user's when it began."""

    @property
    def ends_ms(self) -> int:
        return max(pair.ends_ms for pair in (self.current, *self.children))


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code that was given out."""

    client_id: str
    redirect_uri: str
    user: str
    generation: str
    sign_in: str
    """Id of the sign-in that redeeming it begins."""
    ends_ms: int


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser in which somebody has signed in."""

    user: str
    generation: str
    started_at_ms: int
    ends_ms: int
    allowed: tuple[str, ...] = ()
    """Clients that the person has let in from this browser: for them a token is given without asking."""
    sign_ins: tuple[tuple[str, str], ...] = ()
    """(client, sign-in) begun here, which signing out ends."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A browser that was sent to TradeStation and is to come back."""

    query: str
    """The authorization request that it is for."""
    form_key_hash: str = field(repr=False)
    """Of the form cookie: only the browser that left may come back."""
    ends_ms: int
