"""The alert receiver's log: one JSON object a line, and metrics in CloudWatch's embedded format (EMF).

Small on purpose: Powertools would cost a fifth of the receiver's cold start. Messages are constant texts; what varies
is in fields. An exception is told by its type and places, never by its text: that may repeat what was received.
"""

import json
import logging
import sys
import time
from collections.abc import Mapping
from typing import Any

NAMESPACE = "Orderbridge"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Format a record as one line of JSON: level, message, time and the record's own fields."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "level": record.levelname,
            "message": record.getMessage(),
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "service": self._service,
            "location": f"{record.module}:{record.lineno}",
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[0]:
            import traceback

            line["exception"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["places"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
        return json.dumps(line, default=str)


class _Stdout(logging.Handler):
    """Write to whatever standard output is at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stdout.write(self.format(record) + "\n")


def lean_logger(service: str, level: str) -> logging.Logger:
    """Make the logger of a function; the layer's own modules log through it too."""
    handler = _Stdout()
    handler.setFormatter(JsonLines(service))
    logger = logging.getLogger("orderbridge")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
    return logger


def write_metrics(
    stack: str, at_ms: int, counts: Mapping[str, int], milliseconds: Mapping[str, float], **about: str
) -> None:
    """Write one line of metrics. The stack is the one dimension: alarms match dimensions exactly."""
    units = [{"Name": name, "Unit": "Count"} for name in counts]
    units += [{"Name": name, "Unit": "Milliseconds"} for name in milliseconds]
    line = {
        "_aws": {
            "Timestamp": at_ms,
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [["Stack"]], "Metrics": units}],
        },
        "Stack": stack,
        **counts,
        **milliseconds,
        **about,
    }
    sys.stdout.write(json.dumps(line) + "\n")
