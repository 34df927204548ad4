"""AWS's list prices that the bridge's parts are charged by, in US dollars. Check yours: prices change, regions differ.

As they stood in November 2026 in us-east-1 and us-west-2, where they are the same; no free tier is deducted.
"""

from dataclasses import dataclass, fields
from decimal import Decimal

MILLION = Decimal(1_000_000)
MONTH_MINUTES = 43_800
"""365 / 12 days."""

AS_OF = "November 2026, us-east-1 and us-west-2, free tiers not deducted"
GATEWAY_REQUEST = Decimal("3.50") / MILLION
"""REST API."""
LAMBDA_REQUEST = Decimal("0.20") / MILLION
LAMBDA_GB_SECOND = Decimal("0.0000133334")
"""arm64."""
SQS_REQUEST = Decimal("0.40") / MILLION
READ_UNIT = Decimal("0.125") / MILLION
"""DynamoDB on demand."""
WRITE_UNIT = Decimal("0.625") / MILLION
TABLE_GB_MONTH = Decimal("0.25") + Decimal("0.20")
"""Storage and point-in-time recovery."""
SECRET_MONTH = Decimal("0.40")
SECRET_CALL = Decimal("0.05") / 10_000
SCHEDULE = Decimal("1.00") / MILLION
ALARM_MONTH = Decimal("0.10")
METRIC_MONTH = Decimal("0.30")
"""A custom metric, for the hours in which it is written."""
LOG_GB = Decimal("0.50") + Decimal("0.03") * 3
"""Taking in, and keeping for the 90 days of the template's default."""
MAIL = Decimal("2.00") / 100_000
GIGABYTE = Decimal(1024**3)


@dataclass(frozen=True)
class Usage:
    """What something uses."""

    gateway_requests: Decimal = Decimal(0)
    lambda_requests: Decimal = Decimal(0)
    gb_seconds: Decimal = Decimal(0)
    sqs_requests: Decimal = Decimal(0)
    read_units: Decimal = Decimal(0)
    write_units: Decimal = Decimal(0)
    secret_calls: Decimal = Decimal(0)
    log_bytes: Decimal = Decimal(0)
    stored_bytes_months: Decimal = Decimal(0)

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in _FIELDS})

    def __mul__(self, times: Decimal | int) -> "Usage":
        return Usage(**{name: getattr(self, name) * times for name in _FIELDS})

    def costs(self) -> dict[str, Decimal]:
        """Give the price of each part."""
        return {
            "API Gateway": self.gateway_requests * GATEWAY_REQUEST,
            "Lambda": self.lambda_requests * LAMBDA_REQUEST + self.gb_seconds * LAMBDA_GB_SECOND,
            "SQS": self.sqs_requests * SQS_REQUEST,
            "DynamoDB": self.read_units * READ_UNIT
            + self.write_units * WRITE_UNIT
            + self.stored_bytes_months / GIGABYTE * TABLE_GB_MONTH,
            "Secrets Manager": self.secret_calls * SECRET_CALL,
            "CloudWatch": self.log_bytes / GIGABYTE * LOG_GB,
        }

    @property
    def cost(self) -> Decimal:
        """The price of all of it."""
        return sum(self.costs().values(), Decimal(0))


_FIELDS = tuple(field.name for field in fields(Usage))
