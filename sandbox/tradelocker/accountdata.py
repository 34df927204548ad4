"""The routes that tell of configuration, accounts, orders, positions and executions."""

from collections.abc import Mapping

from sandbox.tradelocker import money
from sandbox.tradelocker.answers import Answer, number, ok
from sandbox.tradelocker.model import Account, Order
from sandbox.tradelocker.query import Query
from sandbox.tradelocker.seeds import Login
from sandbox.tradelocker.simulator import Simulator

_ACCESS = ("orders", "ordersHistory", "filledOrders", "positions", "symbolInfo", "marketDepth")


def all_accounts(sim: Simulator, login: Login) -> Answer:
    """GET /auth/jwt/all-accounts: flat, everything text."""
    accounts = [sim.book.accounts[seed.account_id] for seed in login.accounts]
    return Answer(200, {"accounts": [_flat(account) for account in accounts]})


def config(sim: Simulator) -> Answer:
    """GET /trade/config: the eight keys in the order of the reference."""
    limits = [
        {"limitType": "QUOTES_HISTORY_BARS", "limit": sim.switches.number("history_bars")},
        {"limitType": "MAX_ORDERS_COUNT_IN_HISTORY", "limit": sim.switches.number("history_rows")},
    ]
    return ok(
        {
            "customerAccess": dict.fromkeys(_ACCESS, True),
            **sim.panels.config(),
            "rateLimits": sim.limits.published(),
            "limits": limits,
        }
    )


def trade_accounts(account: Account) -> Answer:
    """GET /trade/accounts: a list with the account of this accNum. Names inside the rules are unconfirmed."""
    seed = account.seed
    rules = {"supportBrackets": True, "supportTrailingStop": True, "supportPartialClose": True,
             "supportPositionNetting": seed.mode == "netting", "maxOpenPositions": 0}  # fmt: skip
    risk = {"maxDailyLoss": None, "maxDrawdown": None, "stopOutLevel": 50}
    return ok(
        [
            {
                "id": str(seed.account_id),
                "name": seed.name,
                "currency": seed.currency,
                "status": seed.status,
                "accNum": str(seed.acc_num),
                "tradingRules": rules,
                "riskRules": risk,
            }
        ]
    )


def orders(sim: Simulator, account: Account, query: Query, now_ms: int) -> Answer:
    """GET .../orders: orders that are not final."""
    found = _filtered(sim, sim.panels.working_orders(account, now_ms), query)
    return ok({"orders": [order_cells(sim, account, order) for order in found]})


def orders_history(sim: Simulator, account: Account, query: Query, now_ms: int) -> Answer:
    """GET .../ordersHistory: final orders; when there are more than the limit, the newest and `hasMore`."""
    found = _filtered(sim, sim.panels.history(account, now_ms), query)
    found.sort(key=lambda order: (order.created_ms, order.id), reverse=True)
    most = sim.switches.number("history_rows")
    shown = found[:most]
    if sim.switches["history_order"] == "oldest_first":
        shown.reverse()
    rows = [sim.panels.cells("ordersHistoryConfig", sim.rows.order(account, order, in_history=True)) for order in shown]
    return ok({"ordersHistory": rows, "hasMore": len(found) > most})


def positions(sim: Simulator, account: Account, now_ms: int) -> Answer:
    """GET .../positions."""
    as_of_ms = sim.panels.as_of(now_ms)
    rows = [
        sim.panels.cells("positionsConfig", sim.rows.position(account, position, as_of_ms))
        for position in sim.panels.positions(account, now_ms)
    ]
    return ok({"positions": rows})


def executions(sim: Simulator, account: Account, now_ms: int) -> Answer:
    """GET .../executions: the fills of the current session (the day in UTC)."""
    as_of_ms = sim.panels.as_of(now_ms)
    rows = [
        sim.panels.cells("filledOrdersConfig", sim.rows.execution(one))
        for one in money.executed_today(account, now_ms)
        if one.at_ms <= as_of_ms
    ]
    return ok({"executions": rows})


def state(sim: Simulator, account: Account, now_ms: int) -> Answer:
    """GET .../state: numbers in the order of the panel's columns."""
    values = money.state(sim.book.market, account, sim.book.fee_per_lot, now_ms)
    columns = sim.panels.columns("accountDetailsConfig")
    data = [number(values[column]) if column in values else 0 for column in columns]
    return ok({"accountDetailsData": data})


def order_cells(sim: Simulator, account: Account, order: Order, status: str | None = None) -> list[object]:
    """Return a row of the orders panel."""
    return sim.panels.cells("ordersConfig", sim.rows.order(account, order, in_history=False, status=status))


def _filtered(sim: Simulator, found: list[Order], query: Query) -> list[Order]:
    from_ms, to_ms = query.optional_whole("from"), query.optional_whole("to")
    tid = query.optional_whole("tradableInstrumentId")
    return [
        order
        for order in found
        if (tid is None or order.instrument.tid == tid) and sim.panels.in_range(order, from_ms, to_ms)
    ]


def _flat(account: Account) -> Mapping[str, str]:
    seed = account.seed
    return {
        "id": str(seed.account_id),
        "name": seed.name,
        "currency": seed.currency,
        "status": seed.status,
        "accNum": str(seed.acc_num),
        "accountBalance": f"{account.cash:.2f}",
    }
