"""The sample alerts of `events/alerts/`: in which order they are fired, and how each must end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox import places

ALERTS = places.ROOT / "events" / "alerts"
LATE = timedelta(minutes=2)


@dataclass(frozen=True)
class Sample:
    """One alert of one strategy; `ends` are the ending and the reason code that it must have."""

    file: str
    strategy: str
    ends: tuple[str, str]
    answer: int = 202
    late: bool = False
    """It fired two minutes ago: what TradingView fills in for {{timenow}} says so."""

    @property
    def name(self) -> str:
        """How the table calls it."""
        return self.file.removesuffix(".json") + (" (again)" if self.answer == 200 else "")

    def body(self, now: datetime) -> bytes:
        """Give the message as TradingView sends it."""
        fired = now - LATE if self.late else now
        text = (ALERTS / self.file).read_text(encoding="utf-8")
        return text.replace("{{timenow}}", fired.strftime("%Y-%m-%dT%H:%M:%SZ")).encode()


MES, FX, SHARES = "orb-mes", "trend-eurusd", "both-aapl"

ROUNDS: tuple[tuple[Sample, ...], ...] = (
    (
        Sample("futures-buy-market-bracket.json", MES, ("ordered", "filled")),
        Sample("fx-buy-market-bracket.json", FX, ("ordered", "filled")),
    ),
    (
        Sample("futures-buy-market-bracket.json", MES, ("ordered", "filled"), answer=200),
        Sample("fx-partial-exit.json", FX, ("ordered", "closed")),
    ),
    (
        Sample("futures-partial-exit.json", MES, ("ordered", "closed")),
        Sample("fx-reverse-to-short.json", FX, ("ordered", "filled")),
    ),
    (
        Sample("futures-reverse-to-short.json", MES, ("ordered", "filled")),
        Sample("fx-exit.json", FX, ("ordered", "closed")),
    ),
    (
        Sample("futures-exit.json", MES, ("ordered", "closed")),
        Sample("fx-buy-limit-bracket.json", FX, ("ordered", "working")),
    ),
    (
        Sample("futures-stale.json", MES, ("expired", "entry_too_old"), late=True),
        Sample("fx-cancel.json", FX, ("ordered", "cancelled")),
        Sample("shares-buy-market-bracket.json", SHARES, ("ordered", "filled")),
    ),
    (
        Sample("futures-buy-limit-bracket.json", MES, ("ordered", "working")),
        Sample("fx-unfilled-placeholder.json", FX, ("refused", "unfilled_placeholder"), answer=400),
        Sample("shares-partial-exit.json", SHARES, ("ordered", "closed")),
    ),
)
"""The alerts of a round are fired at the same moment; the next round begins when all of them have ended."""


def curl_examples(strategy: str) -> list[str]:
    """Give the files that can be sent to a strategy as they are."""
    files = [sample.file for sample in all_samples() if sample.strategy == strategy and not sample.late]
    return list(dict.fromkeys(files))


def all_samples(rounds: Sequence[Sequence[Sample]] = ROUNDS) -> list[Sample]:
    """Give every sample, in order."""
    return [sample for one in rounds for sample in one]
