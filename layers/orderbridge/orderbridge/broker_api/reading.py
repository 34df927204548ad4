"""What the panel knows of an account: its book, money, instruments, quotes, history; all from shared snapshots.

| what | read again after | in an outage |
|---|---|---|
| orders and positions | the broker's own interval, half of its quota | the last ones, with a warning |
| state | 2 s | the last one, with a warning |
| quotes | 1.2 s; live for 6 s | marked as an error: never shown as live |
| instruments | 6 h | the last ones |
| history of orders | 60 s | the last one |
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TypeVar

from orderbridge.broker_api.book import PanelBook, backfilled, failed, folded, known
from orderbridge.broker_api.ports import Backstage, HasDepth, ManyInstruments, ManyQuotes, PanelDesk
from orderbridge.broker_api.snapshots import Seen, Snapshots, pause_ms
from orderbridge.broker_api.working import Capped
from orderbridge.brokers.port import Deadline, Look
from orderbridge.errors import (
    AmbiguousSymbolError,
    BrokerReadError,
    BrokerUnavailableError,
    NotSupportedError,
    RateLimitedError,
    UnknownSymbolError,
)
from orderbridge.execution.hand_books import roles_of
from orderbridge.execution.looks import history_since
from orderbridge.model import AccountState, Execution, Instrument, Order, Quote
from orderbridge.strategy.goal import Ending
from orderbridge.strategy.settings import AccountSettings
from orderbridge.strategy.symbols import canonical_root, lane_of

T = TypeVar("T")

LOOK_MS = {"tradestation": 1_900, "tradelocker": 2_100}
"""The least time between two looks that the panel asks for: half of what the broker allows."""
STATE_MS = 2_000
QUOTE_MS = 1_200
LIVE_MS = 6_000
"""A quote older than this is not shown as live."""
RATE_MS = 5_000
INSTRUMENT_MS = 6 * 3_600_000
HISTORY_MS = 60_000
EXECUTIONS_MS = 2_000
HISTORY_DAYS = 30
STALE_MS = 15_000
"""Without a new look for so long, what is shown carries a warning."""
DAY_MS = 24 * 3_600_000
AT_ONCE_MS = 400
"""A book from a look this recent is given without looking for a newer one."""
TRIES = 5
LOOK_S = 6.0
POLL_S = 5.0
"""The longest that one poll waits for the broker: the last snapshot is the better answer."""


@dataclass(frozen=True, slots=True)
class Levels:
    """An order book: price and size of each level."""

    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]


class Reader:
    """Reads accounts for the panel."""

    def __init__(self, stage: Backstage) -> None:
        self._stage = stage
        self._clock = stage.clock
        self._snapshots = Snapshots(stage.cache, stage.clock)

    # ---- orders and positions

    def book(self, account: AccountSettings, deadline: Deadline) -> PanelBook:
        """Give the account's book, folded from the newest look that there is.

        Raises `BrokerReadError` when there is none and the broker cannot be read.
        """
        book = self._folded(account, deadline)
        if book.flight == 0:
            return self._first(account, deadline)
        now_ms = self._clock.now_ms()
        if now_ms - book.looked_at_ms > LOOK_MS[account.broker] and self._gate(account, now_ms):
            with suppress(BrokerReadError):
                self._look(account, deadline)
            book = self._folded(account, deadline)
        return book

    def now(self, account: AccountSettings, deadline: Deadline) -> PanelBook:
        """Give the book with what the newest shared look shows, without asking the broker: after an own write."""
        return self._folded(account, deadline)

    def _gate(self, account: AccountSettings, now_ms: int) -> bool:
        what = f"look#{account.name}"
        one = self._stage.cache.read(account.connection, what)
        if max(one.busy_until_ms, one.retry_at_ms) > now_ms:
            return False
        return self._stage.cache.take(account.connection, what, now_ms, now_ms + round(LOOK_S * 1000))

    def _look(self, account: AccountSettings, deadline: Deadline, *, patient: bool = False) -> None:
        what = f"look#{account.name}"
        short = Capped(deadline, LOOK_S, deadline.remaining())
        since_ms, max_age_ms = history_since(self._clock.now_ms(), None), LOOK_MS[account.broker] // 2
        look = partial(self._stage.desk(account).looks.get, short, since_ms, max_age_ms=max_age_ms)
        try:
            if patient:
                self.patiently(look, short)
            else:
                look()
        except BrokerReadError as error:
            failures = self._stage.cache.read(account.connection, what).failures
            self._stage.cache.fail(account.connection, what, self._clock.now_ms() + pause_ms(error, failures))
            raise
        self._stage.cache.put(account.connection, what, "", self._clock.now_ms())

    def _first(self, account: AccountSettings, deadline: Deadline) -> PanelBook:
        """Make the very first look, or wait for whoever is making it: there is nothing to show meanwhile.

        Another account of the same login may have spent the panel's share of the quota; that is waited for.
        """
        while deadline.remaining() > 1.0:
            if self._gate(account, self._clock.now_ms()):
                self._look(account, deadline, patient=True)
            book = self._folded(account, deadline)
            if book.flight:
                return book
            self._clock.sleep(0.1)
        raise BrokerUnavailableError("the account has not been read yet")

    def _folded(self, account: AccountSettings, deadline: Deadline) -> PanelBook:
        for _ in range(TRIES):
            old, version = self._stage.books.read(account.name)
            if old.backfilled and self._clock.now_ms() - old.looked_at_ms < AT_ONCE_MS and not _open(old):
                return old
            shared = self._stage.look_store.read(account.name)
            book = self._resolved(old)
            if shared.look is not None and _newer(shared.look, shared.done, book):
                exits = self._exits(account, tuple(p.symbol for p in shared.look.positions))
                book = folded(
                    book,
                    shared.look,
                    shared.done,
                    self._clock.now_ms(),
                    exits,
                    derive_fills=account.broker == "tradestation",
                )
            if book.flight and not book.backfilled:
                book = self._backfilled(account, book, deadline)
            if book == old or self._stage.books.write(account.name, book, version):
                return book
        return book

    def _backfilled(self, account: AccountSettings, book: PanelBook, deadline: Deadline) -> PanelBook:
        """The book is new: read what finished earlier in the session."""
        try:
            history = self.history(account, deadline).value
        except BrokerReadError:
            return book
        return backfilled(book, history, self._clock.now_ms())

    def _exits(self, account: AccountSettings, symbols: Sequence[str]) -> tuple[str, ...]:
        """Ask the ledger which working orders protect: at TradeStation nothing in a lone order says so."""
        if account.broker != "tradestation":
            return ()
        lanes = {lane_of(account.name, canonical_root(symbol), whole_account=False) for symbol in symbols}
        found: list[str] = []
        for lane in sorted(lanes):
            roles = roles_of(self._stage.ledger.state(lane))
            found += [order_id for order_id, role in roles.items() if role in ("stop", "target")]
        return tuple(found)

    def _resolved(self, book: PanelBook) -> PanelBook:
        """Learn from the ledger what became of orders whose outcome was not known."""
        for one in book.awaited:
            if one.broker_id:
                continue
            stored = self._stage.ledger.job(one.lane, one.accepted_at_ms, one.job_id)
            if stored is None:
                continue
            records = self._stage.ledger.commands(one.lane, one.job_id)
            placed = [
                order.order_id
                for record in records
                if record.taken and record.role in ("entry", "close")
                for order in record.orders
                if order.order_id and order.leg in ("order", "child") and not order.refused
            ]
            if placed:
                book = known(book, one.order.id, placed[-1])
            elif stored.status in {ending.value for ending in Ending}:
                book = failed(book, one.order.id, stored.sentence, self._clock.now_ms())
        return book

    def change_book(self, account: str, change: Callable[[PanelBook], PanelBook]) -> PanelBook:
        """Write through to the book after an own write."""
        for _ in range(TRIES):
            old, version = self._stage.books.read(account)
            book = change(old)
            if book == old or self._stage.books.write(account, book, version):
                return book
        return book

    # ---- money, history, executions

    def state(self, account: AccountSettings, deadline: Deadline) -> Seen[AccountState]:
        """Give the account's money."""
        read = partial(self._stage.desk(account).broker.state, _short(deadline))
        return self._snapshots.get(
            account.connection, f"state#{account.name}", AccountState, STATE_MS, read, deadline
        )

    def history(self, account: AccountSettings, deadline: Deadline) -> Seen[tuple[Order, ...]]:
        """Give the orders that finished in the last days."""
        desk, now_ms = self._stage.desk(account), self._clock.now_ms()

        def read() -> tuple[Order, ...]:
            since_ms = now_ms - HISTORY_DAYS * DAY_MS
            found = self.patiently(partial(desk.broker.order_history, deadline, since_ms, now_ms), deadline)
            return tuple(sorted((o for o in found if o.status.final), key=lambda o: o.updated_at_ms))[-500:]

        return self._snapshots.get(
            account.connection, f"history#{account.name}", tuple[Order, ...], HISTORY_MS, read, deadline
        )

    def executions(self, account: AccountSettings, deadline: Deadline) -> tuple[Execution, ...]:
        """Give the session's fills as the broker lists them. Raises `NotSupportedError`."""
        desk, now_ms = self._stage.desk(account), self._clock.now_ms()
        if account.broker == "tradestation":
            raise NotSupportedError("TradeStation lists no executions")
        read = partial(desk.broker.executions, _short(deadline), now_ms - DAY_MS)
        seen = self._snapshots.get(
            account.connection, f"executions#{account.name}", tuple[Execution, ...], EXECUTIONS_MS, read, deadline
        )
        return seen.value

    # ---- instruments and prices

    def instruments(
        self, account: AccountSettings, symbols: Sequence[str], deadline: Deadline
    ) -> dict[str, Instrument]:
        """Give the instruments that there are; what the broker does not know is left out."""
        desk = self._stage.desk(account)
        keys = {f"instrument#{account.name}#{symbol}": symbol for symbol in dict.fromkeys(symbols)}

        def read(whats: Sequence[str]) -> dict[str, Instrument | None]:
            found = self._read_instruments(desk, [keys[what] for what in whats], deadline)
            return {what: found.get(keys[what]) for what in whats}

        seen = self._snapshots.get_many(
            account.connection, list(keys), Instrument | None, INSTRUMENT_MS, read, deadline
        )
        return {keys[what]: one.value for what, one in seen.items() if one.value is not None}

    def instrument(self, account: AccountSettings, symbol: str, deadline: Deadline) -> Instrument:
        """Give one instrument. Raises `UnknownSymbolError`, or `BrokerReadError` when it cannot be read."""
        found = self.instruments(account, [symbol], deadline).get(symbol)
        if found is None:
            raise UnknownSymbolError(f"{symbol} is not known to the broker")
        return found

    def _read_instruments(self, desk: PanelDesk, symbols: Sequence[str], deadline: Deadline) -> dict[str, Instrument]:
        if isinstance(desk.broker, ManyInstruments):
            read = partial(desk.broker.instruments, symbols, deadline)
            return {one.symbol: one for one in self.patiently(read, deadline)}
        found: dict[str, Instrument] = {}
        for symbol in symbols:
            try:
                found[symbol] = self.patiently(partial(desk.broker.instrument, symbol, deadline), deadline)
            except (UnknownSymbolError, AmbiguousSymbolError):
                continue
        return found

    def quotes(
        self, account: AccountSettings, symbols: Sequence[str], deadline: Deadline, fresh_ms: int = QUOTE_MS
    ) -> dict[str, Seen[Quote]]:
        """Give the quotes that there are, with their times; symbols that the broker does not know are left out."""
        desk = self._stage.desk(account)
        keys = {f"quote#{symbol}": symbol for symbol in dict.fromkeys(symbols)}

        def read(whats: Sequence[str]) -> dict[str, Quote | None]:
            found = self._read_quotes(desk, [keys[what] for what in whats], _short(deadline))
            return {what: found[keys[what]] for what in whats if keys[what] in found}

        try:
            seen = self._snapshots.get_many(account.connection, list(keys), Quote | None, fresh_ms, read, deadline)
        except BrokerReadError:
            return {}
        return {keys[what]: Seen(one.value, one.at_ms) for what, one in seen.items() if one.value is not None}

    def _read_quotes(self, desk: PanelDesk, symbols: Sequence[str], deadline: Deadline) -> dict[str, Quote | None]:
        """Give the quotes that can be read; None for a symbol that the broker does not know."""
        if isinstance(desk.broker, ManyQuotes):
            quotes = {quote.symbol: quote for quote in desk.broker.quotes(symbols, deadline)}
            return {symbol: quotes.get(symbol) for symbol in symbols}
        found: dict[str, Quote | None] = {}
        for symbol in symbols:
            try:
                found[symbol] = desk.broker.quote(symbol, deadline)
            except (UnknownSymbolError, AmbiguousSymbolError):
                found[symbol] = None
            except BrokerReadError:
                if not found:
                    raise
                break
        return found

    def depth(self, account: AccountSettings, broker: HasDepth, symbol: str, deadline: Deadline) -> Levels:
        """Give a symbol's order book, while it is live. Raises `BrokerReadError`."""

        def read() -> Levels:
            levels = broker.depth(symbol, _short(deadline))
            return Levels(levels.bids, levels.asks)

        seen = self._snapshots.get(account.connection, f"depth#{symbol}", Levels, QUOTE_MS, read, deadline)
        if self._clock.now_ms() - seen.at_ms > LIVE_MS:
            raise BrokerUnavailableError("the order book is not live")
        return seen.value

    def is_live(self, quote: Seen[Quote]) -> bool:
        """Tell whether a quote may be shown as live."""
        return self._clock.now_ms() - quote.at_ms <= LIVE_MS and not quote.value.delayed

    def rate(self, account: AccountSettings, currency: str, deadline: Deadline) -> Decimal | None:
        """Give what one unit of `currency` is worth in the account's currency, None where no pair tells."""
        return self._rate(account, currency, account.currency, deadline) or self._across(account, currency, deadline)

    def _across(self, account: AccountSettings, currency: str, deadline: Deadline) -> Decimal | None:
        first = self._rate(account, currency, "USD", deadline)
        second = self._rate(account, "USD", account.currency, deadline)
        return None if first is None or second is None else first * second

    def _rate(self, account: AccountSettings, one: str, other: str, deadline: Deadline) -> Decimal | None:
        if one == other:
            return Decimal(1)
        for pair, inverted in ((f"{one}{other}", False), (f"{other}{one}", True)):
            symbol = self._pair(account, pair)
            seen = self.quotes(account, [symbol], deadline, RATE_MS).get(symbol)
            price = seen.value.reference if seen is not None else None
            if price:
                return 1 / price if inverted else price
        return None

    def _pair(self, account: AccountSettings, pair: str) -> str:
        """Give the broker's name of a pair: the listed one with a suffix where the operator has listed it so."""
        for listed in self._stage.settings().listed(account.broker):
            if listed.symbol.upper().partition(".")[0].replace("/", "") == pair:
                return listed.symbol
        return pair

    # ---- small things

    def stale_since_ms(self, at_ms: int) -> int | None:
        """Give the moment from which nothing newer is known, None while it is recent."""
        return at_ms if self._clock.now_ms() - at_ms > STALE_MS else None

    def patiently(self, read: Callable[[], T], deadline: Deadline) -> T:
        """Wait for the panel's share of the quota: for what is read once, not for polls."""
        while True:
            try:
                return read()
            except RateLimitedError as error:
                pause_s = max(0.1, error.retry_after_ms / 1000)
                if pause_s + 0.5 > deadline.remaining():
                    raise
                self._clock.sleep(pause_s)


def _newer(look: Look, flight: int, book: PanelBook) -> bool:
    """Tell whether a look comes after the one that the book was folded from.

    Flights count from 1 again where the shared look was lost: then the time tells.
    """
    return flight > book.flight or (flight < book.flight and look.requested_at_ms > book.looked_at_ms)


def _short(deadline: Deadline) -> Capped:
    return Capped(deadline, POLL_S, deadline.remaining())


def _open(book: PanelBook) -> bool:
    return any(not one.broker_id for one in book.awaited)
