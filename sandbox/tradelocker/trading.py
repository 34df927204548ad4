"""The seven routes that write."""

from collections.abc import Mapping

from sandbox.tradelocker.accountdata import order_cells
from sandbox.tradelocker.answers import Answer, done, ok
from sandbox.tradelocker.model import Account
from sandbox.tradelocker.query import Query
from sandbox.tradelocker.simulator import Simulator

Body = Mapping[str, object]


def place_order(sim: Simulator, account: Account, body: Body, now_ms: int) -> Answer:
    """POST .../orders: only an id comes back; what became of the order is looked up."""
    return ok({"orderId": str(sim.desk.place(account, body, now_ms).id)})


def modify_order(sim: Simulator, account: Account, order_id: int, body: Body, now_ms: int) -> Answer:
    """PATCH /trade/orders/{id}: the changed row comes back, with the status text "None"."""
    order = sim.desk.modify(account, order_id, body, now_ms)
    return done(sim.switches, d={"orders": [order_cells(sim, account, order, status="None")]})


def cancel_order(sim: Simulator, account: Account, order_id: int, now_ms: int) -> Answer:
    """DELETE /trade/orders/{id}."""
    sim.desk.cancel(account, order_id, now_ms)
    return done(sim.switches)


def cancel_all_orders(sim: Simulator, account: Account, query: Query, now_ms: int) -> Answer:
    """DELETE .../orders."""
    sim.desk.cancel_all(account, query.optional_whole("tradableInstrumentId"), now_ms)
    return done(sim.switches)


def modify_position(sim: Simulator, account: Account, position_id: int, body: Body, now_ms: int) -> Answer:
    """PATCH /trade/positions/{id}."""
    sim.holdings.modify(account, position_id, body, now_ms)
    return done(sim.switches, patched_position=True)


def close_position(sim: Simulator, account: Account, position_id: int, query: Query, body: Body, now_ms: int) -> Answer:
    """DELETE /trade/positions/{id}: the quantity is in the body; one in the query is an unknown key."""
    sim.holdings.close(account, position_id, body, query.optional_text("strategyId"), now_ms)
    return done(sim.switches)


def close_all_positions(sim: Simulator, account: Account, query: Query, now_ms: int) -> Answer:
    """DELETE .../positions: places orders; nobody promises that all of them fill."""
    tid, strategy_id = query.optional_whole("tradableInstrumentId"), query.optional_text("strategyId")
    as_of_ms = sim.panels.as_of(now_ms)
    rows = [
        sim.panels.cells("positionsConfig", sim.rows.position(account, one, as_of_ms))
        for one in account.open_positions()
    ]
    sim.holdings.close_all(account, tid, strategy_id, now_ms)
    if sim.switches["close_all_reply"] == "positions":
        return ok({"positions": rows})
    return Answer(200, {"s": "ok"})
