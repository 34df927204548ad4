"""TradingView's broker panel: two browsers of one person, and the gateway before the real handler.

A browser shows what its last poll was answered, however old, and its buttons send what TradingView's front end sends
(`tests/panel/front_end.py` is that model for the panel's own tests). A request for which nothing came back, or a 5xx,
may have been carried out; placing goes out again with the same `requestId`, as the published description has it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any, Literal
from urllib.parse import quote, urlencode

from orderbridge.model import OrderType
from tests.inprocess.gateway import event_of
from tests.simulation.hub import Hub
from tests.simulation.invariants.pressed import Listing, Pressed, Reply, Wanted
from tests.simulation.lambdas import Function
from tests.simulation.presses import BROWSERS, Press
from tests.simulation.weather import Fault, Weather

GATEWAY_MS = 29_000
"""After this API Gateway answers 504 itself; whoever works goes on."""
MOST = 3
"""How often a request is sent at most."""
AGAIN_MS = (700, 4_000)
SIDES = {"buy": 1, "sell": -1}
NAMES = {1: "buy", -1: "sell"}
TYPES = {OrderType.MARKET: "market", OrderType.LIMIT: "limit", OrderType.STOP: "stop"}
Ask = tuple[str, str, Mapping[str, object]]
"""Method, path behind the account, form."""


@dataclass
class Screen:
    """What a browser shows of one account."""

    orders: list[Any] = field(default_factory=list)
    positions: list[Any] = field(default_factory=list)
    asked_ms: dict[str, int] = field(default_factory=dict)

    def positions_of(self, symbol: str) -> list[Any]:
        return [one for one in self.positions if one["instrument"] == symbol]

    def working(self, symbol: str) -> list[Any]:
        return [one for one in self.orders if (one["instrument"], one["status"]) == (symbol, "working")]


class TradingPanel:
    """The person's browsers: presses buttons, and remembers what was heard."""

    def __init__(
        self, hub: Hub, function: Function, weather: Weather, dice: Random, note: Callable[[str], None], token: str
    ) -> None:
        self._hub = hub
        self._function = function
        self._weather = weather
        self._dice = dice
        self._note = note
        self._token = token
        self._screens: dict[tuple[int, str], Screen] = {}
        self.presses: list[Pressed] = []
        self.listings: list[Listing] = []
        self.serving: dict[str, int] = {}
        """Environment -> number of the press that it is answering."""
        self.polls = 0

    @property
    def quiet(self) -> bool:
        """Tell whether no press waits for an answer."""
        return all(press.over for press in self.presses)

    def screen(self, browser: int, account: str) -> Screen:
        return self._screens.setdefault((browser, account), Screen())

    # ---- polls

    def poll(self, browser: int, account: str) -> None:
        """Ask for orders and positions, as the front end does by the clock."""
        for what in ("orders", "positions"):
            self._poll(browser, account, what)

    def _poll(self, browser: int, account: str, what: str) -> None:
        asked_ms = self._hub.now
        self.polls += 1

        def answered(said: str, content: Any) -> None:
            screen = self.screen(browser, account)
            if said != "ok" or asked_ms < screen.asked_ms.get(what, 0):
                return
            screen.asked_ms[what] = asked_ms
            if what == "positions":
                screen.positions = content["d"]
                return
            screen.orders = content["d"]
            statuses = {one["id"]: one["status"] for one in content["d"]}
            self.listings.append(Listing(browser, account, asked_ms, self._hub.now, statuses))

        self._send("GET", f"/accounts/{account}/{what}", None, "", answered)

    # ---- presses

    def press(self, press: Press) -> None:
        """Press a button; nothing happens where the browser shows nothing that it could be for."""
        screen = self.screen(press.browser, press.seat)
        found = getattr(self, f"_{press.button}")(press, screen)
        if found is None:
            self._note("  nothing to press it for")
            return
        wanted, ask = found
        then = (lambda: self._reopen(press, wanted)) if _in_two(press, wanted, ask) else None
        self._begin(wanted, ask, press.insists, then)

    def _begin(self, wanted: Wanted, ask: Ask, insists: bool, then: Callable[[], None] | None = None) -> None:
        number = len(self.presses)
        request_id = f"r{number}-{self._dice.getrandbits(48):012x}" if wanted.button == "place" else ""
        self.presses.append(Pressed(wanted, self._hub.now, request_id))
        self._note(f"press {number}: {ask[0]} {ask[1]} {urlencode(ask[2])}")
        self._deliver(number, ask, 1, insists, then)

    def _place(self, press: Press, screen: Screen) -> tuple[Wanted, Ask]:
        del screen
        wanted = Wanted(
            "place",
            press.seat,
            press.symbol,
            press.side,
            press.quantity,
            press.order_type,
            press.limit_price,
            press.stop_price,
            press.stop_loss,
            press.take_profit,
        )
        return wanted, _ticket(wanted, press.price)

    def _close(self, press: Press, screen: Screen) -> tuple[Wanted, Ask] | None:
        held = _picked(screen.positions_of(press.symbol), press.pick)
        if held is None:
            return None
        part = press.quantity if press.parts and press.quantity < Decimal(str(held["qty"])) else None
        wanted = Wanted("close", press.seat, press.symbol, SIDES[held["side"]], part, aim=held["id"])
        return wanted, ("DELETE", f"positions/{quote(held['id'])}", {} if part is None else {"amount": part})

    def _reverse(self, press: Press, screen: Screen) -> tuple[Wanted, Ask] | None:
        """Reverse natively where the account nets; elsewhere the person closes, and opens the other side."""
        held = _picked(screen.positions_of(press.symbol), press.pick)
        if held is None:
            return None
        side, size = SIDES[held["side"]], Decimal(str(held["qty"]))
        if press.seat in ("tlh", "tl2"):
            wanted = Wanted("close", press.seat, press.symbol, side, aim=held["id"])
            return wanted, ("DELETE", f"positions/{quote(held['id'])}", {})
        wanted = Wanted("reverse", press.seat, press.symbol, side, size, aim=held["id"])
        return wanted, ("PUT", f"positions/{quote(held['id'])}", {"side": NAMES[-side]})

    def _reopen(self, press: Press, closed: Wanted) -> None:
        wanted = Wanted("place", press.seat, press.symbol, -closed.side, press.quantity)
        self._begin(wanted, _ticket(wanted, press.price), press.insists)

    def _protect(self, press: Press, screen: Screen) -> tuple[Wanted, Ask] | None:
        """Set or remove the position's stop and target: the whole bracket is sent, as it was drawn for a long."""
        held = _picked(screen.positions_of(press.symbol), press.pick)
        if held is None:
            return None
        side = SIDES[held["side"]]
        stop, target = press.stop_loss, press.take_profit
        if side != press.side:
            stop, target = target, stop  # they lie on either side of the price
        form = {name: price for name, price in (("stopLoss", stop), ("takeProfit", target)) if price is not None}
        wanted = Wanted(
            "protect", press.seat, press.symbol, side, stop_loss=stop, take_profit=target, aim=held["id"],
            unprotects=True,
        )  # fmt: skip
        return wanted, ("PUT", f"positions/{quote(held['id'])}", form)

    def _cancel(self, press: Press, screen: Screen) -> tuple[Wanted, Ask] | None:
        order = _picked(screen.working(press.symbol), press.pick)
        if order is None:
            return None
        leg = order["type"] in ("stop", "stoplimit")
        wanted = Wanted("cancel", press.seat, press.symbol, SIDES[order["side"]], aim=order["id"], unprotects=leg)
        return wanted, ("DELETE", f"orders/{quote(order['id'])}", {})

    def _modify(self, press: Press, screen: Screen) -> tuple[Wanted, Ask] | None:
        """Change a working order's price or size; its bracket is sent along as it is shown."""
        order = _picked([one for one in screen.working(press.symbol) if "parentId" not in one], press.pick)
        if order is None:
            return None
        limit, stop = (_moved(order.get(name), press.move) for name in ("limitPrice", "stopPrice"))
        quantity = press.quantity if press.move == 0 else Decimal(str(order["qty"]))
        legs = {one["type"]: one for one in screen.working(press.symbol) if one.get("parentId") == order["id"]}
        legs |= {one["type"]: one for one in screen.orders if one.get("parentId") == order["id"]}
        stop_loss, target = legs.get("stop", {}).get("stopPrice"), legs.get("limit", {}).get("limitPrice")
        form = {"qty": quantity, "limitPrice": limit, "stopPrice": stop, "stopLoss": stop_loss, "takeProfit": target}
        wanted = Wanted(
            "modify",
            press.seat,
            press.symbol,
            SIDES[order["side"]],
            quantity,
            limit_price=limit,
            stop_price=stop,
            stop_loss=None if stop_loss is None else Decimal(str(stop_loss)),
            take_profit=None if target is None else Decimal(str(target)),
            aim=order["id"],
            unprotects=True,
        )
        given = {name: value for name, value in form.items() if value is not None}
        return wanted, ("PUT", f"orders/{quote(order['id'])}", given)

    # ---- one request

    def _deliver(self, number: int, ask: Ask, count: int, insists: bool, then: Callable[[], None] | None) -> None:
        press, sent_ms = self.presses[number], self._hub.now
        method, path, form = ask

        def answered(said: str, content: Any) -> None:
            known: Literal["ok", "error", ""] = "ok" if said == "ok" else "error" if said == "error" else ""
            before = self.presses[number]
            text = str(content.get("errmsg", "")) if isinstance(content, dict) else ""
            order_id = str(content.get("d", {}).get("orderId", "")) if known == "ok" else ""
            replies = (*before.replies, Reply(sent_ms, self._hub.now, known, text, order_id))
            again = not known and insists and count < MOST and bool(before.request_id)
            self.presses[number] = replace(before, replies=replies, over=not again)
            self._note(f"press {number} answered {said or 'nothing'} {text or order_id}")
            if again:
                self._hub.after(
                    self._dice.randint(*AGAIN_MS), lambda: self._deliver(number, ask, count + 1, insists, then)
                )
            elif known == "ok" and then is not None:
                self._hub.after(self._dice.randint(300, 1_500), then)

        self._send(method, f"/accounts/{press.wanted.account}/{path}", form, press.request_id, answered, number)

    def _send(
        self,
        method: str,
        path: str,
        form: Mapping[str, object] | None,
        request_id: str,
        answered: Callable[[str, Any], None],
        number: int | None = None,
    ) -> None:
        """Send one request; `answered` hears `ok` or `error` with the content, `STATUS` for another answer, or ''."""
        fate = self._weather.fate(self._dice, "browser", "browser", "panel", method)
        fault = None if fate is None else fate.fault
        open_ = [True]

        def close(said: str, content: Any = None) -> None:
            if open_[0]:
                open_[0] = False
                answered(said, content)

        if fault is Fault.REFUSED:
            self._hub.after(2_000, lambda: close(""))
            return
        headers = {"origin": "https://www.tradingview.com", "authorization": f"Bearer {self._token}"}
        if form:
            headers["content-type"] = "application/x-www-form-urlencoded"
        query = urlencode({"locale": "en", **({"requestId": request_id} if request_id else {})})
        event = event_of(method, path, query, headers, urlencode(form).encode() if form else None)
        lost = fault in (Fault.LOST, Fault.RESET)

        def back(result: Any) -> None:
            said, content = _read(result)
            if not lost:
                self._hub.after(self._dice.randint(20, 60), lambda: close(said, content))

        delay_ms = fate.ms if fate is not None and fault is Fault.SLOW_BEFORE else 0
        self._hub.after(delay_ms + GATEWAY_MS, lambda: close("" if lost else "504"))
        self._hub.after(delay_ms + self._dice.randint(20, 60), lambda: self._invoke(event, back, number))
        if fault is Fault.CONFLICT and (number is None or request_id):
            if number is not None:
                self.presses[number] = replace(self.presses[number], copied=True)
            self._hub.after(self._dice.randint(0, 400), lambda: self._invoke(event, lambda _: None, number))

    def _invoke(self, event: Mapping[str, Any], back: Callable[[Any], None], number: int | None) -> None:
        served: list[str] = []

        def begun(environment: str) -> None:
            served.append(environment)
            if number is not None:
                self.serving[environment] = number

        def done(result: Any) -> None:
            if result is not None and number is not None and self.serving.get(served[0]) == number:
                del self.serving[served[0]]  # it may be at the next request by now
            back(result)

        self._function.invoke(event, done, begun)


def _read(result: Any) -> tuple[str, Any]:
    """Read a handler's result as the browser sees it; a dead function is the gateway's 502."""
    if result is None:
        return "502", None
    content = json.loads(result["body"]) if result["body"] else {}
    status = int(result["statusCode"])
    return (str(content.get("s", "ok")), content) if status == 200 else (str(status), content)


def _ticket(wanted: Wanted, price: Decimal) -> Ask:
    """Give the order ticket's request."""
    form: dict[str, object] = {
        "instrument": wanted.symbol,
        "qty": wanted.quantity,
        "side": NAMES[wanted.side],
        "type": TYPES[wanted.order_type],
        "currentAsk": price,
        "currentBid": price,
    }
    prices = {
        "limitPrice": wanted.limit_price,
        "stopPrice": wanted.stop_price,
        "stopLoss": wanted.stop_loss,
        "takeProfit": wanted.take_profit,
    }
    return "POST", "orders", {**form, **{name: value for name, value in prices.items() if value is not None}}


def _in_two(press: Press, wanted: Wanted, ask: Ask) -> bool:
    return press.button == "reverse" and wanted.button == "close" and ask[0] == "DELETE"


def _picked(shown: list[Any], pick: int) -> Any:
    return shown[pick % len(shown)] if shown else None


def _moved(price: Any, by: Decimal) -> Decimal | None:
    return None if price is None else Decimal(str(price)) + by


__all__ = ["BROWSERS", "TradingPanel"]
