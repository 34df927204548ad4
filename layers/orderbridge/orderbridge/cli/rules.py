"""What the parts of `orderbridge.yaml` mean together, and the runtime settings that they make.

TRADING.md: position modes (2), one owner of a symbol (3), quantity units (23), symbol maps without a guess (25).
"""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from orderbridge.alerts.alert import Refusal
from orderbridge.broker_api.settings import BrokerName, Listed, PanelSettings
from orderbridge.brokers.http import check_base_url
from orderbridge.brokers.tradelocker import hosts as tradelocker_hosts
from orderbridge.brokers.tradelocker.capabilities import CAPABILITIES as TRADELOCKER
from orderbridge.brokers.tradestation import hosts as tradestation_hosts
from orderbridge.brokers.tradestation.capabilities import capabilities_of
from orderbridge.cli import schema
from orderbridge.cli.document import Document, FieldPath, read_document
from orderbridge.cli.explain import validated
from orderbridge.cli.problems import Problem, SettingsProblems
from orderbridge.cli.sharing import named_in_alert, shared_symbols
from orderbridge.errors import SettingsError
from orderbridge.model import PositionMode
from orderbridge.storage.settings import Route
from orderbridge.strategy.settings import AccountRoute, AccountSettings, StrategySettings
from orderbridge.strategy.symbols import canonical_root, root_for, wanted_symbol


@dataclass(frozen=True, slots=True)
class Settings:
    """A checked file. Versions, keys and live confirmations are not in it: the table has them."""

    accounts: Mapping[str, AccountSettings]
    strategies: Mapping[str, StrategySettings]
    panel: PanelSettings

    def routes(self, strategy: StrategySettings) -> tuple[Route, ...]:
        """Give what the alert receiver must know of a strategy's accounts."""
        return tuple(self._route(self.accounts[route.account]) for route in strategy.accounts)

    def _route(self, account: AccountSettings) -> Route:
        table = TRADELOCKER if account.broker == "tradelocker" else capabilities_of(account.kind)
        return Route(account.name, account.broker, table.one_action_at_a_time)


def read_settings(text: str, file: str, allowed_hosts: Collection[str], now_ms: int) -> Settings:
    """Check a whole file and give its settings. Raises `SettingsProblems` with everything that is wrong."""
    document = read_document(text, file)
    parsed = validated(document)
    settings = Settings(
        {name: _account(name, account) for name, account in parsed.accounts.items()},
        {name: _strategy(name, strategy) for name, strategy in parsed.strategies.items()},
        _panel(parsed.panel),
    )
    checks = _Checks(document, parsed, settings, allowed_hosts, now_ms)
    problems = [*checks.accounts(), *checks.strategies(), *checks.panel()]
    if problems:
        raise SettingsProblems(file, problems)
    strategies = settings.strategies.values()
    return replace(settings, strategies={s.name: _with_mapped_roots(s, settings, now_ms) for s in strategies})


# ---- the file's words -> the runtime form


def _account(name: str, account: schema.Account) -> AccountSettings:
    environment = "live" if account.environment == "live" else "sim"
    urls = tradelocker_hosts.BASE_URLS if account.broker == "tradelocker" else tradestation_hosts.BASE_URLS
    own_auth = tradestation_hosts.AUTH_URL if account.broker == "tradestation" else ""
    return AccountSettings(
        name=name,
        broker=account.broker,
        environment="live" if environment == "live" else "sim",
        connection=account.connection,
        broker_account_id=account.account_id,
        position_mode=PositionMode(account.position_mode),
        base_url=account.base_url or urls["live" if environment == "live" else "sim"],
        auth_url=account.auth_url or own_auth,
        account_number=account.account_number,
        currency=account.currency.upper(),
        kind=account.kind.capitalize() if account.kind != "dvp" else "DVP",
    )


def _strategy(name: str, strategy: schema.Strategy) -> StrategySettings:
    return StrategySettings(
        name=name,
        version=0,
        accounts=tuple(
            AccountRoute(route.account, route.multiplier, route.fixed_quantity, dict(route.symbols))
            for route in strategy.accounts
        ),
        mode=strategy.mode,
        action_means=strategy.action_means,
        allowed_actions=tuple(dict.fromkeys(strategy.allowed_actions)),
        symbol=strategy.symbol,
        symbols=dict(strategy.symbols),
        trades=tuple(dict.fromkeys(canonical_root(symbol) for symbol in strategy.trades)),
        quantity_unit=strategy.quantity_unit,
        pyramiding=strategy.pyramiding,
        catch_up=strategy.catch_up,
        on_foreign_position=strategy.on_foreign_position,
        shares_symbol=strategy.shares_symbol,
        on_stop_refused=strategy.on_stop_refused,
        entry_max_age_ms=strategy.entry_max_age,
        exit_max_age_ms=strategy.exit_max_age,
        identity_field=strategy.identity_field,
        max_quantity=strategy.max_quantity,
        max_notional=strategy.max_notional,
    )


def _panel(panel: schema.Panel) -> PanelSettings:
    by_broker: dict[BrokerName, dict[str, schema.PanelInstrument]] = {
        "tradestation": panel.tradestation,
        "tradelocker": panel.tradelocker,
    }
    return PanelSettings(
        {
            broker: tuple(_listed(symbol, one) for symbol, one in instruments.items())
            for broker, instruments in by_broker.items()
            if instruments
        }
    )


def _listed(symbol: str, one: schema.PanelInstrument) -> Listed:
    return Listed(symbol, one.tradingview, one.type, one.pip_size, one.exchange, one.timezone, one.session)


def _with_mapped_roots(strategy: StrategySettings, settings: Settings, now_ms: int) -> StrategySettings:
    """Name under `trades` also what the broker calls those symbols: a job's root is that of the broker's symbol."""
    roots = list(strategy.trades)
    for route in strategy.accounts:
        broker = settings.accounts[route.account].broker
        roots += [root_for(named_in_alert(root), strategy, route, broker, now_ms) for root in strategy.trades]
        mapped = (*strategy.symbols, *route.symbols)
        roots += [root_for(named_in_alert(symbol), strategy, route, broker, now_ms) for symbol in mapped]
    return replace(strategy, trades=tuple(dict.fromkeys(roots))) if strategy.trades else strategy


# ---- checks


@dataclass(frozen=True, slots=True)
class _Checks:
    document: Document
    parsed: schema.SettingsFile
    settings: Settings
    allowed_hosts: Collection[str]
    now_ms: int

    def problem(self, path: FieldPath, message: str, mend: str) -> Problem:
        return Problem(self.document.line(path), ".".join(map(str, path)), message, mend)

    # ---- the panel

    def panel(self) -> Iterator[Problem]:
        """One name of a broker's can mean one symbol of TradingView's only: /mapping is the same for both brokers."""
        ours, others = self.parsed.panel.tradestation, self.parsed.panel.tradelocker
        for symbol in ours.keys() & others.keys():
            one, other = ours[symbol].tradingview, others[symbol].tradingview
            if one and other and one != other:
                message = f"{symbol} is {one} at TradeStation and {other} at TradeLocker"
                mend = "Name the same symbol of TradingView's in both, or leave one of them out."
                yield self.problem(("panel", "tradelocker", symbol), message, mend)

    # ---- accounts

    def accounts(self) -> Iterator[Problem]:
        for account in self.settings.accounts.values():
            path = ("accounts", account.name)
            yield from (
                self._tradelocker(account, path)
                if account.broker == "tradelocker"
                else self._tradestation(account, path)
            )
            yield from self._urls(account, path)
        yield from self._same_account()

    def _tradestation(self, account: AccountSettings, path: FieldPath) -> Iterator[Problem]:
        if account.position_mode is not PositionMode.NETTING:
            yield self.problem(
                (*path, "position_mode"), "TradeStation nets the fills of a symbol", "Write position_mode: netting."
            )
        if not account.kind:
            mend = "Write kind: margin, futures, cash or dvp; `orderbridge accounts` shows it."
            yield self.problem(path, "kind is missing", mend)
        if account.account_number:
            yield self.problem(
                (*path, "account_number"), "TradeStation has no account_number beside its account_id", "Remove it."
            )
        try:
            tradestation_hosts.check_environment(account.environment, account.base_url, account.broker_account_id)
        except SettingsError as error:
            yield self.problem((*path, "environment"), str(error), "Accounts of the simulator begin with SIM.")

    def _tradelocker(self, account: AccountSettings, path: FieldPath) -> Iterator[Problem]:
        for field, value in (("account_id", account.broker_account_id), ("account_number", account.account_number)):
            if not value.isdecimal():
                wrong = f"{value!r} is no number" if value else f"{field} is missing"
                mend = "`orderbridge accounts` prints both numbers of each TradeLocker account."
                yield self.problem((*path, field), wrong, mend)
        if account.kind:
            yield self.problem((*path, "kind"), "TradeLocker has no kinds of account here", "Remove it.")
        try:
            tradelocker_hosts.check_environment(account.environment, account.base_url)
        except SettingsError as error:
            yield self.problem((*path, "environment"), str(error), "Write environment: demo or live to fit the URL.")

    def _urls(self, account: AccountSettings, path: FieldPath) -> Iterator[Problem]:
        for field, url in (("base_url", account.base_url), ("auth_url", account.auth_url)):
            try:
                if url:
                    check_base_url(url, self.allowed_hosts)
            except SettingsError as error:
                mend = "The stack's parameter BrokerHosts lists the hosts that may be called; deploy with it added."
                yield self.problem((*path, field), str(error), mend)

    def _same_account(self) -> Iterator[Problem]:
        for one, other in combinations(self.settings.accounts.values(), 2):
            if (one.broker, one.broker_account_id, one.base_url) == (
                other.broker,
                other.broker_account_id,
                other.base_url,
            ):
                message = f"{other.name} and {one.name} are the same account of the broker"
                yield self.problem(("accounts", other.name), message, "Keep one of them: each account has one owner.")

    # ---- strategies

    def strategies(self) -> Iterator[Problem]:
        for strategy in self.settings.strategies.values():
            path = ("strategies", strategy.name)
            yield from self._strategy_accounts(strategy, path)
            yield from self._symbols(strategy, path)
        yield from self._shared_symbols()

    def _strategy_accounts(self, strategy: StrategySettings, path: FieldPath) -> Iterator[Problem]:
        seen: set[str] = set()
        for position, route in enumerate(strategy.accounts):
            here = (*path, "accounts", position)
            account = self.settings.accounts.get(route.account)
            if account is None:
                yield self.problem(here, f"account {route.account!r} is not in this file", self._nearest(route.account))
                continue
            if route.account in seen:
                yield self.problem(here, f"account {route.account!r} stands here twice", "Remove one of them.")
            seen.add(route.account)
            if strategy.mode == "sim" and account.environment == "live":
                mend = "Write mode: live, or use an account of the simulator; `orderbridge live` is asked for as well."
                yield self.problem(here, f"mode is sim, and {route.account} is a live account", mend)
            yield from self._quantity_unit(strategy, account, path)

    def _quantity_unit(
        self, strategy: StrategySettings, account: AccountSettings, path: FieldPath
    ) -> Iterator[Problem]:
        here = (*path, "quantity_unit")
        if account.broker == "tradelocker" and strategy.quantity_unit is None:
            yield self.problem(
                here,
                f"quantity_unit is missing, and {account.name} counts in lots",
                "Write quantity_unit: lots if the alert's quantity is in lots, or units if it is in units.",
            )
        if account.broker == "tradestation" and strategy.quantity_unit == "lots":
            yield self.problem(
                here, f"{account.name} is a TradeStation account, which knows no lots", "Write quantity_unit: units."
            )

    def _nearest(self, name: str) -> str:
        known = list(self.settings.accounts)
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        return f"Did you mean {close[0]}?" if close else f"Known accounts are {', '.join(known)}."

    # ---- symbols

    def _symbols(self, strategy: StrategySettings, path: FieldPath) -> Iterator[Problem]:
        tables = [((*path, "symbols"), strategy.symbols)]
        tables += [
            ((*path, "accounts", position, "symbols"), route.symbols)
            for position, route in enumerate(strategy.accounts)
        ]
        doubled = {symbol.upper() for _, table in tables for symbol in _doubled(table)}
        for here, table in tables:
            yield from self._two_candidates(here, table)
        for here, symbol in self._written(strategy, path, tables):
            if strategy.trades and canonical_root(symbol) not in strategy.trades:
                mend = f"Add it there (now: {', '.join(strategy.trades)}), or remove it here."
                yield self.problem(here, f"{symbol} is not among the symbols that `trades` names", mend)
            for route in strategy.accounts if symbol.upper() not in doubled else ():
                yield from self._refused(strategy, route, symbol, here)

    def _two_candidates(self, path: FieldPath, table: Mapping[str, str]) -> Iterator[Problem]:
        for symbol, first in _doubled(table).items():
            message = f"{symbol} is mapped to {first} and to {table[symbol]}"
            yield self.problem((*path, symbol), message, "Remove one of the two.")

    def _written(
        self, strategy: StrategySettings, path: FieldPath, tables: Iterable[tuple[FieldPath, Mapping[str, str]]]
    ) -> Iterator[tuple[FieldPath, str]]:
        if strategy.symbol:
            yield (*path, "symbol"), strategy.symbol
        for here, table in tables:
            for symbol in table:
                yield (*here, symbol), symbol

    def _refused(
        self, strategy: StrategySettings, route: AccountRoute, symbol: str, path: FieldPath
    ) -> Iterator[Problem]:
        account = self.settings.accounts.get(route.account)
        if account is None:
            return
        wanted = wanted_symbol(named_in_alert(symbol), strategy, route, account.broker, self.now_ms)
        if isinstance(wanted, Refusal):
            yield self.problem(path, wanted.message.rstrip("."), wanted.hint)

    def _shared_symbols(self) -> Iterator[Problem]:
        for shared in shared_symbols(self.settings.strategies, self.settings.accounts, self.now_ms):
            if shared.allowed:
                continue
            one, other = shared.first.name, shared.second.name
            message = f"{other} and {one} can both trade {shared.symbols} on account {shared.account.name}"
            mend = (
                "Name the symbols of each under `trades`, so that no symbol is in both, "
                "or write shares_symbol: true in both."
            )
            yield self.problem(("strategies", other), message, mend)


def _doubled(table: Mapping[str, str]) -> dict[str, str]:
    """Give the symbols that stand for another target than the same symbol further up, with that target."""
    first: dict[str, str] = {}
    return {s: first[s.upper()] for s, target in table.items() if first.setdefault(s.upper(), target) != target}
