"""Compare the bridge's ledger with what a simulated broker was asked and holds: one sentence for each difference. Pure.

Requests are matched by what they name: an order by the broker's id for it, a change by the order or position that it is
about. Then side, quantity, symbol, type, price and bracket are compared, and what is held, and what still works.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal

from sandbox.demo.facts import Holding, Order, Told, Write, plain

Key = tuple[str, ...]
NOTHING = Holding(Decimal(0))


def differences(broker: str, ledger: Told, booked: Told) -> list[str]:
    """Give a sentence for each thing in which the ledger and the broker's own records differ; none is clean."""
    found = [f"the ledger does not know what became of {command}" for command in ledger.open_commands]
    found += _requests(ledger.writes, booked.writes)
    found += _holdings(ledger.holdings, booked.holdings)
    found += _working(ledger.working, booked.working)
    return [f"{broker}: {sentence}" for sentence in found]


# ---- requests


def _requests(ledger: Sequence[Write], booked: Sequence[Write]) -> Iterator[str]:
    wanted, got = _by_key(ledger), _by_key(booked)
    for key in dict.fromkeys([*wanted, *got]):
        ours, theirs = wanted.get(key, []), got.get(key, [])
        if len(ours) != len(theirs):
            yield f"{(ours or theirs)[0]}: {len(ours)} in the ledger, {len(theirs)} in the broker's journal"
        for mine, other in zip(ours, theirs, strict=False):
            yield from _one_request(mine, other)


def _by_key(writes: Iterable[Write]) -> dict[Key, list[Write]]:
    found: defaultdict[Key, list[Write]] = defaultdict(list)
    for write in writes:
        found[_key(write)].append(write)
    return found


def _key(write: Write) -> Key:
    if write.kind == "place" and write.taken:
        return ("place", *sorted(write.orders))
    if write.kind == "place":
        return ("refused", *sorted(str(order) for order in write.orders.values()))
    return (write.kind, write.about)


def _one_request(ledger: Write, booked: Write) -> Iterator[str]:
    if ledger.taken != booked.taken:
        words = {True: "taken", False: "refused"}
        yield f"{ledger}: {words[ledger.taken]} by the ledger, {words[booked.taken]} by the broker's journal"
        return
    mine, theirs = list(ledger.orders.items()), list(booked.orders.items())
    if len(mine) != len(theirs):
        yield f"{ledger}: {len(mine)} order(s) in the ledger, {len(theirs)} booked by the broker"
        return
    if ledger.kind == "place":
        mine, theirs = sorted(mine), sorted(theirs)
    for (name, wanted), (number, got) in zip(mine, theirs, strict=True):
        yield from _one_order(number if name.startswith("#") else name, wanted, got)
    for name in sorted({*ledger.changes, *booked.changes}):
        said = [plain(side.changes[name]) if name in side.changes else "nothing" for side in (ledger, booked)]
        if name not in ledger.changes or name not in booked.changes or ledger.changes[name] != booked.changes[name]:
            yield f"{ledger}: the ledger sets {name} to {said[0]}, the request said {said[1]}"


def _one_order(name: str, ledger: Order, booked: Order) -> Iterator[str]:
    for one in fields(Order):
        ours, theirs = getattr(ledger, one.name), getattr(booked, one.name)
        if ours != theirs:
            what = one.name.replace("_", " ")
            yield f"order {name} ({ledger}): {what} is {_said(ours)} in the ledger, {_said(theirs)} at the broker"


def _said(value: object) -> str:
    return "none" if value in (None, "") else str(value)


# ---- what stands in the end


def _working(ledger: frozenset[str], booked: frozenset[str]) -> Iterator[str]:
    for order_id in sorted(booked - ledger):
        yield f"order {order_id} works at the broker, and the ledger does not follow it"
    for order_id in sorted(ledger - booked):
        yield f"the ledger follows order {order_id}, which does not work at the broker"


def _holdings(
    ledger: Mapping[tuple[str, str], Holding], booked: Mapping[tuple[str, str], Holding]
) -> Iterator[str]:
    for account, symbol in sorted({*ledger, *booked}):
        ours, theirs = (side.get((account, symbol), NOTHING) for side in (ledger, booked))
        if ours.quantity != theirs.quantity:
            yield (
                f"{symbol} in {account}: the ledger holds {plain(ours.quantity)}, "
                f"the broker holds {plain(theirs.quantity)}"
            )
        for what, mine, other in (("stop", ours.stop, theirs.stop), ("target", ours.target, theirs.target)):
            if mine != other:
                yield f"{symbol} in {account}: the {what} is {_said(mine)} in the ledger, {_said(other)} at the broker"
