"""One request, read and authenticated, as the operations take it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orderbridge.broker_api.answers import ShownError
from orderbridge.broker_api.forms import Fields
from orderbridge.broker_api.login.model import ServerClient, User
from orderbridge.brokers.port import Deadline
from orderbridge.strategy.settings import AccountSettings

LONGEST_ID = 120


@dataclass(frozen=True, slots=True)
class Call:
    """`account` is the one that the path or the query names, and belongs to the user."""

    deadline: Deadline
    query: Fields
    form: Fields
    path: Mapping[str, str] = field(default_factory=dict)
    who: User | ServerClient | None = None
    own_account: AccountSettings | None = None
    token: str = field(default="", repr=False)
    address: str = ""

    @property
    def user(self) -> User:
        assert isinstance(self.who, User), "the route is for users"
        return self.who

    @property
    def account(self) -> AccountSettings:
        assert self.own_account is not None, "the route names an account"
        return self.own_account

    def id(self, name: str) -> str:
        """Give an id of the path. Raises `ShownError` for one that nothing can have."""
        value = self.path[name]
        if len(value) > LONGEST_ID or not value.isprintable():
            raise ShownError("There is nothing of this id.")
        return value
