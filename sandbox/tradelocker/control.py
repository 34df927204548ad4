"""The control endpoints that only this broker has.

| endpoint | body | does |
|---|---|---|
| POST script | {behaviour, times, match, on, ...} | scripts the next matching orders (`script.py` has the parameters) |
| GET, DELETE script | | lists what is left of it, forgets it |
| POST trade | {account, open: {instrument, side, qty, stopLoss, takeProfit}} | opens a position by hand |
| | {account, close: position id, qty} | closes one (or a part) by hand |
| | {account, cancel: order id} | cancels an order by hand |
| POST session | {symbol: FULLY_OPEN, CLOSED, TRADING_HALT or null} | overrides the calendar; null gives it back |
| POST tokens | {expire: access or all, refuse_logins: bool} | spends tokens; makes every login and refresh fail |
| POST freeze | {ms} | keeps what happens from now on out of the panels so long |
| POST cash | {account, balance} | sets an account's cash |
| GET logins | | the test logins |
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from sandbox.simserver import ControlError, Request
from sandbox.tradelocker import money
from sandbox.tradelocker.booked import describe
from sandbox.tradelocker.fields import BadField, decimal_of, optional_decimal, whole_of, word_of
from sandbox.tradelocker.instruments import Instrument, SymbolStatus
from sandbox.tradelocker.model import Account, Bracket, Order, Position, Side
from sandbox.tradelocker.refusals import Refusal
from sandbox.tradelocker.rows import plain
from sandbox.tradelocker.script import ScriptError
from sandbox.tradelocker.seeds import LOGINS
from sandbox.tradelocker.seeds import describe as describe_login
from sandbox.tradelocker.simulator import Simulator

_STATUSES: Mapping[str, SymbolStatus] = {
    "FULLY_OPEN": "FULLY_OPEN",
    "CLOSED": "CLOSED",
    "TRADING_HALT": "TRADING_HALT",
}
Payload = Mapping[str, object]


def answer(sim: Simulator, request: Request, now_ms: int) -> object:
    """Obey one control request; raise `ControlError` saying what is wrong with it."""
    asked = request.method, request.path.removeprefix("/_control/").strip("/")
    if asked == ("GET", "script"):
        return {"script": sim.script.describe()}
    if asked == ("DELETE", "script"):
        sim.script.rules.clear()
        return {"script": []}
    if asked == ("GET", "logins"):
        return {"logins": [describe_login(login) for login in LOGINS]}
    handlers: Mapping[str, Callable[[Simulator, Payload, int], object]] = {
        "script": _script,
        "trade": _trade,
        "session": _session,
        "tokens": _tokens,
        "freeze": _freeze,
        "cash": _cash,
    }
    handler = handlers.get(asked[1]) if asked[0] == "POST" else None
    if handler is None:
        raise ControlError(f"no control {asked[0]} {asked[1]!r}", controls=sorted(handlers))
    payload = request.json()
    if not isinstance(payload, Mapping):
        raise ControlError("the body is an object")
    try:
        return handler(sim, payload, now_ms)
    except (BadField, ScriptError, Refusal) as error:
        raise ControlError(str(error)) from error


def named_instrument(sim: Simulator, name: object) -> Instrument:
    """Return a listed instrument by its exact name; raise `ControlError`."""
    found = sim.instrument_named(name) if isinstance(name, str) else None
    if found is None:
        raise ControlError(f"no instrument {name!r}")
    return found


def state(sim: Simulator, now_ms: int) -> Mapping[str, object]:
    """Return the whole book as JSON-ready values; prices and quantities are text."""
    return {
        "nowMs": now_ms,
        "accounts": [_account(sim, account, now_ms) for account in sim.book.accounts.values()],
        "script": sim.script.describe(),
    }


def _account(sim: Simulator, account: Account, now_ms: int) -> Payload:
    seed = account.seed
    values = money.state(sim.book.market, account, sim.book.fee_per_lot, now_ms)
    return {
        "id": str(seed.account_id),
        "accNum": seed.acc_num,
        "currency": seed.currency,
        "mode": seed.mode,
        "state": {name: plain(value) for name, value in values.items()},
        "orders": [describe(order) for order in account.orders.values()],
        "positions": [_position(account, one) for one in account.open_positions()],
    }


def _position(account: Account, position: Position) -> Payload:
    stop = account.orders.get(position.stop_loss_id or 0)
    target = account.orders.get(position.take_profit_id or 0)
    return {
        "positionId": str(position.id),
        "instrument": position.instrument.name,
        "side": position.side,
        "qty": plain(position.qty),
        "avgPrice": plain(position.avg_price),
        "strategyId": position.strategy_id,
        "openedMs": position.opened_ms,
        "stopLossId": None if stop is None else str(stop.id),
        "stopLoss": _leg_price(stop),
        "takeProfitId": None if target is None else str(target.id),
        "takeProfit": _leg_price(target),
    }


def _leg_price(leg: Order | None) -> str | None:
    price = None if leg is None else leg.stop_price or leg.price
    return None if price is None else plain(price)


def _script(sim: Simulator, payload: Payload, now_ms: int) -> object:
    del now_ms
    sim.script.add(payload)
    return {"script": sim.script.describe()}


def _trade(sim: Simulator, payload: Payload, now_ms: int) -> object:
    account = _named_account(sim, payload)
    match payload:
        case {"open": Mapping() as wanted}:
            instrument = named_instrument(sim, wanted.get("instrument"))
            side: Side = "buy" if word_of(wanted.get("side"), "side", ("buy", "sell")) == "buy" else "sell"
            qty = sim.desk.lots(instrument, wanted.get("qty"))
            stop, target = optional_decimal(wanted, "stopLoss"), optional_decimal(wanted, "takeProfit")
            bracket = Bracket(stop, _absolute(stop), target, _absolute(target))
            return describe(sim.holdings.open_by_hand(account, instrument, side, qty, bracket, now_ms))
        case {"close": position_id}:
            qty_wanted = optional_decimal(payload, "qty")
            closing = sim.holdings.close_by_hand(account, whole_of(position_id, "close"), qty_wanted, now_ms)
            return describe(closing)
        case {"cancel": order_id}:
            return describe(sim.desk.cancel(account, whole_of(order_id, "cancel"), now_ms))
        case _:
            raise ControlError("trade takes open, close or cancel")


def _absolute(price: Decimal | None) -> str | None:
    return None if price is None else "absolute"


def _session(sim: Simulator, payload: Payload, now_ms: int) -> object:
    wanted: dict[str, tuple[Instrument, SymbolStatus | None]] = {}
    for name, status in payload.items():
        if status is not None and status not in _STATUSES:
            raise ControlError(f"{name}: {' | '.join(_STATUSES)} or null")
        wanted[name] = named_instrument(sim, name), None if status is None else _STATUSES[str(status)]
    for instrument, status in wanted.values():
        sim.book.market.force_status(instrument, status)
    sim.book.advance(now_ms)
    return {name: sim.book.market.status(instrument, now_ms) for name, (instrument, _) in wanted.items()}


def _tokens(sim: Simulator, payload: Payload, now_ms: int) -> object:
    del now_ms
    expire = payload.get("expire")
    if expire is not None:
        if word_of(expire, "expire", ("access", "all")) == "access":
            sim.tokens.expire_access()
        else:
            sim.tokens.end_sessions()
    if "refuse_logins" in payload:
        sim.tokens.refuses_logins = bool(payload["refuse_logins"])
    return {"refuse_logins": sim.tokens.refuses_logins}


def _freeze(sim: Simulator, payload: Payload, now_ms: int) -> object:
    for_ms = whole_of(payload.get("ms"), "ms")
    sim.panels.freeze(now_ms, for_ms)
    return {"until_ms": now_ms + for_ms}


def _cash(sim: Simulator, payload: Payload, now_ms: int) -> object:
    account = _named_account(sim, payload)
    account.cash = money.cents(decimal_of(payload.get("balance"), "balance"))
    return _account(sim, account, now_ms)


def _named_account(sim: Simulator, payload: Payload) -> Account:
    found = sim.book.accounts.get(whole_of(payload.get("account"), "account"))
    if found is None:
        raise ControlError(f"no account {payload.get('account')!r}", accounts=sorted(sim.book.accounts))
    return found
