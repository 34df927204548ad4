"""The HTTP server, faults and journal that the simulated brokers share."""

from sandbox.simserver.app import (
    App,
    ControlError,
    Controllable,
    WordsError200,
    WordsRateLimit,
    WordsUnauthorized,
)
from sandbox.simserver.clock import Clock, ManualClock, SystemClock
from sandbox.simserver.faults import Fault, FaultKind, FaultScript
from sandbox.simserver.inprocess import (
    Broken,
    ConnectionRefusedFault,
    Delivery,
    InProcess,
    NoReply,
    ReplyLost,
    ResetBefore,
)
from sandbox.simserver.journal import Entry, Journal
from sandbox.simserver.messages import Request, Response, UnreadableBodyError
from sandbox.simserver.server import Server, serve

__all__ = [
    "App",
    "Broken",
    "Clock",
    "ConnectionRefusedFault",
    "ControlError",
    "Controllable",
    "Delivery",
    "Entry",
    "Fault",
    "FaultKind",
    "FaultScript",
    "InProcess",
    "Journal",
    "ManualClock",
    "NoReply",
    "ReplyLost",
    "Request",
    "ResetBefore",
    "Response",
    "Server",
    "SystemClock",
    "UnreadableBodyError",
    "WordsError200",
    "WordsRateLimit",
    "WordsUnauthorized",
    "serve",
]
