"""Which strategies could trade the same symbol on the same account (TRADING.md rule 3)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from orderbridge.alerts.alert import Action, Alert
from orderbridge.model import PositionMode
from orderbridge.strategy.settings import AccountSettings, StrategySettings
from orderbridge.strategy.symbols import root_for


@dataclass(frozen=True, slots=True)
class Shared:
    """Two strategies, and what both can trade on one account."""

    first: StrategySettings
    second: StrategySettings
    account: AccountSettings
    symbols: str
    """As a sentence names them."""

    @property
    def allowed(self) -> bool:
        """Tell whether both strategies say that they share."""
        return self.first.shares_symbol and self.second.shares_symbol

    @property
    def mixed(self) -> bool:
        """Tell whether the account makes one position of what the two hold."""
        return self.account.position_mode is PositionMode.NETTING


def shared_symbols(
    strategies: Mapping[str, StrategySettings], accounts: Mapping[str, AccountSettings], now_ms: int
) -> Iterator[Shared]:
    """Name each pair of strategies that could trade one symbol on one account; an account that is not known is none."""
    for first, second in combinations(strategies.values(), 2):
        named = {route.account for route in first.accounts} & {route.account for route in second.accounts}
        for account in (accounts[name] for name in sorted(named & accounts.keys())):
            symbols = _symbols_of_both(first, second, account, now_ms)
            if symbols:
                yield Shared(first, second, account, symbols)


def _symbols_of_both(
    first: StrategySettings, second: StrategySettings, account: AccountSettings, now_ms: int
) -> str:
    if not first.trades or not second.trades:
        return "the same symbol"
    return " and ".join(sorted(_roots(first, account, now_ms) & _roots(second, account, now_ms)))


def _roots(strategy: StrategySettings, account: AccountSettings, now_ms: int) -> set[str]:
    route = next(route for route in strategy.accounts if route.account == account.name)
    names = {*strategy.trades, *strategy.symbols, *route.symbols, strategy.symbol} - {""}
    return {root_for(named_in_alert(name), strategy, route, account.broker, now_ms) for name in names}


def named_in_alert(symbol: str) -> Alert:
    """Give an alert that names this symbol, with its exchange where it has one."""
    exchange, _, name = symbol.rpartition(":")
    return Alert(action=Action.BUY, symbol=name, exchange=exchange)
