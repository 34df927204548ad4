"""Takes placings: checks every order of a request, books what passes, and says what became of each."""

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.simserver import Journal
from sandbox.tradestation import messages
from sandbox.tradestation.checks import check_ticket
from sandbox.tradestation.confirm_ids import ConfirmIds
from sandbox.tradestation.exchange import Exchange
from sandbox.tradestation.fitting import position_misfit
from sandbox.tradestation.model import Account, Bundle, Group, Order, Status, Ticket
from sandbox.tradestation.refusals import HttpRefusal, OrderRefusal, bad_request

FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Entry:
    """One order of a placing reply: taken, or refused with a reason."""

    order_id: str | None
    message: str
    refused: bool = False

    def as_json(self) -> dict[str, str]:
        """Give it as the reply has it."""
        row = {"Message": self.message}
        if self.refused:
            row["Error"] = FAILED
        if self.order_id is not None:
            row["OrderID"] = self.order_id
        return row


Entries = tuple[Entry, ...]


@dataclass(slots=True)
class _Plan:
    """A ticket with what its check said, and the plans of its children."""

    ticket: Ticket
    account: Account
    refusal: str | None
    group: Group | None
    children: list["_Plan"]

    def all(self) -> Iterator["_Plan"]:
        yield self
        for child in self.children:
            yield from child.all()


class Desk:
    """Places orders for users. Raises `HttpRefusal` and changes nothing when a request as a whole is refused."""

    def __init__(self, exchange: Exchange, journal: Journal) -> None:
        self._exchange = exchange
        self._book = exchange.book
        self._journal = journal
        self.confirm_ids: ConfirmIds[Entries] = ConfirmIds(self._book.switches)

    def place(self, user: str, bundle: Bundle, *, by_hand: bool = False) -> Entries:
        """Place the orders of a bundle with their children; a single order is a NORMAL bundle of one."""
        ids = [ticket.confirm_id for ticket in all_tickets(bundle) if ticket.confirm_id]
        self.confirm_ids.check(user, ids)
        earlier = self.confirm_ids.earlier(user, ids, self._book.now_ms)
        if earlier is not None:
            return self._repeated(earlier)
        _check_bundle(bundle)
        plans = self._plan(user, bundle, waiting=False)
        self._settle(plans)
        entries: list[Entry] = []
        orders = []
        for plan in plans:
            plan.refusal = plan.refusal or self._misfit_beside_earlier(plan)
            orders.append(self._book_plan(plan, entries, by_hand=by_hand))
        for order in orders:
            if order is not None and not order.final:
                self._send(order)
        reply = (*entries[:1], *self._in_order(entries[1:]))
        self.confirm_ids.spend(user, ids, reply, self._book.now_ms)
        return reply

    def check_only(self, user: str, bundle: Bundle) -> list[Ticket]:
        """Check a bundle as placing would, and give its tickets, parents first. Raises `HttpRefusal`."""
        _check_bundle(bundle)
        for plan in self._plan(user, bundle, waiting=False):
            for part in plan.all():
                if part.refusal:
                    raise bad_request(messages.FAILED_PREFIX + part.refusal)
        return list(all_tickets(bundle))

    def _repeated(self, earlier: Entries) -> Entries:
        match self._book.switches["confirm_id_mode"]:
            case "return-original":
                self._journal.booked("repeated", answered="original")
                return earlier
            case "failed-entry":
                self._journal.booked("repeated", answered="refused")
                return (Entry(None, messages.FAILED_PREFIX + "Duplicate OrderConfirmID", refused=True),)
            case _:
                self._journal.booked("repeated", answered="refused")
                raise bad_request("Duplicate OrderConfirmID.")

    # ---- checking

    def _plan(self, user: str, bundle: Bundle, *, waiting: bool) -> list[_Plan]:
        group = None if bundle.kind == "NORMAL" else self._book.new_group(bundle.kind)
        return [self._plan_one(user, ticket, group, waiting=waiting) for ticket in bundle.tickets]

    def _plan_one(self, user: str, ticket: Ticket, group: Group | None, *, waiting: bool) -> _Plan:
        account = self._book.accounts.get(ticket.account_id.upper())
        if account is None or account.user != user:
            raise HttpRefusal(int(self._book.switches["foreign_account_status"]), "Invalid Account ID.")
        try:
            check_ticket(self._book, account, ticket, waiting=waiting, group=group)
            refusal = None
        except OrderRefusal as error:
            refusal = error.reason
        children = [plan for bundle in ticket.osos for plan in self._plan(user, bundle, waiting=True)]
        return _Plan(ticket, account, refusal, group, children)

    def _misfit_beside_earlier(self, plan: _Plan) -> str | None:
        """Check the position once more: the orders booked before this one in the same request reserve shares too."""
        ticket = plan.ticket
        return position_misfit(
            self._book, plan.account, ticket.instrument, ticket.action, ticket.quantity, plan.group
        )  # fmt: skip

    def _settle(self, plans: list[_Plan]) -> None:
        """Let a refusal spread: to an order's children, and by switch to the whole request."""
        parts = [part for plan in plans for part in plan.all()]
        refused = next((part.refusal for part in parts if part.refusal), None)
        together = len(parts) > 1 and self._book.switches["group_partial_refusal"] == "all_refused"
        if refused and together:
            for part in parts:
                part.refusal = part.refusal or refused
        whole = together or all(plan.refusal for plan in plans)
        if refused and whole and self._book.switches["reject_form"] == "http_400":
            raise bad_request(messages.FAILED_PREFIX + refused)
        for plan in plans:
            if plan.refusal:
                for child in plan.children:
                    child.refusal = child.refusal or "Parent order was refused"

    # ---- booking

    def _book_plan(
        self, plan: _Plan, entries: list[Entry], *, by_hand: bool, parent: Order | None = None
    ) -> Order | None:
        later = plan.refusal is not None and self._book.switches["reject_form"] == "later"
        order = None
        if plan.refusal is None or later or self._book.switches["refused_order_id"] == "present":
            order = self._book.new_order(plan.account, plan.ticket, by_hand=by_hand)
        if order is not None and plan.group is not None and plan.refusal is None:
            order.group = plan.group
            plan.group.members.append(order)
        self._note(plan, order, parent)
        if plan.refusal is None or later:
            stop = self._exchange.filler.stop_price(order) if order else None
            shown = plan.ticket.stop_price if plan.ticket.stop_price is not None else stop
            entries.append(Entry(order.id if order else None, f"Sent order: {messages.summary(plan.ticket, shown)}"))
        else:
            entries.append(Entry(order.id if order else None, messages.FAILED_PREFIX + plan.refusal, refused=True))
        if order is not None and parent is not None and plan.refusal is None:
            self._exchange.wait(order, parent)
        if order is not None and plan.refusal is not None:
            self._book.mark(order, Status.OPN)
            self._exchange.end(order, Status.REJ, plan.refusal)
        for child in plan.children:
            self._book_plan(child, entries, by_hand=by_hand, parent=order)
        return order

    def _send(self, order: Order) -> None:
        if order.working:
            self._exchange.submit(order)

    def _in_order(self, entries: list[Entry]) -> list[Entry]:
        return entries[::-1] if self._book.switches["children_order_in_reply"] == "reversed" else entries

    def _note(self, plan: _Plan, order: Order | None, parent: Order | None) -> None:
        ticket = plan.ticket
        self._journal.booked(
            "order",
            order_id=order.id if order else None,
            account=plan.account.id,
            symbol=ticket.instrument.symbol,
            action=ticket.action.value,
            quantity=str(ticket.quantity),
            type=ticket.type,
            limit_price=None if ticket.limit_price is None else str(ticket.limit_price),
            stop_price=None if ticket.stop_price is None else str(ticket.stop_price),
            duration=ticket.duration,
            parent=parent.id if parent else None,
            group=plan.group.kind if plan.group else None,
            refused=plan.refusal,
        )


def all_tickets(bundle: Bundle) -> Iterator[Ticket]:
    """Give every ticket of a bundle, each before its children."""
    for ticket in bundle.tickets:
        yield ticket
        for nested in ticket.osos:
            yield from all_tickets(nested)


def _check_bundle(bundle: Bundle) -> None:
    """Check the form of groups: OCO and BRK are pairs at least, a bracket has one symbol and one side."""
    for ticket in bundle.tickets:
        for nested in ticket.osos:
            _check_bundle(nested)
    if bundle.kind == "NORMAL":
        return
    if len(bundle.tickets) < 2:
        raise bad_request("Group order must include at least one pair of orders.")
    if len({ticket.account_id for ticket in bundle.tickets}) > 1:
        raise bad_request("Group orders must be for one account.")
    if bundle.kind == "BRK" and len({(t.instrument.symbol, t.action) for t in bundle.tickets}) > 1:
        raise bad_request("Bracket orders must have the same symbol and side.")
