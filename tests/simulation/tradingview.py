"""TradingView and the gateway before the receiver: one alert, its deliveries, and the rule by which it is sent again.

The rule (TradingView's help, solution 43000735201): an answer of 500 to 599 other than 504 brings the same bytes again
5 s later, three times at most. A request that takes longer than 3 s is dropped and never sent again.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from tests.simulation.hub import Hub
from tests.simulation.invariants.evidence import Delivery, FiredAlert, Meant
from tests.simulation.lambdas import Function
from tests.simulation.weather import Fault, Weather

PATIENCE_MS = 3_000
AGAIN_MS = 5_000
MOST = 4
SOURCES = ("52.89.214.238", "34.212.75.30", "54.218.53.128", "52.32.178.7")


class TradingView:
    """Fires alerts and remembers what became of each delivery."""

    def __init__(
        self,
        hub: Hub,
        receiver: Function,
        weather: Weather,
        dice: Random,
        note: Callable[[str], None],
        key_of: Callable[[str], str],
    ) -> None:
        self._hub = hub
        self._receiver = receiver
        self._weather = weather
        self._dice = dice
        self._note = note
        self._key_of = key_of
        self.alerts: list[FiredAlert] = []

    def fire(self, strategy: str, meant: Meant, body: bytes, fired_at_ms: int) -> None:
        """Fire an alert now; its first delivery goes out at once."""
        self.alerts.append(FiredAlert(strategy, meant, body, fired_at_ms, over=False))
        self._deliver(len(self.alerts) - 1, 1)

    def again(self, number: int) -> None:
        """Deliver a fired alert's bytes once more, as a copy on the way or a person's replay would."""
        self._send(number, MOST)

    def _deliver(self, number: int, count: int) -> None:
        fate = self._weather.fate(self._dice, "tradingview", "tradingview", "api", "deliver")
        fault = None if fate is None else fate.fault
        if fault is Fault.REFUSED:
            self._hub.after(PATIENCE_MS, lambda: self._answered(number, count, self._hub.now - PATIENCE_MS, None, ""))
            return
        if fault is Fault.CONFLICT:  # the request arrives twice, almost at once
            self._send(number, MOST)
        delay_ms = 0 if fate is None or fault is not Fault.SLOW_BEFORE else fate.ms
        self._hub.after(delay_ms, lambda: self._send(number, count, lost=fault in (Fault.LOST, Fault.RESET)))

    def _send(self, number: int, count: int, *, lost: bool = False) -> None:
        sent_ms = self._hub.now
        alert = self.alerts[number]
        open_ = [True]

        def give_up() -> None:
            if open_[0]:
                open_[0] = False
                self._answered(number, count, sent_ms, None, "")

        def answered(result: Any) -> None:
            if open_[0] and not lost:
                open_[0] = False
                status = 502 if result is None else int(result["statusCode"])
                self._answered(number, count, sent_ms, status, _alert_id(result))

        self._hub.after(PATIENCE_MS, give_up)
        event = _event(alert, self._key_of(alert.strategy), SOURCES[self._dice.randrange(len(SOURCES))])
        travel_ms = self._dice.randint(20, 60)
        back = lambda result: self._hub.after(self._dice.randint(20, 60), lambda: answered(result))  # noqa: E731
        self._hub.after(travel_ms, lambda: self._receiver.invoke(event, back))

    def _answered(self, number: int, count: int, sent_ms: int, status: int | None, alert_id: str) -> None:
        alert = self.alerts[number]
        delivery = Delivery(sent_ms, status, alert_id)
        resend = status is not None and 500 <= status < 600 and status != 504 and count < MOST
        self.alerts[number] = replace(alert, deliveries=(*alert.deliveries, delivery), over=alert.over or not resend)
        self._note(f"alert {number} answered {status or 'nothing'} {alert_id}")
        if resend:
            self._hub.after(AGAIN_MS, lambda: self._deliver(number, count + 1))


def _event(alert: FiredAlert, key: str, source: str) -> dict[str, Any]:
    """Give the gateway's event, as `events/api-gateway-alert.json` has it, as far as the receiver reads it."""
    return {
        "resource": "/alerts/{strategy}/{key}",
        "path": f"/alerts/{alert.strategy}/{key}",
        "httpMethod": "POST",
        "headers": {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "Go-http-client/1.1"},
        "pathParameters": {"strategy": alert.strategy, "key": key},
        "requestContext": {"identity": {"sourceIp": source}},
        "body": alert.body.decode(),
        "isBase64Encoded": False,
    }


def _alert_id(result: Any) -> str:
    if result is None:
        return ""
    text = str(result.get("body", ""))
    start = text.find('"alert_id"')
    return text[start:].split('"')[3] if start >= 0 else ""
