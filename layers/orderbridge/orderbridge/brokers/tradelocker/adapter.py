"""TradeLocker behind the broker port (`orderbridge.brokers.port.Broker`): one account of one login."""

from dataclasses import replace

from orderbridge.brokers.http import BrokerHttp
from orderbridge.brokers.port import Capabilities, Deadline, Evidence, Look, NotTaken, Outcome, Refused, Resolution
from orderbridge.brokers.tradelocker import routes
from orderbridge.brokers.tradelocker.api import Api
from orderbridge.brokers.tradelocker.capabilities import CAPABILITIES
from orderbridge.brokers.tradelocker.catalogue import STATUS_AGE_S, Catalogue
from orderbridge.brokers.tradelocker.instruments import Listing
from orderbridge.brokers.tradelocker.market import Depth, read_bars, read_daily_bar, read_depth, resolution_of, windows
from orderbridge.brokers.tradelocker.panels import Clock, NowMs, Panels
from orderbridge.brokers.tradelocker.parse import AccountRules, read_account_rules, read_accounts
from orderbridge.brokers.tradelocker.resolve import resolve
from orderbridge.brokers.tradelocker.sessions import SessionStatus, TradeSession, read_session, read_session_status
from orderbridge.brokers.tradelocker.wire import UnfitCommandError, outcome_of, request_of
from orderbridge.commands import CancelAll, CloseAll, Command, Place, PlaceGroup, Replace
from orderbridge.errors import (
    AmbiguousSymbolError,
    BrokerReadError,
    BrokerUnavailableError,
    RateLimitedError,
    ReadRefusedError,
    UnknownSymbolError,
)
from orderbridge.machine import MACHINE
from orderbridge.model import (
    AccountState,
    Bar,
    BrokerAccount,
    Execution,
    Instrument,
    Order,
    Position,
    PositionMode,
    Quote,
)
from orderbridge.secret import NO_SECRET, Secret


class TradeLocker:
    """Reads and writes of one account. It keeps columns, instruments and routes in memory, so keep the object."""

    def __init__(
        self,
        http: BrokerHttp,
        account_id: str,
        account_number: str,
        position_mode: PositionMode | None = None,
        *,
        developer_api_key: Secret = NO_SECRET,
        clock: Clock = MACHINE.monotonic,
        now_ms: NowMs = MACHINE.now_ms,
    ) -> None:
        """`account_number` is the account's `accNum`; `http` speaks to `hosts.api_url` within a `quotas.HostBudget`."""
        self._api = Api(http, account_id, account_number, developer_api_key)
        self._catalogue = Catalogue(self._api, clock)
        self._panels = Panels(self._api, self._catalogue, position_mode, clock, now_ms)

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    # ---- the account

    def accounts(self, deadline: Deadline) -> tuple[BrokerAccount, ...]:
        """List the accounts of this login."""
        return read_accounts(self._api.read_flat(routes.ALL_ACCOUNTS, deadline).get("accounts"))

    def account_rules(self, deadline: Deadline) -> tuple[AccountRules, ...]:
        """Read the broker's trading and risk rules of this account."""
        return read_account_rules(self._api.read(routes.ACCOUNTS, deadline))

    def missing_columns(self, deadline: Deadline) -> tuple[str, ...]:
        """Name the columns that this broker's panels lack and without which no order is placed."""
        return self._panels.config(deadline).missing

    def state(self, deadline: Deadline) -> AccountState:
        """Read the account's money."""
        return self._panels.state(deadline)

    def positions(self, deadline: Deadline) -> tuple[Position, ...]:
        """Read the open positions."""
        return self._panels.positions(deadline)

    def orders(self, deadline: Deadline, since_ms: int) -> tuple[Order, ...]:
        """Read the working orders and those that became final since `since_ms`."""
        return self._panels.orders(deadline, since_ms)

    def order_history(self, deadline: Deadline, from_ms: int, to_ms: int) -> tuple[Order, ...]:
        """Read the orders that became final in a range."""
        return self._panels.order_history(deadline, from_ms, to_ms)

    def executions(self, deadline: Deadline, since_ms: int) -> tuple[Execution, ...]:
        """Read the present session's fills; the platform lists no older ones."""
        return self._panels.executions(deadline, since_ms)

    # ---- instruments and market data

    def instrument(self, symbol: str, deadline: Deadline) -> Instrument:
        """Give the instrument of exactly this symbol. Raises `UnknownSymbolError`, `AmbiguousSymbolError`."""
        return self._catalogue.details(symbol, deadline).instrument

    def quote(self, symbol: str, deadline: Deadline) -> Quote:
        """Read a quote. It has no time; `halted` is what the instrument's details said in the last minutes."""
        quote = self._catalogue.quote(symbol, deadline)
        return replace(quote, halted=self._catalogue.details(symbol, deadline, STATUS_AGE_S).stopped)

    def bars(self, symbol: str, resolution: str, from_ms: int, to_ms: int, deadline: Deadline) -> tuple[Bar, ...]:
        """Read bars, in as many requests as the platform's limit of bars makes necessary."""
        native = resolution_of(resolution)
        params = self._on_info_route(symbol, deadline) | {"resolution": native.name}
        found: dict[int, Bar] = {}
        for start, end in windows(from_ms, to_ms, native.step_ms, self._panels.config(deadline).max_bars):
            span = {"from": str(start), "to": str(end)}
            reply = self._api.read_envelope(routes.HISTORY, deadline, params | span)
            found |= {bar.time_ms: bar for bar in read_bars(reply)}
        return tuple(found[time_ms] for time_ms in sorted(found))

    def daily_bar(self, symbol: str, deadline: Deadline) -> Bar:
        """Read the current day's bar, of the prices that the instrument's bars are made from."""
        params = self._on_info_route(symbol, deadline)
        bar_type = self._catalogue.find(symbol, deadline).bar_source
        return read_daily_bar(self._api.read(routes.DAILY_BAR, deadline, params | {"barType": bar_type}))

    def depth(self, symbol: str, deadline: Deadline) -> Depth:
        """Read the order book."""
        return read_depth(self._api.read(routes.DEPTH, deadline, self._on_info_route(symbol, deadline)))

    def session(self, symbol: str, deadline: Deadline) -> TradeSession:
        """Read the trading session of a symbol."""
        session_id = self._catalogue.details(symbol, deadline).session_id
        return read_session(self._api.read(routes.SESSION, deadline, session=session_id))

    def session_status(self, symbol: str, deadline: Deadline) -> SessionStatus:
        """Read what a symbol's session allows now."""
        status_id = self._catalogue.details(symbol, deadline).session_status_id
        return read_session_status(self._api.read(routes.SESSION_STATUS, deadline, status=status_id))

    def _on_info_route(self, symbol: str, deadline: Deadline) -> dict[str, str]:
        listing = self._catalogue.find(symbol, deadline)
        return {
            "routeId": self._catalogue.info_route(symbol, deadline),
            "tradableInstrumentId": listing.instrument_id,
        }

    # ---- writes

    def send(self, command: Command, command_id: str, deadline: Deadline) -> Outcome:
        """Send the command once. What fails before the first byte of the write is an outcome too, never an exception.

        Raises `TypeError` for an order group, which is outside the capabilities.
        """
        if isinstance(command, PlaceGroup):
            raise TypeError("TradeLocker has no order groups")
        try:
            if isinstance(command, (Place, Replace)) and (missing := self.missing_columns(deadline)):
                # Without these an order can't be found again. Closing and cancelling are told from what is left.
                return Refused("not_allowed", f"this broker's panels lack {', '.join(missing)}: no order is placed")
            listing = self._listing(command, deadline)
            request = request_of(command, command_id, self._api.account_id, listing)
        except (UnfitCommandError, UnknownSymbolError, AmbiguousSymbolError) as error:
            return Refused("invalid", str(error))
        except BrokerReadError as error:
            return _not_prepared(error)
        return outcome_of(command, self._api.write(request, deadline))

    def resolve(self, command: Command, command_id: str, evidence: Evidence, look: Look) -> Resolution:
        """Tell from a look that was requested after sending whether the command took effect. Pure."""
        return resolve(command, command_id, evidence, look)

    def _listing(self, command: Command, deadline: Deadline) -> Listing | None:
        match command:
            case Place(symbol=symbol):
                return self._catalogue.find(symbol, deadline)
            case CancelAll(symbol=symbol) | CloseAll(symbol=symbol):
                return None if symbol is None else self._catalogue.find(symbol, deadline)
            case _:
                return None


def _not_prepared(error: BrokerReadError) -> NotTaken | Refused:
    """A read that the write needs has failed, so nothing of the write went out."""
    match error:
        case RateLimitedError():
            return NotTaken("edge_limited", error.retry_after_ms)
        case BrokerUnavailableError():
            return NotTaken("not_connected")
        case ReadRefusedError():
            return Refused("not_allowed", str(error))
        case _:
            return NotTaken("unauthorized")
