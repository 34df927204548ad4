"""What the table keeps of jobs and alerts, as values.

    job:  QUEUED -> WORKING -> one of `Ending`          (WORKING again after a crash; `attempts` counts the starts)
"""

from dataclasses import dataclass, field
from typing import Literal

from orderbridge.alerts.alert import Alert
from orderbridge.strategy.goal import Ending

JobStatus = Literal["QUEUED", "WORKING"] | Ending


@dataclass(frozen=True, slots=True)
class Job:
    """One alert at one account."""

    job_id: str
    """`alert_id.account`: a pure function, so that storing it again changes nothing."""
    alert_id: str
    strategy: str
    account: str
    lane: str
    root: str
    accepted_at_ms: int
    alert: Alert
    settings_version: int = 0
    replay_of: str = ""
    """The job that a person asked to run again."""
    origin: Literal["alert", "panel", "care"] = "alert"
    phases: dict[str, int] = field(default_factory=dict)
    """Moments in epoch ms: `received`, `stored`; the executor adds `started`, `planned`, `sent`,
    `answered` and `ended`."""
