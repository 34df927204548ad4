"""One TradeStation account behind the port `orderbridge.brokers.port.Broker`."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from orderbridge.brokers.http import BrokerHttp, Quota, WriteResult
from orderbridge.brokers.port import Capabilities, Deadline, Evidence, Look, Outcome, Refused, Resolution
from orderbridge.brokers.tradestation import market, parse, quotas, values
from orderbridge.brokers.tradestation.capabilities import capabilities_of
from orderbridge.brokers.tradestation.history import OrderMemory
from orderbridge.brokers.tradestation.preview import (
    ActivationTrigger,
    Confirmation,
    Route,
    activation_triggers,
    confirmations,
    routes,
)
from orderbridge.brokers.tradestation.replies import change_outcome, placing_outcome
from orderbridge.brokers.tradestation.resolve import resolve_command
from orderbridge.brokers.tradestation.symbols import in_path
from orderbridge.brokers.tradestation.wire import Bodies, BuyingPowerWarning, replace_body, wanted_orders
from orderbridge.commands import Cancel, Command, Place, PlaceGroup, Replace, increases_exposure
from orderbridge.errors import BrokerUnavailableError, NotSupportedError, ReadRefusedError, UnknownSymbolError
from orderbridge.machine import MACHINE
from orderbridge.model import AccountState, Bar, BrokerAccount, Execution, Instrument, Order, Position, Quote

T = TypeVar("T")

MOST_PAGES = 50
PAGE_SIZE = 600
MOST_QUOTES, MOST_SYMBOLS = 100, 50
"""As many can be asked for at once."""
HISTORY_DAYS = 90
"""How far back historical orders reach: 90 days in one edition of the documents, 730 in another."""


class TradeStation:
    """Reads and writes of one account. Holds no state but what it has seen of finished orders."""

    def __init__(
        self,
        http: BrokerHttp,
        account_id: str,
        account_kind: str = "Margin",
        *,
        buying_power_warning: BuyingPowerWarning | None = None,
        confirm_ids: bool = True,
        now_ms: Callable[[], int] = MACHINE.now_ms,
        page_size: int = PAGE_SIZE,
    ) -> None:
        """`account_kind` is TradeStation's account type: a futures account trades other durations.

        `buying_power_warning` and `confirm_ids` are for what is unconfirmed: see `wire.Bodies`.
        """
        self._http = http
        self._account_id = account_id
        self._capabilities = capabilities_of(account_kind)
        self._bodies = Bodies(account_id, buying_power_warning, confirm_ids)
        self._now_ms = now_ms
        self._page_size = page_size
        self._memory = OrderMemory()

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    # ---- reads

    def accounts(self, deadline: Deadline) -> tuple[BrokerAccount, ...]:
        """List the accounts of this login."""
        return parse.accounts(self._http.read("/brokerage/accounts", quotas.ACCOUNTS, deadline))

    def state(self, deadline: Deadline) -> AccountState:
        """Give the account's money."""
        body = self._http.read(self._of_account("balances"), quotas.BALANCES, deadline)
        return parse.account_state(body, self._account_id)

    def positions(self, deadline: Deadline) -> tuple[Position, ...]:
        """Give the open positions, one per symbol."""
        body = self._http.read(self._of_account("positions"), quotas.POSITIONS, deadline)
        return parse.positions(body, self._account_id)

    def orders(self, deadline: Deadline, since_ms: int) -> tuple[Order, ...]:
        """Give the session's orders and those that became final since `since_ms`."""
        today = self._pages(self._of_account("orders"), {}, deadline)
        return self._memory.complete(today, since_ms, self._now_ms(), lambda since: self._history(since, deadline))

    def order_history(self, deadline: Deadline, from_ms: int, to_ms: int) -> tuple[Order, ...]:
        """Give the orders that became final between the two times, as far back as TradeStation keeps them."""
        return tuple(o for o in self._history(from_ms, deadline) if from_ms <= o.updated_at_ms <= to_ms)

    def executions(self, deadline: Deadline, since_ms: int) -> tuple[Execution, ...]:
        """TradeStation lists no fills. Raises `NotSupportedError`: they follow from the orders' filled quantities."""
        del deadline, since_ms
        raise NotSupportedError("TradeStation lists no executions")

    def instrument(self, symbol: str, deadline: Deadline) -> Instrument:
        """Give the instrument of exactly this symbol; of a continuous future also its front contract."""
        return market.instrument(self._market_data("symbols", symbol, quotas.SYMBOLS, deadline), symbol)

    def quote(self, symbol: str, deadline: Deadline) -> Quote:
        """Give the last quote. Raises `UnknownSymbolError`."""
        return market.quote(self._market_data("quotes", symbol, quotas.QUOTES, deadline), symbol)

    def quotes(self, symbols: Sequence[str], deadline: Deadline) -> tuple[Quote, ...]:
        """Give the last quotes of several symbols, in one request for each hundred; unknown ones are left out."""
        found: list[Quote] = []
        for batch in _batches(symbols, MOST_QUOTES):
            body = self._many("quotes", batch, quotas.QUOTES, deadline)
            found += _known(partial(market.quote, body), batch)
        return tuple(found)

    def instruments(self, symbols: Sequence[str], deadline: Deadline) -> tuple[Instrument, ...]:
        """Give several instruments, in one request for each fifty; unknown ones are left out."""
        found: list[Instrument] = []
        for batch in _batches(symbols, MOST_SYMBOLS):
            body = self._many("symbols", batch, quotas.SYMBOLS, deadline)
            found += _known(partial(market.instrument, body), batch)
        return tuple(found)

    def bars(self, symbol: str, resolution: str, from_ms: int, to_ms: int, deadline: Deadline) -> tuple[Bar, ...]:
        """Give the bars that open from `from_ms` until `to_ms`; of intraday bars at most the last 57,600."""
        interval = market.interval_of(resolution)
        if interval.unit == "Minute":
            from_ms = max(from_ms, to_ms - market.MOST_INTRADAY_BARS * interval.minutes * 60_000)
        span = {"firstdate": values.zulu(from_ms), "lastdate": values.zulu(to_ms + interval.minutes * 60_000)}
        body = self._market_data("barcharts", symbol, quotas.BARS, deadline, {**interval.params, **span})
        return tuple(bar for bar in market.bars(body, interval) if from_ms <= bar.time_ms <= to_ms)

    def routes(self, deadline: Deadline) -> tuple[Route, ...]:
        """List the routes that an order can name."""
        return routes(self._http.read("/orderexecution/routes", quotas.EXECUTION, deadline))

    def activation_triggers(self, deadline: Deadline) -> tuple[ActivationTrigger, ...]:
        """List the keys that an activation rule can name."""
        return activation_triggers(self._http.read("/orderexecution/activationtriggers", quotas.EXECUTION, deadline))

    def preview(self, command: Place | PlaceGroup, command_id: str, deadline: Deadline) -> tuple[Confirmation, ...]:
        """Ask what an order or a group would cost. Nothing is placed, and placing does not need it.

        Raises `ReadRefusedError` with TradeStation's words when it would refuse the order.
        """
        if isinstance(command, Place):
            path, body = "/orderexecution/orderconfirm", self._bodies.place(command, command_id)
        else:
            path, body = "/orderexecution/ordergroupconfirm", self._bodies.group(command, command_id)
        return confirmations(self._http.read(path, quotas.EXECUTION, deadline, method="POST", body=body))

    # ---- writes

    def send(self, command: Command, command_id: str, deadline: Deadline) -> Outcome:
        """Send the command once. Raises `TypeError` for commands that the capabilities rule out."""
        match command:
            case Place():
                body = self._bodies.place(command, command_id)
                reply = self._write("POST", "/orderexecution/orders", command, deadline, body)
                return placing_outcome(reply, wanted_orders(command))
            case PlaceGroup():
                body = self._bodies.group(command, command_id)
                reply = self._write("POST", "/orderexecution/ordergroups", command, deadline, body)
                return placing_outcome(reply, wanted_orders(command))
            case Replace():
                return self._replace(command, deadline)
            case Cancel():
                path = f"/orderexecution/orders/{in_path(command.order_id)}"
                return change_outcome(self._write("DELETE", path, command, deadline))
            case _:
                raise _not_offered(command)

    def _replace(self, command: Replace, deadline: Deadline) -> Outcome:
        if command.bracket is not None or command.remove_stop_loss or command.remove_take_profit:
            raise TypeError("TradeStation keeps protective prices in orders of their own: replace those")
        body = replace_body(command)
        if not body:
            return Refused("invalid", "the replace changes nothing")
        path = f"/orderexecution/orders/{in_path(command.order_id)}"
        return change_outcome(self._write("PUT", path, command, deadline, body))

    def _write(self, method: str, path: str, command: Command, deadline: Deadline, body: object = None) -> WriteResult:
        """Send a write; the last of a quota is for closing and protecting, and no stop is taken away with it."""
        leaves = quotas.FOR_CLOSES if isinstance(command, (Cancel, Replace)) else None
        leaves = quotas.FOR_EXITS if increases_exposure(command) else leaves
        return self._http.write(method, path, quotas.EXECUTION, deadline, body=body, leaves=leaves)

    def resolve(self, command: Command, command_id: str, evidence: Evidence, look: Look) -> Resolution:
        """Tell from a look that was requested after sending whether the command took effect. Pure."""
        del command_id  # no reply ever shows it again
        if not isinstance(command, (Place, PlaceGroup, Replace, Cancel)):
            raise _not_offered(command)
        return resolve_command(command, evidence, look)

    # ---- shared

    def _of_account(self, what: str) -> str:
        return f"/brokerage/accounts/{in_path(self._account_id)}/{what}"

    def _history(self, since_ms: int, deadline: Deadline) -> tuple[Order, ...]:
        """Read historical orders; the date is taken a day early, since whose calendar it means is not said."""
        oldest_ms = self._now_ms() - (HISTORY_DAYS - 1) * 86_400_000
        since = values.day_of(max(since_ms - 86_400_000, oldest_ms))
        return self._pages(self._of_account("historicalorders"), {"since": since.isoformat()}, deadline)

    def _pages(self, path: str, params: dict[str, str], deadline: Deadline) -> tuple[Order, ...]:
        """Read every page. Raises `BrokerUnavailableError` rather than give a part of the orders."""
        found: dict[str, Order] = {}
        asked = {**params, "pageSize": str(self._page_size)}
        for _ in range(MOST_PAGES):
            body = self._http.read(path, quotas.ORDERS, deadline, params=asked)
            for order in parse.orders(body, self._account_id):
                found.setdefault(order.id, order)
            token = parse.next_token(body)
            if not token:
                return tuple(found.values())
            asked = {**asked, "nextToken": token}
        raise BrokerUnavailableError(f"TradeStation: more than {MOST_PAGES} pages of orders")

    def _many(self, what: str, symbols: Sequence[str], quota: Quota, deadline: Deadline) -> object:
        """Ask for several symbols at once. A reply without any of them is an empty one."""
        try:
            return self._http.read(f"/marketdata/{what}/{','.join(map(in_path, symbols))}", quota, deadline)
        except ReadRefusedError as error:
            if error.status == 404 or "INVALID SYMBOL" in str(error).upper():
                return {}
            raise

    def _market_data(
        self, what: str, symbol: str, quota: Quota, deadline: Deadline, params: dict[str, str] | None = None
    ) -> object:
        try:
            return self._http.read(f"/marketdata/{what}/{in_path(symbol)}", quota, deadline, params=params)
        except ReadRefusedError as error:
            if error.status == 404 or "INVALID SYMBOL" in str(error).upper():
                raise UnknownSymbolError(f"TradeStation has no symbol {symbol}") from None
            raise


def _batches(symbols: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    return (symbols[start : start + most] for start in range(0, len(symbols), most))


def _known(read: Callable[[str], T], symbols: Sequence[str]) -> list[T]:
    found: list[T] = []
    for symbol in symbols:
        try:
            found.append(read(symbol))
        except UnknownSymbolError:
            continue
    return found


def _not_offered(command: Command) -> TypeError:
    return TypeError(f"TradeStation has no {command.kind.replace('_', ' ')}: see the capabilities")
