"""The whole state of the simulated broker: accounts, orders, positions, prices, and the moment it has reached."""

from collections.abc import Iterator
from decimal import Decimal

from sandbox.tradestation.agenda import Agenda
from sandbox.tradestation.instruments import Instrument
from sandbox.tradestation.market import Market
from sandbox.tradestation.model import ZERO, Account, Behaviour, Group, GroupKind, Order, Position, Status, Ticket
from sandbox.tradestation.script import Script
from sandbox.tradestation.seeds import new_accounts
from sandbox.tradestation.sessions import Sessions
from sandbox.tradestation.switches import Switches

FIRST_ORDER_ID = 958_800_101
FIRST_POSITION_ID = 64_630_792
FIRST_GROUP = 2_706_452_145


class Book:
    """Holds the state and its plain changes; when and why something changes is decided elsewhere."""

    def __init__(self, switches: Switches, now_ms: int) -> None:
        self.switches = switches
        self.market = Market()
        self.sessions = Sessions(switches)
        self.script = Script()
        self.agenda = Agenda(now_ms)
        self.accounts: dict[str, Account] = new_accounts()
        self.orders: dict[str, Order] = {}
        self._order_ids = FIRST_ORDER_ID
        self._position_ids = FIRST_POSITION_ID
        self._groups = FIRST_GROUP

    @property
    def now_ms(self) -> int:
        return self.agenda.now_ms

    # ---- orders

    def new_order(self, account: Account, ticket: Ticket, *, by_hand: bool = False) -> Order:
        """Book an order under the next id; it does nothing yet."""
        behaviour = Behaviour() if by_hand else self.script.behaviour_for(ticket)
        late_ms = behaviour.hidden_ms or (0 if by_hand else self.switches.number("order_visibility_delay_ms"))
        order = Order(
            id=self.take_order_id(),
            ticket=ticket,
            account=account,
            quantity=ticket.quantity,
            opened_ms=self.now_ms,
            type=ticket.type,
            limit_price=ticket.limit_price,
            stop_price=None if ticket.trail else ticket.stop_price,
            trail=ticket.trail,
            visible_from_ms=self.now_ms + late_ms,
            price_at_entry=self.market.quote(ticket.instrument).touch(ticket.action.sign),
            behaviour=behaviour,
            by_hand=by_hand,
        )
        self.orders[order.id] = order
        return order

    def take_order_id(self) -> str:
        """Give the next order id."""
        self._order_ids += 1
        return str(self._order_ids - 1)

    def new_group(self, kind: GroupKind) -> Group:
        """Make a group under the next number."""
        self._groups += 1
        return Group(kind, str(self._groups - 1))

    def mark(self, order: Order, status: Status) -> None:
        """Give an order a status, and remember when."""
        order.status = status
        order.frames.append((self.now_ms, status))

    def orders_of(self, account: Account) -> list[Order]:
        """Give an account's orders, oldest first."""
        return [order for order in self.orders.values() if order.account is account]

    def working(self, instrument: Instrument) -> Iterator[Order]:
        """Give the working orders whose price comes from this instrument, oldest first."""
        for order in list(self.orders.values()):
            if order.working and self.market.front(order.instrument) is instrument:
                yield order

    # ---- positions

    def fill(self, account: Account, instrument: Instrument, signed: Decimal, price: Decimal) -> None:
        """Net an execution into the account's position; `signed` is negative for a sale."""
        position = account.positions.get(instrument.symbol)
        held = position.quantity if position else ZERO
        closing = min(abs(signed), abs(held)) if held * signed < 0 else ZERO
        commission = abs(signed) * instrument.commission
        account.commission += commission
        account.cash -= commission
        if position is not None and closing:
            gained = (price - position.average_price) * closing * instrument.point_value * (1 if held > 0 else -1)
            account.realized += gained
            account.cash += gained if instrument.asset == "FUTURE" else ZERO
        if instrument.asset != "FUTURE":
            account.cash -= signed * price * instrument.point_value
        self._net(account, position, instrument, signed, price)

    def _net(
        self, account: Account, position: Position | None, instrument: Instrument, signed: Decimal, price: Decimal
    ) -> None:
        held = position.quantity if position else ZERO
        total = held + signed
        if total == 0:
            account.positions.pop(instrument.symbol, None)
        elif position is None or held * total < 0:
            self._position_ids += 1
            account.positions[instrument.symbol] = Position(
                str(self._position_ids - 1), instrument, total, price, self.now_ms
            )
        else:
            if held * signed > 0:
                position.average_price = (held * position.average_price + signed * price) / total
            position.quantity = total

    def reserved(self, account: Account, symbol: str, sign: int, beside: Group | None, but: Order | None) -> Decimal:
        """Give the quantity that working closing orders of this side reserve; of a group only its largest leg counts.

        `beside` leaves a group out (its legs share one reservation), `but` an order.
        """
        singles, groups = ZERO, dict[str, Decimal]()
        for order in self.orders_of(account):
            if order is but or not order.working or order.instrument.symbol != symbol:
                continue
            if order.ticket.may_open or order.action.sign != sign:
                continue
            if order.group is None or order.group.kind == "NORMAL":
                singles += order.remaining
            elif order.group is not beside:
                largest = groups.get(order.group.number, ZERO)
                groups[order.group.number] = max(largest, order.remaining)
        return singles + sum(groups.values(), ZERO)
