"""The bridge's own dialect: a JSON object with the field's de-facto names (`vocabulary.py`). Pure.

| message | read as |
|---|---|
| action buy or sell, no position | that side |
| action buy or sell, resulting position flat | exit of the side that such an order closes |
| action buy or sell, resulting position long or short | that target, in the direction of the action |
| action exit, exit_long, exit_short | exit; of `quantity` where one is said, else of all |
| no action, resulting and previous position | the side that leads from one to the other; flat is an exit |
| action add, cancel | that |
"""

import re
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum

from orderbridge.alerts.alert import Action, Alert, Refusal, Target
from orderbridge.alerts.dialect import Context
from orderbridge.alerts.exits import read_exit, tell_passed_over
from orderbridge.alerts.message import MAX_NOTES, Message, Problem, described
from orderbridge.alerts.orders import read_stop_loss, read_take_profit, read_terms
from orderbridge.alerts.positions import movement, read_target
from orderbridge.alerts.quantities import read_quantity, read_quantity_type
from orderbridge.alerts.reading import Body, Value, same, shown
from orderbridge.alerts.times import moment
from orderbridge.alerts.vocabulary import Field, known, may_name_a_symbol, nearest
from orderbridge.model import Direction, Duration, Side


class _Word(StrEnum):
    """What `action` may say."""

    BUY = "buy"
    SELL = "sell"
    ADD = "add"
    EXIT = "exit"
    EXIT_LONG = "exit_long"
    EXIT_SHORT = "exit_short"
    CANCEL = "cancel"


_WORDS = {word.value: word for word in _Word}
_SIDES = {side.value: side for side in Side}
_NAMED = {_Word.EXIT: None, _Word.EXIT_LONG: Direction.LONG, _Word.EXIT_SHORT: Direction.SHORT}
_DURATIONS = {word: Duration(word) for word in ("day", "gtc", "opg", "cls", "ioc", "fok")}
_SYMBOL = re.compile(r"[A-Za-z0-9@$^.][A-Za-z0-9 ._!/@$^&+\-=]{0,47}")
_EXCHANGE = re.compile(r"[A-Za-z0-9_]{0,32}")
_OPTION = re.compile(r"^[A-Za-z.]{1,6} *\d{6}[CP]\d+(?:\.\d+)?$", re.ASCII)
_NOTHING = (None, "", False, 0)
_REFERENCE_PRICES = ("signalPrice", "price", "order_price", "close")
_NO_SYMBOLS = ("NaN", "Infinity", "-Infinity")
"""What a series without a value is written as; the stock NAN is written in capitals."""
_MAX_HINTS = 20
"""A near name is looked for in so many unknown fields: it is costly, and only the first problem is answered."""
_WITHOUT_VALUE = frozenset({"not_a_number", "empty_value"})


class Native:
    """The native dialect."""

    name = "native"

    def recognises(self, body: Body) -> bool:
        return body.fields is not None

    def read(self, body: Body, context: Context) -> Alert | Refusal:
        """Read a native message. The first thing that is wrong with it refuses it, unless it is an exit."""
        return _Reading(body, context).alert()


class _Reading:
    """The reading of one message."""

    def __init__(self, body: Body, context: Context) -> None:
        self.context = context
        self.notes: list[str] = []
        self.problems: list[Problem] = []
        self.perhaps_symbol = ""
        """A field that is not known and may name what is traded."""
        self.message = self._gather(body)

    def alert(self) -> Alert | Refusal:
        word = self._word()
        side = self.message.choice("order_action", _SIDES)
        target = read_target(self.message)
        action = self._action(word, side, target)
        alert = self._common(action or Action.NONE, target)
        hard = self.problems
        if action is Action.EXIT:
            order_side = Side(word) if word in (_Word.BUY, _Word.SELL) else side
            alert, hard, notes = read_exit(self.message, alert, order_side, _NAMED.get(word) if word else None)
            self.notes += notes
        elif action is Action.CANCEL:
            tell_passed_over(self.message, self.notes, "quantity", "orderType", "takeProfit", "stopLoss")
        else:
            alert = self._entry(alert)
        for problem in hard:
            return problem.refusal
        return replace(alert, notes=tuple(self.notes[:MAX_NOTES]))

    # ---- what is asked

    def _word(self) -> _Word | None:
        """Read `action`. Moving a stop is known and not supported: it must not look as if it had been done."""
        value = self.message.value("action")
        if isinstance(value, str) and value.strip().lower() == "breakeven":
            text = "The action breakeven is not supported: no stop was moved."
            self.message.problem("not_supported", "action", text, "Move the stop at the broker.")
            return None
        return self.message.choice("action", _WORDS)

    def _action(self, word: _Word | None, side: Side | None, target: Target | None) -> Action | None:
        """Tell what the message asks for; None when that is not clear, and then a problem says so."""
        ends_flat = target is not None and target.direction is Direction.FLAT
        if word in (_Word.ADD, _Word.CANCEL):
            if word is _Word.ADD and ends_flat:
                self._contradict("action", "the resulting position, which is flat")
            return Action(word)
        if word in _NAMED:
            return Action.EXIT
        said = Side(word) if word else None
        if said is not None and side is not None and said is not side:
            self._contradict("order_action", self.message.name("action"))
        if ends_flat and not self._asks_to_move_a_stop():
            return Action.EXIT
        said = said or side or self._implied(target)
        if said is None:
            self._tell_no_action()
            return None
        if movement(target) not in (None, said.sign):
            self._contradict("action" if word else "order_action", "the previous and the resulting position")
        return Action(said.value)

    def _asks_to_move_a_stop(self) -> bool:
        return any(problem.field == "action" and problem.refusal.code == "not_supported" for problem in self.problems)

    def _implied(self, target: Target | None) -> Side | None:
        """Give the side that leads from the previous to the resulting position, for a message without an action."""
        moved = None if self.message.has("action") else movement(target)
        return None if moved is None else Side.BUY if moved > 0 else Side.SELL

    def _tell_no_action(self) -> None:
        if not self.message.has("action") and not self.message.has("order_action"):
            hint = 'Add "action": "{{strategy.order.action}}", or buy, sell, exit, cancel or add.'
            self.message.problem("missing_field", "action", "The message says no action.", hint)

    # ---- what every alert says

    def _common(self, action: Action, target: Target | None) -> Alert:
        exchange, symbol = self._symbol()
        alert = Alert(
            action=action,
            symbol=symbol,
            exchange=exchange,
            target=target,
            price=self._price(),
            time_in_force=self.message.choice("timeInForce", _DURATIONS),
            interval=self.message.text("interval"),
            order_id=self.message.text("id") or self.message.text("order_id"),
            comment=self.message.text("comment") or self.message.text("order_comment"),
            test=self.message.flag("test") or False,
        )
        return self._timed(alert)

    def _symbol(self) -> tuple[str, str]:
        """Give exchange and symbol as in the message."""
        said = self.message.text("exchange").upper()
        word = self.message.word("ticker")
        if word is None:
            if not self.message.has("ticker"):
                self._check_that_no_symbol_is_said()
            return said, ""
        prefix, _, symbol = (part.strip() for part in word.rpartition(":"))
        if _OPTION.match(symbol):
            self.message.problem("not_supported", "ticker", f"{symbol} is an option.", "Options are not traded.")
        elif not _SYMBOL.fullmatch(symbol) or symbol in _NO_SYMBOLS or not _EXCHANGE.fullmatch(prefix):
            text = f"{self.message.name('ticker')} is {described(word)}, which is no single symbol."
            self.message.problem("not_understood", "ticker", text, 'Use "{{ticker}}" on the chart of one symbol.')
        return self._exchange(prefix.upper(), said), symbol

    def _check_that_no_symbol_is_said(self) -> None:
        """Let the strategy's own symbol stand in only where the message cannot mean another one."""
        hint = 'Add "ticker": "{{ticker}}".'
        if not self.context.symbol:
            self.message.problem("missing_field", "ticker", "The message names no symbol.", hint)
        elif self.perhaps_symbol:
            text = f"The message has no ticker, and {described(self.perhaps_symbol)} may name another symbol."
            self.message.problem("missing_field", "ticker", text, hint)

    def _exchange(self, prefix: str, said: str) -> str:
        """Give the exchange; one that ends in _DL or _DLY says that the chart is delayed."""
        if prefix and said and _undelayed(prefix) != _undelayed(said):
            self._contradict("exchange", self.message.name("ticker"))
        return max(prefix, said, key=len)

    def _price(self) -> Decimal | None:
        """Give the signal's price, a reference only: one without a value is told and passed over."""
        for field in _REFERENCE_PRICES:
            since = len(self.problems)
            price = self.message.number(field)
            if price is not None:
                return price
            if len(self.problems) > since and self.problems[-1].refusal.code in _WITHOUT_VALUE:
                self.notes.append(f"Passed over: {self.problems.pop().refusal.message}")
        return None

    def _timed(self, alert: Alert) -> Alert:
        """Add the fire time; or the bar's time, which is never used for the age."""
        field = "timenow" if self.message.has("timenow") else "time"
        value = self.message.value(field)
        said = value if isinstance(value, Decimal) else self.message.word(field)
        if said is None:
            return alert
        name = self.message.name(field)
        read = moment(said, alert.interval, self.context.received_at_ms, is_timenow=field == "timenow")
        if read is None:
            text = f"{name} is {described(said)}, which is no time."
            self.message.problem("not_a_time", field, text, 'Use "time": "{{timenow}}".')
            return alert
        if not read.reason:
            return replace(alert, fired_at_ms=read.at_ms)
        self.notes.append(f"{name} is not used for the alert's age, which counts from its arrival: {read.reason}.")
        return replace(alert, bar_time_ms=read.at_ms)

    # ---- entries

    def _entry(self, alert: Alert) -> Alert:
        terms = read_terms(self.message)
        if self.message.flag("cancel"):
            hint = 'Send "action": "cancel" as an alert of its own.'
            self.message.problem("not_supported", "cancel", "Cancelling before an entry is not supported.", hint)
        read_quantity_type(self.message)
        return replace(
            alert,
            quantity=read_quantity(self.message),
            order_type=terms.order_type,
            limit_price=terms.limit_price,
            stop_price=terms.stop_price,
            trail_amount=terms.trail_amount,
            trail_percent=terms.trail_percent,
            take_profit=read_take_profit(self.message),
            stop_loss=read_stop_loss(self.message),
            extended_hours=self.message.flag("extendedHours") or False,
        )

    # ---- gathering

    def _gather(self, body: Body) -> Message:
        """Sort the fields by their canonical names; note what is unknown, unsupported or told twice."""
        fields: dict[str, tuple[str, Value]] = {}
        message = Message(fields, self.problems)
        for name, value in (body.fields or {}).items():
            field = known(name)
            if field is None:
                close = nearest(name) if len(self.problems) < _MAX_HINTS else ""
                hint = f"Did you mean {close}?" if close else 'Put what is only for you into "extras": {...}.'
                message.problem("unknown_field", name, f"The field {described(name)} is not known.", hint)
                if may_name_a_symbol(name) or isinstance(value, (dict, list)):
                    self.perhaps_symbol = name
            elif field.use != "act":
                self._take_note(message, field, name, value)
            elif field.name in fields and not same(fields[field.name][1], value):
                text = f"{shown(name)} and {message.name(field.name)} are one field with different values."
                message.problem("repeated_field", field.name, text, "Send it once.")
            else:
                fields[field.name] = (name, value)
        for name in body.repeated:
            field = known(name)
            text = f"{shown(name)} is in the message twice with different values."
            message.problem("repeated_field", field.name if field else name, text, "Send it once.")
        for name in body.repeated_inside:
            text = f"{shown(name)} is in one object twice with different values."
            self.problems.append(Problem("", Refusal("repeated_field", shown(name), text, "Send it once.")))
        return message

    def _take_note(self, message: Message, field: Field, name: str, value: Value) -> None:
        if field.use == "refuse" and value not in _NOTHING:
            text = f"{shown(name)} is not supported: {field.reason}."
            message.problem("not_supported", name, text, "Take the field out.")
        if field.use == "know" and _holds_placeholder(value):
            self.notes.append(f"{shown(name)} still holds a placeholder; it is information only.")

    def _contradict(self, field: str, other: str) -> None:
        text = f"{self.message.name(field)} contradicts {other}."
        self.message.problem("contradiction", field, text, "Send fields that agree, or only one of them.")


def _undelayed(exchange: str) -> str:
    return exchange.removesuffix("_DLY").removesuffix("_DL")


def _holds_placeholder(value: Value) -> bool:
    if isinstance(value, dict):
        return any(_holds_placeholder(each) for each in value.values())
    if isinstance(value, list):
        return any(_holds_placeholder(each) for each in value)
    return isinstance(value, str) and "{{" in value
