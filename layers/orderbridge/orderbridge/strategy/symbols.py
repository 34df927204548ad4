"""What a symbol means: the root that positions and lanes are compared by, and the broker's name for it.

    MES1!  CME_MINI:MES1!  MES2!  MESZ2026  MESZ26  MESZ6  @MES   ->  root MES
    6E1!   6EZ2026  ECZ26  @EC                                    ->  root 6E
    AAPL   NASDAQ:AAPL  brk.b  EURUSD                             ->  AAPL, AAPL, BRK.B, EURUSD

Pure and lean: the alert receiver imports this. `wanted_symbol` is TRADING.md rule 25: an explicit table, else the
exact name, never a guess.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from orderbridge.alerts.alert import Alert, Refusal
from orderbridge.strategy.roots import EXCHANGE_ROOTS, FUTURES_EXCHANGES, SHARED_ROOTS, TRADESTATION_ROOTS
from orderbridge.strategy.settings import AccountRoute, StrategySettings

BrokerName = Literal["tradestation", "tradelocker"]

MONTH_CODES = "FGHJKMNQUVXZ"
"""January to December, the same at every exchange."""

_CONTINUOUS = re.compile(r"^([A-Z0-9]+)([1-9])!$")
_DATED = re.compile(r"^([A-Z0-9]{1,5})([FGHJKMNQUVXZ])(\d|2[1-9]|[34]\d|20(?:2[1-9]|[34]\d))$")
_ROOT_OF_ONE_LETTER = frozenset(root for pair in TRADESTATION_ROOTS.items() for root in pair if len(root) == 1)


# ---- roots and lanes


def canonical_root(symbol: str) -> str:
    """Give the root that all spellings of one future share; anything else stays itself, upper-cased.

    The exchange's root stands for a future that TradeStation calls by another one. A bare name is never a future:
    `C` is a share, `CZ26` is corn. (A future and a share of one name, ES or CL, share a root: no account holds both.)
    """
    name = bare_symbol(symbol)
    if name.startswith("@"):
        return _exchange_root(re.split(r"[=.]", name[1:])[0])
    continuous = _CONTINUOUS.match(name)
    if continuous:
        return _exchange_root(continuous[1])
    dated = _dated(name.removesuffix(".D").removesuffix(".P"))
    return _exchange_root(dated[0]) if dated else name


def same_root(a: str, b: str) -> bool:
    """Tell whether two symbols are one future in whatever month and notation, or one and the same instrument."""
    return canonical_root(a) == canonical_root(b)


def lane_of(account: str, root: str, whole_account: bool) -> str:
    """Give the lane of a job: `account#root`, or `account#*` where an account takes one trade action at a time."""
    return f"{account}#{'*' if whole_account else root}"


def bare_symbol(symbol: str) -> str:
    """Give the symbol upper-cased and without the exchange before the colon."""
    return symbol.strip().rpartition(":")[2].strip().upper()


# ---- dated contracts


@dataclass(frozen=True, slots=True)
class FutureContract:
    """One month of a future. `root` is the exchange's, `month` 1 to 12, `year` has four digits."""

    root: str
    month: int
    year: int

    @property
    def month_code(self) -> str:
        return MONTH_CODES[self.month - 1]

    def tradestation(self) -> str:
        """Give TradeStation's name: its own root, month letter, two digits of the year (`ECZ26`)."""
        return f"{tradestation_root(self.root)}{self.month_code}{self.year % 100:02d}"

    def tradingview(self) -> str:
        """Give TradingView's name: the exchange's root, month letter, four digits of the year (`6EZ2026`)."""
        return f"{self.root}{self.month_code}{self.year}"


def parse_contract(symbol: str, now_ms: int) -> FutureContract | None:
    """Read a dated contract in either notation; None when the symbol is not one.

    `now_ms` decides what a year of one digit means: the first such year from last year on.
    """
    dated = _dated(bare_symbol(symbol))
    return None if dated is None else _contract(dated, now_ms)


def tradestation_root(root: str) -> str:
    """Give TradeStation's root for an exchange's root."""
    return TRADESTATION_ROOTS.get(root, root)


def _contract(dated: tuple[str, str, str], now_ms: int) -> FutureContract:
    root, month, year = dated
    return FutureContract(_exchange_root(root), MONTH_CODES.index(month) + 1, _full_year(year, now_ms))


def _full_year(digits: str, now_ms: int) -> int:
    if len(digits) == 4:
        return int(digits)
    if len(digits) == 2:
        return 2000 + int(digits)
    earliest = datetime.fromtimestamp(now_ms / 1000, UTC).year - 1
    return earliest + (int(digits) - earliest) % 10


def _dated(name: str) -> tuple[str, str, str] | None:
    """Split the name of a dated contract into root, month code and digits of the year, as written."""
    match = _DATED.match(name)
    if match is None:
        return None
    root, month, year = match.groups()
    # Index CFDs look alike (HK50, EU50, DJ30): a root of one letter counts only where a future has it.
    return (root, month, year) if len(root) > 1 or root in _ROOT_OF_ONE_LETTER else None


def _exchange_root(root: str) -> str:
    return EXCHANGE_ROOTS.get(root, root)


# ---- the broker's name for an alert's symbol


@dataclass(frozen=True, slots=True)
class Lookup:
    """The one name to ask the broker for.

    `continuous`: it is a data symbol (`@MES`), and its `Instrument.front_contract` is what is traded.
    """

    name: str
    continuous: bool = False


def wanted_symbol(
    alert: Alert, settings: StrategySettings, route: AccountRoute, broker: BrokerName, now_ms: int
) -> Lookup | Refusal:
    """Tell which broker symbol an alert means at one account: the account's map, the strategy's map, the exact name.

    At TradeStation a future in TradingView's notation is the same name in TradeStation's; what a map names passes
    through the same notation, so `NQ1!: MNQ1!` works. Refused: no symbol, two fitting rows, a later continuous month,
    a root that stands for two products.
    """
    symbol, exchange = _asked(alert, settings)
    if not symbol:
        return _refusal("symbol_missing", "The alert names no symbol and the strategy has none of its own.")
    for rows in (route.symbols, settings.symbols):
        mapped = _mapped(symbol, exchange, rows)
        if len(mapped) > 1:
            return _refusal("symbol_ambiguous", f"{symbol} is mapped to {' and '.join(mapped)}; one of them must go.")
        if mapped:
            return _in_notation(*_split(mapped[0]), broker, now_ms)
    return _in_notation(symbol, exchange, broker, now_ms)


def root_for(alert: Alert, settings: StrategySettings, route: AccountRoute, broker: BrokerName, now_ms: int) -> str:
    """Give the root that an alert's job belongs to at one account: that of the broker symbol which it means.

    Where the symbol is refused, the root of the symbol as written, so that the job has a lane to be refused in.
    """
    wanted = wanted_symbol(alert, settings, route, broker, now_ms)
    return canonical_root(_asked(alert, settings)[0] if isinstance(wanted, Refusal) else wanted.name)


def _asked(alert: Alert, settings: StrategySettings) -> tuple[str, str]:
    name, exchange = _split(alert.symbol or settings.symbol)
    return name, (alert.exchange if alert.symbol and alert.exchange else exchange).upper()


def _split(symbol: str) -> tuple[str, str]:
    exchange, _, name = symbol.strip().rpartition(":")
    return name.strip(), exchange.strip()


def _mapped(symbol: str, exchange: str, rows: Mapping[str, str]) -> tuple[str, ...]:
    """Give the distinct targets of the rows that fit; a row with the exchange wins over one without."""
    return _targets(rows, f"{exchange}:{symbol}".upper()) or _targets(rows, symbol.upper())


def _targets(rows: Mapping[str, str], key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(target for source, target in rows.items() if source.strip().upper() == key))


def _in_notation(symbol: str, exchange: str, broker: BrokerName, now_ms: int) -> Lookup | Refusal:
    if broker == "tradelocker":
        return Lookup(symbol)
    name = symbol.upper()
    if continuous := _CONTINUOUS.match(name):
        refusal = _unsure_root(name, continuous[1], exchange)
        return refusal or _front_month(name, continuous[1], continuous[2])
    if dated := _dated(name):
        own_notation = len(dated[2]) == 2 and not exchange
        refusal = None if own_notation else _unsure_root(name, dated[0], exchange)
        return refusal or Lookup(_contract(dated, now_ms).tradestation())
    return Lookup(name, continuous=name.startswith("@"))


def _unsure_root(name: str, root: str, exchange: str) -> Refusal | None:
    """Refuse a root in TradingView's notation that need not be TradeStation's product of that name."""
    market = exchange.removesuffix("_DLY").removesuffix("_DL")
    if market and market not in FUTURES_EXCHANGES:
        return _refusal(
            "symbol_exchange_unknown",
            f"{market}:{name} is a future of an exchange whose products TradeStation may list under other names.",
        )
    if root in EXCHANGE_ROOTS and root not in SHARED_ROOTS:
        return _refusal(
            "symbol_ambiguous",
            f"{root} in {name} can be TradeStation's {root} (the exchange's {EXCHANGE_ROOTS[root]}) "
            f"or another exchange's {root}.",
        )
    return None


def _front_month(name: str, root: str, nth: str) -> Lookup | Refusal:
    if nth != "1":
        return _refusal(
            "symbol_not_tradable",
            f"{name} is a later continuous month; no broker trades it and its contract is not known here.",
        )
    return Lookup(f"@{tradestation_root(_exchange_root(root))}", continuous=True)


def _refusal(code: str, message: str) -> Refusal:
    hint = "Name the dated contract in the alert, or map the symbol in the settings (accounts: symbols)."
    return Refusal(code, "ticker", message, hint)
