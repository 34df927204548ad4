"""Generated requests: schemathesis over the document of one account, in this process."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import schemathesis
from schemathesis.engine import events, from_schema

from tests.inprocess.gateway import WsgiGateway
from tests.inprocess.seats import Seat
from tests.openapi import checks
from tests.openapi.browser import TOKEN, Browser
from tests.openapi.document import contract

DOCUMENT = "/openapi.json"
SEED = 20261121
MOST_SHOWN = 20


class Findings:
    """What a run found, by operation and check."""

    def __init__(self) -> None:
        self.cases = 0
        self.failures: dict[tuple[str, str], list[str]] = {}
        self.errors: list[str] = []

    def note(self, event: events.EngineEvent) -> None:
        """Take from an event of schemathesis what was wrong."""
        if isinstance(event, events.ScenarioFinished):
            self.cases += len(event.recorder.cases)
            for checked in event.recorder.checks.values():
                for check in checked:
                    if check.failure_info is not None:
                        failure = check.failure_info
                        told = f"{failure.failure.title}: {failure.failure.message}\n{failure.code_sample}"
                        self.failures.setdefault((event.recorder.label, check.name), []).append(told)
        elif isinstance(event, events.NonFatalError):
            self.errors.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            self.errors.append(repr(event.exception))

    def sentences(self) -> list[str]:
        """Give what is wrong, one finding for each operation and check."""
        found = [f"{label}, {name} ({len(told)} times)\n{told[0]}" for (label, name), told in self.failures.items()]
        return [*self.errors, *found][:MOST_SHOWN]


def generate(seat: Seat, examples: int) -> tuple[Browser, Findings]:
    """Send generated requests for an account, `examples` of each operation beside the listed and the boundary ones."""
    browser, findings = Browser(seat), Findings()
    schema = schemathesis.openapi.from_wsgi(DOCUMENT, _app(browser, contract(seat)), config=_config(examples))
    for event in from_schema(schema).execute():
        findings.note(event)
    return browser, findings


def _config(examples: int) -> schemathesis.Config:
    return schemathesis.Config.from_dict(
        {
            "seed": SEED,
            "workers": 1,
            "continue-on-failure": True,
            "cache": {"enabled": False},
            "headers": {"Authorization": f"Bearer {TOKEN}"},
            "generation": {
                "mode": "all",
                "max-examples": examples,
                "deterministic": True,
                "no-shrink": True,
                "with-security-parameters": False,
            },
            "checks": {name: {"enabled": False} for name in checks.REPLACED},
        }
    )


def _app(browser: Browser, document: Mapping[str, Any]) -> Callable[..., Iterable[bytes]]:
    gateway, text = WsgiGateway(browser.handle), json.dumps(document).encode()

    def app(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != DOCUMENT:
            return gateway(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [text]

    return app
