"""/groups, /permissions, /symbol_info, /history: the broker's symbols and bars, for data servers and for users.

A data server reads with the login of the account that the operator has named for it; a user with the user's own.
A bar is served once it is over: the same request then always has the same answer, and a later one only adds to it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from orderbridge.broker_api.answers import Bare, ShownError, number
from orderbridge.broker_api.login.authenticate import accounts_of
from orderbridge.broker_api.login.model import ServerClient, User
from orderbridge.broker_api.operations.call import Call
from orderbridge.broker_api.operations.symbols import Columns, symbol_name
from orderbridge.broker_api.ports import Backstage
from orderbridge.broker_api.reading import Reader
from orderbridge.errors import BrokerReadError, NotSupportedError, UnknownSymbolError
from orderbridge.model import Bar
from orderbridge.strategy.settings import AccountSettings

GROUPS = {"tradestation": "orderbridge_tradestation", "tradelocker": "orderbridge_tradelocker"}
MOST_BARS = 20_000
MINUTE_MS = 60_000
DAY_MS = 24 * 3_600_000
LOOK_BACK = 8
"""How many times a countback widens its window while it has too few bars."""


class Data:
    """Symbols and bars."""

    def __init__(self, stage: Backstage, reader: Reader) -> None:
        self._stage = stage
        self._reader = reader

    def groups(self, call: Call) -> dict[str, list[dict[str, str]]]:
        """Give the groups of symbols: one for each broker that a data server reads."""
        if isinstance(call.who, ServerClient):
            return {"groups": [{"id": GROUPS[self._account(call).broker]}]}
        return {"groups": [{"id": group} for group in self._of_user(call.user)]}

    def permissions(self, call: Call) -> dict[str, list[str]]:
        """Give the groups that are open to the user: those of the brokers whose accounts the user has."""
        return {"groups": self._of_user(call.user)}

    def _of_user(self, user: User) -> list[str]:
        brokers = {account.broker for account in accounts_of(user, self._stage).values()}
        return sorted(GROUPS[broker] for broker in brokers)

    def symbol_info(self, call: Call) -> Bare:
        """Give the symbols of the panel that the broker has, in columns."""
        account = self._account(call)
        group = call.query.text("group")
        if group and group != GROUPS[account.broker]:
            raise ShownError("There is no such group.")
        listed = self._stage.settings().listed(account.broker)
        try:
            found = self._reader.instruments(account, [one.symbol for one in listed], call.deadline)
            quotes = self._reader.quotes(account, list(found), call.deadline, DAY_MS)
        except BrokerReadError:
            raise ShownError("The broker's symbols cannot be read just now.") from None
        columns = Columns()
        for one in listed:
            if one.symbol in found:
                quote = quotes.get(one.symbol)
                columns.add(found[one.symbol], one, quote.value.reference if quote is not None else None)
        if columns.empty:
            raise ShownError("No symbols are set for the panel.")
        return Bare({"s": "ok", **columns.rows})

    def history(self, call: Call) -> Bare:
        """Give bars, bounds included, none that is not over and none without volume."""
        account = self._account(call)
        symbol = self._symbol(account, call.query.need("symbol"))
        resolution = call.query.need("resolution")
        from_s, to_s = call.query.count("from"), call.query.count("to")
        if from_s is None or to_s is None:
            raise ShownError("from and to are needed.")
        count = call.query.count("countback")
        bar_ms = length_ms(resolution)
        to_ms = min(to_s * 1000, self._stage.clock.now_ms() - bar_ms)
        if count is not None:
            bars = self._last(call, account, symbol, resolution, to_ms, min(count, MOST_BARS))
        elif (to_ms - from_s * 1000) // bar_ms > MOST_BARS:
            raise ShownError(f"At most {MOST_BARS} bars can be asked for at once.")
        else:
            bars = self._bars(call, account, symbol, resolution, from_s * 1000, to_ms)
        return Bare(_columns(bars, daily=bar_ms >= DAY_MS))

    def _last(
        self, call: Call, account: AccountSettings, symbol: str, resolution: str, to_ms: int, count: int
    ) -> Sequence[Bar]:
        """Give the last `count` bars up to a time, looking back over nights, weekends and holidays."""
        span_ms = max(length_ms(resolution) * count * 2, DAY_MS)
        bars: Sequence[Bar] = ()
        for _ in range(LOOK_BACK):
            bars = self._bars(call, account, symbol, resolution, max(0, to_ms - span_ms), to_ms)
            if len(bars) >= count or span_ms > to_ms:
                break
            span_ms *= 2
        return bars[len(bars) - count :] if count < len(bars) else bars

    def _bars(
        self, call: Call, account: AccountSettings, symbol: str, resolution: str, from_ms: int, to_ms: int
    ) -> Sequence[Bar]:
        if to_ms < from_ms:
            return ()
        broker = self._stage.desk(account).broker
        read = partial(broker.bars, symbol, resolution, from_ms, to_ms, call.deadline)
        try:
            bars = self._reader.patiently(read, call.deadline)
        except UnknownSymbolError:
            raise ShownError(f"There is no symbol {symbol}.") from None
        except NotSupportedError:
            raise ShownError(f"There are no bars of resolution {resolution}.") from None
        except BrokerReadError:
            raise ShownError("The broker's bars cannot be read just now.") from None
        return [bar for bar in bars if bar.volume > 0 and from_ms <= bar.time_ms <= to_ms]

    def _symbol(self, account: AccountSettings, name: str) -> str:
        """Give the broker's symbol of a name that /symbol_info has given (or of its ticker)."""
        for one in self._stage.settings().listed(account.broker):
            if name in (one.symbol, symbol_name(one.symbol)):
                return one.symbol
        raise ShownError(f"There is no symbol {name}.")

    def _account(self, call: Call) -> AccountSettings:
        """Give the account that the caller reads with."""
        if isinstance(call.who, ServerClient):
            account = self._stage.account(call.who.account) if call.who.account else None
            if account is None:
                raise ShownError("No account is set for this data server.")
            return account
        found = next(iter(accounts_of(call.user, self._stage).values()), None)
        if found is None:
            raise ShownError("No broker account is linked to this login.")
        return found


def length_ms(resolution: str) -> int:
    """Give the least length of a bar. Raises `ShownError` for what is no resolution of TradingView's."""
    if resolution.isascii() and resolution.isdigit() and 1 <= int(resolution) <= 1440:
        return int(resolution) * MINUTE_MS
    number_of, unit = resolution[:-1] or "1", resolution[-1:]
    if not (number_of.isascii() and number_of.isdigit() and 1 <= int(number_of) <= 12) or unit not in "DWM":
        raise ShownError(f"There are no bars of resolution {resolution}.")
    return int(number_of) * {"D": DAY_MS, "W": 7 * DAY_MS, "M": 28 * DAY_MS}[unit]


def _columns(bars: Sequence[Bar], *, daily: bool) -> dict[str, object]:
    unique = {_opens_s(bar, daily=daily): bar for bar in bars}
    times = sorted(unique)

    def column(values: Sequence[Decimal]) -> list[int | float]:
        return [number(value) for value in values]

    return {
        "s": "ok",
        "t": times,
        "o": column([unique[t].open for t in times]),
        "h": column([unique[t].high for t in times]),
        "l": column([unique[t].low for t in times]),
        "c": column([unique[t].close for t in times]),
        "v": column([unique[t].volume for t in times]),
    }


def _opens_s(bar: Bar, *, daily: bool) -> int:
    """Give a bar's time in Unix seconds; a day's is 00:00 UTC of the trading day."""
    if not daily:
        return bar.time_ms // 1000
    moment = datetime.fromtimestamp(bar.time_ms / 1000, UTC)
    if moment.hour >= 17:  # the session began the evening before
        return int(bar.time_ms - bar.time_ms % DAY_MS + DAY_MS) // 1000
    return int(bar.time_ms - bar.time_ms % DAY_MS) // 1000
