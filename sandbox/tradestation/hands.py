"""What control can do to the broker: prices, sessions, scripts, tokens, and trades by somebody else.

| endpoint | body |
|---|---|
| POST session | {symbol or STOCK or FUTURE or STOCKOPTION: open, extended, closed, halted or auto} |
| POST, GET, DELETE script | what the next orders do (`script.py`) |
| POST trade | {"account": id, and one of: "close": symbol, "order": {...}, "fill": id, "cancel": id, "set": {...}, |
| | "status": text, "cash": amount} |
| POST tokens | {"expire": access, refresh or all, "user"?: name} |
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from sandbox.simserver import ControlError, Request
from sandbox.tradestation.book import Book
from sandbox.tradestation.desk import Desk
from sandbox.tradestation.exchange import Exchange
from sandbox.tradestation.instruments import LISTED, Instrument, find
from sandbox.tradestation.model import Account, Bundle, Order, Status
from sandbox.tradestation.text import plain
from sandbox.tradestation.tickets import read_ticket
from sandbox.tradestation.tokens import Tokens

Given = Mapping[str, object]


class Hands:
    """Obeys control. Raises `ControlError` for what cannot be done."""

    def __init__(self, exchange: Exchange, desk: Desk, tokens: Tokens) -> None:
        self._exchange = exchange
        self._book: Book = exchange.book
        self._desk = desk
        self._tokens = tokens
        self._endpoints: dict[tuple[str, str], Callable[[Given], object]] = {
            ("POST", "session"): self._session,
            ("POST", "script"): self._add_script,
            ("GET", "script"): lambda _: {"script": self._book.script.listing()},
            ("DELETE", "script"): self._clear_script,
            ("POST", "trade"): self._trade,
            ("POST", "tokens"): self._expire,
        }

    def control(self, request: Request) -> object:
        """Answer one control request."""
        name = request.path.removeprefix("/_control/").strip("/")
        endpoint = self._endpoints.get((request.method, name))
        if endpoint is None:
            known = sorted({f"{method} {name}" for method, name in self._endpoints})
            raise ControlError("unknown control endpoint", endpoints=known)
        given = request.json() if request.method == "POST" else {}
        if isinstance(given, list) and name == "script":
            for rule in given:
                self._book.script.add(rule)
            return {"ok": True}
        if not isinstance(given, Mapping):
            raise ControlError("the body is an object")
        return endpoint(given)

    def move_prices(self, prices: Given) -> None:
        """Move prices one after the other; orders see each move."""
        for symbol in prices:
            if find(symbol) is None:
                raise ControlError(f"unknown symbol {symbol!r}", symbols=sorted(LISTED))
        for symbol, given in prices.items():
            moved = self._book.market.move(symbol, given, self._book.now_ms)
            self._exchange.price_moved(moved)

    def _session(self, given: Given) -> object:
        self._exchange.set_sessions(given)
        return {"ok": True}

    def _add_script(self, given: Given) -> object:
        self._book.script.add(given)
        return {"ok": True}

    def _clear_script(self, _given: Given) -> object:
        self._book.script.clear()
        return {"ok": True}

    def _expire(self, given: Given) -> object:
        kind = given.get("expire")
        if kind not in ("access", "refresh", "all"):
            raise ControlError("expire is access, refresh or all")
        user = given.get("user")
        return {"expired": self._tokens.expire(str(kind), None if user is None else str(user))}

    # ---- trades by somebody else

    def _trade(self, given: Given) -> object:
        account = self._book.accounts.get(str(given.get("account", "")))
        deeds: Mapping[str, Callable[[Account, Given], object]] = {
            "close": self._close,
            "order": self._order,
            "fill": self._fill,
            "cancel": self._cancel,
            "set": self._set,
            "status": self._standing,
            "cash": self._cash,
        }
        wanted = [name for name in deeds if name in given]
        if account is None or len(wanted) != 1:
            raise ControlError(
                "a trade names an account and one deed", accounts=list(self._book.accounts), deeds=list(deeds)
            )
        return deeds[wanted[0]](account, given)

    def _close(self, account: Account, given: Given) -> object:
        """Close a position at the market. Its exits stay unless `cancel_exits` is true."""
        instrument = _instrument(given["close"])
        held = account.held(instrument.symbol)
        if held == 0:
            raise ControlError(f"{account.id} holds no {instrument.symbol}")
        if given.get("cancel_exits"):
            for order in self._book.orders_of(account):
                if order.working and order.instrument == instrument and order.action.sign * held < 0:
                    self._exchange.end(order, Status.OUT)
        side = {"STOCK": ("BUYTOCOVER", "SELL"), "FUTURE": ("BUY", "SELL")}.get(
            instrument.asset, ("BUYTOCLOSE", "SELLTOCLOSE")
        )
        ticket = read_ticket(
            {
                "AccountID": account.id,
                "Symbol": instrument.symbol,
                "Quantity": plain(abs(held)),
                "OrderType": "Market",
                "TradeAction": side[0] if held < 0 else side[1],
                "TimeInForce": {"Duration": "DAY"},
            }
        )
        order = self._book.new_order(account, ticket, by_hand=True)
        self._book.mark(order, Status.ACK)
        self._exchange.fill_by_hand(order, None, _optional(given, "price"))
        return {"order_id": order.id}

    def _order(self, account: Account, given: Given) -> object:
        """Place an order as another program of the same user would; `order` is the body of a placing."""
        body = given["order"]
        if not isinstance(body, Mapping):
            raise ControlError("order is an object")
        ticket = read_ticket({"AccountID": account.id, "TimeInForce": {"Duration": "DAY"}, **body})
        entries = self._desk.place(account.user, Bundle("NORMAL", (ticket,)), by_hand=True)
        return {"orders": [entry.as_json() for entry in entries]}

    def _fill(self, account: Account, given: Given) -> object:
        """Fill a working order now: all of it, or `quantity`, at `price` if given."""
        order = self._working(account, given["fill"])
        self._exchange.fill_by_hand(order, _optional(given, "quantity"), _optional(given, "price"))
        return {"order_id": order.id, "status": order.status.value}

    def _cancel(self, account: Account, given: Given) -> object:
        order = self._working(account, given["cancel"])
        self._exchange.end(order, Status.OUT, by_user=True)
        return {"order_id": order.id, "status": order.status.value}

    def _set(self, account: Account, given: Given) -> object:
        """Make the position what is asked, with no order: {"symbol", "quantity" (signed), "price"?}."""
        wanted = given["set"]
        if not isinstance(wanted, Mapping):
            raise ControlError("set is an object")
        instrument = _instrument(wanted.get("symbol"))
        quantity = _optional(wanted, "quantity") or Decimal(0)
        price = _optional(wanted, "price")
        last = self._book.market.quote(instrument).last
        difference = quantity - account.held(instrument.symbol)
        if difference:
            self._book.fill(account, instrument, difference, last if price is None else price)
        return {"held": plain(account.held(instrument.symbol))}

    def _standing(self, account: Account, given: Given) -> object:
        """Give an account another status, such as `Margin Call - Closing Transactions Only`."""
        account.status = str(given["status"])
        return {"status": account.status}

    def _cash(self, account: Account, given: Given) -> object:
        account.cash = _optional(given, "cash") or Decimal(0)
        return {"cash": plain(account.cash)}

    def _working(self, account: Account, order_id: object) -> Order:
        order = self._book.orders.get(str(order_id))
        if order is None or order.account is not account or order.final:
            raise ControlError(f"{account.id} has no working order {order_id!r}")
        return order


def _instrument(symbol: object) -> Instrument:
    found = find(str(symbol))
    if found is None or found.data_only:
        raise ControlError(f"unknown symbol {symbol!r}", symbols=sorted(LISTED))
    return found


def _optional(given: Given, name: str) -> Decimal | None:
    if given.get(name) is None:
        return None
    try:
        return Decimal(str(given[name]))
    except InvalidOperation as error:
        raise ControlError(f"{name} is a number") from error
