"""What `apply` would change: the file's settings beside the table's, and the writes that make them equal.

Keys, versions and live confirmations are not in the file: keys are kept; a confirmation is kept as long as the account
is the same one at the broker.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from orderbridge import codec
from orderbridge.cli.rules import Settings
from orderbridge.storage.settings import Change, PutAccount, PutStrategy, Remove, Versioned
from orderbridge.strategy.settings import AccountSettings, StrategySettings

NOT_IN_THE_FILE = frozenset({"name", "version", "key_hashes", "live_confirmed_at_ms"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the difference."""

    sign: Literal["+", "-", "~"]
    kind: Literal["account", "strategy"]
    name: str
    field: str = ""
    old: str = ""
    new: str = ""

    def __str__(self) -> str:
        if self.sign != "~":
            return f"{self.sign} {self.kind} {self.name}"
        return f"~ {self.kind} {self.name}: {self.field}: {self.old} -> {self.new}"


@dataclass(frozen=True, slots=True)
class Difference:
    lines: tuple[Line, ...]
    changes: tuple[Change, ...]

    @property
    def removed(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.sign == "-")


def difference(
    wanted: Settings,
    strategies: Mapping[str, Versioned[StrategySettings]],
    accounts: Mapping[str, Versioned[AccountSettings]],
) -> Difference:
    """Compare the file with what the table has."""
    lines: list[Line] = []
    changes: list[Change] = []
    for name, account in wanted.accounts.items():
        before = accounts.get(name)
        kept = _with_confirmation(account, before)
        found = list(_compare("account", name, None if before is None else before.value, kept))
        if found:
            lines += found
            changes.append(PutAccount(kept, None if before is None else before.version))
    moved = {change.settings.name for change in changes if isinstance(change, PutAccount)}
    for name, strategy in wanted.strategies.items():
        was = strategies.get(name)
        with_keys = replace(strategy, key_hashes=was.value.key_hashes if was else ())
        found = list(_compare("strategy", name, None if was is None else was.value, with_keys))
        lines += found
        if found or moved & {route.account for route in strategy.accounts}:
            changes.append(PutStrategy(with_keys, wanted.routes(strategy), None if was is None else was.version))
    lines += [Line("-", "strategy", name) for name in sorted(set(strategies) - set(wanted.strategies))]
    changes += [Remove("strategy", n, strategies[n].version) for n in sorted(set(strategies) - set(wanted.strategies))]
    lines += [Line("-", "account", name) for name in sorted(set(accounts) - set(wanted.accounts))]
    changes += [Remove("account", n, accounts[n].version) for n in sorted(set(accounts) - set(wanted.accounts))]
    return Difference(tuple(lines), tuple(changes))


def _with_confirmation(account: AccountSettings, before: Versioned[AccountSettings] | None) -> AccountSettings:
    if before is None:
        return account
    same = all(
        getattr(account, field) == getattr(before.value, field)
        for field in ("broker", "environment", "connection", "broker_account_id", "base_url")
    )
    return replace(account, live_confirmed_at_ms=before.value.live_confirmed_at_ms if same else None)


def _compare(kind: Literal["account", "strategy"], name: str, before: object | None, after: object) -> Iterator[Line]:
    if before is None:
        yield Line("+", kind, name)
        return
    old, new = _fields(before), _fields(after)
    for field in sorted(old.keys() | new.keys()):
        if old.get(field) != new.get(field):
            yield Line("~", kind, name, field, _shown(old.get(field)), _shown(new.get(field)))


def _fields(settings: object) -> dict[str, Any]:
    slots = {name: codec.plain(getattr(settings, name)) for name in getattr(type(settings), "__slots__", ())}
    return {name: value for name, value in slots.items() if name not in NOT_IN_THE_FILE}


def _shown(value: Any) -> str:
    return "none" if value is None or value in ("", [], {}) else codec.dumps(value).strip('"')
