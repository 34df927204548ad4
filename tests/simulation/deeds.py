"""What the steps of a story do to a world."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from orderbridge.storage.control import Controls
from sandbox.simserver import ControlError
from tests.simulation.account import TABLE
from tests.simulation.broker_books import TradeLockerBook
from tests.simulation.cores import Core
from tests.simulation.invariants.evidence import Meant
from tests.simulation.people import People
from tests.simulation.presses import BROWSER, Press
from tests.simulation.story import Seat, Step
from tests.simulation.weather import Fault, Window
from tests.simulation.world import World

SOURCES = frozenset({"tradingview", "poller", "scheduler"})
AWS = frozenset({"dynamodb", "sqs", "secretsmanager", "sns"})


class Deeds:
    """Does steps."""

    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._people = people
        self._deeds: Mapping[str, Callable[..., None]] = {
            name.removeprefix("_do_"): getattr(self, name) for name in dir(self) if name.startswith("_do_")
        }

    def do(self, step: Step) -> None:
        """Do one step, now."""
        self._world.note(f"* {step}")
        self._deeds[step.kind](**step.values)
        self._world.changed()

    # ---- alerts

    def _do_alert(self, strategy: str, meant: Meant, body: bytes, fired_ms: int) -> None:
        self._world.tradingview.fire(strategy, meant, body, fired_ms)

    def _do_again(self, back: int) -> None:
        alerts = self._world.tradingview.alerts
        if len(alerts) >= back:
            self._world.tradingview.again(len(alerts) - back)

    def _do_copies(self) -> None:
        """The queue shows a copy of whatever waits in it."""
        queues, url = self._world.aws.queues, self._world.aws.bell_url
        for body in queues.bodies(url):
            queues.send_message(QueueUrl=url, MessageBody=body)

    def _do_lose_bells(self) -> None:
        queues, url = self._world.aws.queues, self._world.aws.bell_url
        queues._queue(url, "ReceiveMessage").messages.clear()

    # ---- the panel

    def _do_press(self, press: Press) -> None:
        self._world.panel.press(press)

    def _do_poll(self, browser: int, seat: str) -> None:
        self._world.panel.poll(browser, seat)

    # ---- a restored table

    def _do_backup(self) -> None:
        self._world.back_up()

    def _do_restore(self) -> None:
        self._world.restore()

    def _do_recover(self) -> None:
        self._people.recover()

    # ---- weather

    def _do_weather(self, window: Window) -> None:
        self._world.weather.open(window)
        for kind in self._troubles_of(window):
            self._world.trouble.begin(kind, None)

    def _do_clears(self, window: Window) -> None:
        self._world.weather.close(window)
        for kind in self._troubles_of(window):
            self._world.trouble.over(kind)
            if kind == "killed":  # what was not delivered comes again after the visibility time-out, or with the minute
                self._world.trouble.begin(kind, 125_000)

    def _troubles_of(self, window: Window) -> list[str]:
        if window.fault in (Fault.KILL_AFTER, Fault.KILL_BEFORE, Fault.FREEZE):
            return []  # told when it strikes
        if window.functions == BROWSER:
            return []
        if window.functions and window.functions <= SOURCES:
            return ["killed"] if window.fault in (Fault.REFUSED, Fault.LOST, Fault.SLOW_BEFORE) else []
        kinds = []
        if not window.services or window.services & AWS:
            kinds.append("store")
        if not window.services or window.services - AWS:
            kinds.append("broker")
        return kinds

    def _do_outage(self, broker: str, how: Fault, for_ms: int) -> None:
        self._world.equipment.outages.until_ms[broker] = (self._world.hub.now + for_ms, how)
        self._world.trouble.begin("broker", for_ms)

    # ---- at the brokers

    def _do_price(self, symbol: str, price: Decimal) -> None:
        for core in self._cores_of(symbol):
            core.set_price(symbol, price)

    def _cores_of(self, symbol: str) -> list[Core]:
        shares_or_futures = symbol in ("MSFT", "AAPL", "GE", "MESZ26")
        return [self._world.cores["tradestation" if shares_or_futures else "tradelocker"]]

    def _do_hand(self, seat: str, symbol: str, deed: str, quantity: Decimal) -> None:
        """Somebody trades at the broker itself; what it refuses does not happen."""
        place = next(one for one in self._world.story.seats if one.name == seat)
        if self._cores_of(symbol)[0].name != place.broker:
            return
        try:
            if place.broker == "tradelocker":
                self._by_hand_at_tradelocker(place, symbol, deed, quantity)
            else:
                self._by_hand_at_tradestation(place, symbol, deed, quantity)
        except ControlError as refused:
            self._world.note(f"  refused: {refused}")

    def _by_hand_at_tradelocker(self, seat: Seat, symbol: str, deed: str, quantity: Decimal) -> None:
        core, book = self._world.cores["tradelocker"], self._world.accounts[seat.name]
        assert isinstance(book, TradeLockerBook)
        account = int(seat.account_id)
        if deed == "open":
            order = {"instrument": symbol, "side": "buy" if quantity > 0 else "sell", "qty": str(abs(quantity))}
            placed = core.control("trade", {"account": account, "open": order})
            book.by_hand.add(int(placed["orderId"]))
            return
        if deed == "close":
            held = [one for one in book.positions() if one.symbol == symbol]
            mine = [one for one in held if one.by_hand]
            for one in mine or held[:1]:
                closed = core.control("trade", {"account": account, "close": one.id})
                book.by_hand.add(int(closed["orderId"]))
            return
        for row in [row for row in book.rows() if row.working and row.symbol == symbol][:1]:
            core.control("trade", {"account": account, "cancel": row.id})

    def _by_hand_at_tradestation(self, seat: Seat, symbol: str, deed: str, quantity: Decimal) -> None:
        core, book = self._world.cores["tradestation"], self._world.accounts[seat.name]
        if deed == "open":
            held = sum((one.signed for one in book.positions() if one.symbol == symbol), Decimal(0))
            futures = seat.kind == "Futures"
            opens, closes = ("BUY", "BUYTOCOVER") if quantity > 0 else ("SELLSHORT", "SELL")
            action = ("BUY" if quantity > 0 else "SELL") if futures else (closes if held * quantity < 0 else opens)
            body = {"Symbol": symbol, "Quantity": str(abs(quantity)), "OrderType": "Market", "TradeAction": action}
            core.control("trade", {"account": seat.account_id, "order": body})
        elif deed == "close":
            core.control("trade", {"account": seat.account_id, "close": symbol, "cancel_exits": True})
        else:
            for row in [row for row in book.rows() if row.working and row.released and row.symbol == symbol][:1]:
                core.control("trade", {"account": seat.account_id, "cancel": row.id})

    def _do_late(self, symbol: str, ms: int) -> None:
        for core in self._cores_of(symbol):
            self._world.trouble.begin("hidden", ms + 1_000)
            if core.name == "tradelocker":
                core.control("freeze", {"ms": ms})
            else:
                core.control("script", {"match": {"symbol": symbol}, "times": 3, "late_history": {"ms": ms}})

    def _do_slow_fill(self, symbol: str, ms: int) -> None:
        self._script(symbol, {"behaviour": "fill_delay", "ms": ms}, {"fill_delay": {"ms": ms}})

    def _do_rejected(self, symbol: str, times: int) -> None:
        mine = {"behaviour": "reject_later", "times": times}
        self._script(symbol, mine, {"times": times, "reject_later": {"after_ms": 500}})

    def _do_stops_refused(self, symbol: str, times: int) -> None:
        self._world.trouble.begin("refused", 60_000)
        rule = {"behaviour": "bracket_refused", "leg": "both", "how": "later", "times": times, "on": "place"}
        theirs = {
            "match": {"type": "StopMarket"},
            "times": times,
            "reject_later": {"after_ms": 0, "reason": "no stops"},
        }
        self._script(symbol, rule, theirs)

    def _do_cancel_race(self, symbol: str, how: str) -> None:
        self._script(symbol, None, {"cancel_race": how})

    def _do_part(self, symbol: str, quantity: Decimal, then: str, times: int) -> None:
        mine = {"behaviour": "partial_fill", "qty": str(quantity), "times": times}
        if quantity % 1:
            self._script(symbol, mine, None)
        else:
            self._script(symbol, mine, {"times": times, "partial_fill": {"quantities": [str(quantity)], "then": then}})

    def _script(self, symbol: str, mine: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None) -> None:
        for core in self._cores_of(symbol):
            rule = mine if core.name == "tradelocker" else theirs
            if rule is not None:
                core.control(
                    "script",
                    rule if "match" in rule or core.name == "tradelocker" else {**rule, "match": {"symbol": symbol}},
                )

    def _do_session(self, symbol: str, state: str) -> None:
        for core in self._cores_of(symbol):
            if state == "closed":
                self._world.trouble.begin("closed", None)
            else:
                self._world.trouble.over("closed")
            words = {"closed": "CLOSED", "open": "FULLY_OPEN"} if core.name == "tradelocker" else {}
            core.control("session", {symbol: words.get(state, state)})

    def _do_token(self, broker: str) -> None:
        self._world.trouble.begin("token", 3_000)
        self._world.cores[broker].control("tokens", {"expire": "access"})

    # ---- the user's

    def _do_halt(self, scope: str, level: Any) -> None:
        if level == "all":
            self._world.trouble.begin("halted", None)
        Controls(self._world.aws.table, TABLE).halt(scope, level, "a story's", "story", self._world.hub.now)

    def _do_resume(self, scope: str) -> None:
        self._world.trouble.over("halted")
        Controls(self._world.aws.table, TABLE).resume(scope, "story", self._world.hub.now)

    def _do_settings(self, strategy: str, changed: Mapping[str, Any]) -> None:
        found = next(one for one in self._world.story.strategies if one.name == strategy)
        current = self._world.stored.settings_of(strategy)
        kept = {key: getattr(current, key) for key in {**found.settings, **changed}}
        self._world.stored.put_strategy(replace(found, settings=kept), current.version, **changed)

    # ---- the end

    def calm(self) -> None:
        """End every disturbance: from here on nothing goes wrong any more."""
        world = self._world
        world.note("* calm")
        world.weather.clear()
        world.equipment.outages.until_ms.clear()
        for kind in ("store", "broker", "closed", "halted"):
            world.trouble.over(kind)
        self._people.recover()
        controls = Controls(world.aws.table, TABLE)
        for switch in controls.all():
            controls.resume(switch.scope, "story", world.hub.now)
        for name, core in world.cores.items():
            core.control("script", {}, "DELETE")
            symbols = sorted({s.symbol for s in world.story.strategies if self._cores_of(s.symbol)[0] is core})
            if symbols:
                core.control("session", dict.fromkeys(symbols, "FULLY_OPEN" if name == "tradelocker" else "open"))
        self._fill_what_hangs()
        world.faults_ended_ms = world.hub.now
        world.changed()

    def _fill_what_hangs(self) -> None:
        """A market order that a script has filled in part, and that works on, gets its rest."""
        station, locker = self._world.cores["tradestation"], self._world.cores["tradelocker"]
        for order in list(station.app.book.orders.values()):
            order.behaviour.on_cancel = None
            if order.working and order.type == "Market" and order.remaining > 0:
                station.control("trade", {"account": order.account.id, "fill": order.id})
        for account in locker.app.simulator.book.accounts.values():
            for order in list(account.working.values()):
                order.plan.paused = False
        locker.changes += 1
        locker.advance()
