"""A client of the panel in this process: sends requests through the gateway's events, and checks each answer's form."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tests.inprocess.bridge import InProcessBridge
from tests.inprocess.gateway import event_of
from tests.inprocess.starting import LOGIN, PASSWORD
from tests.panel.schema import check
from tests.panel.world import Reply

ORIGIN = "https://www.tradingview.com"


class Client:
    """Somebody's browser; another process of the panel's function than the bridge's own may answer it."""

    def __init__(self, bridge: InProcessBridge, token: str = "", process: Any = None) -> None:
        self.bridge = bridge
        self.token = token
        self.process = process

    def log_in(self, login: str = LOGIN, password: str = PASSWORD) -> None:
        """Log in as the password flow does."""
        form = {"login": login, "password": password, "locale": "en"}
        self.token = str(self.ask("POST", "/authorize", form).d["access_token"])

    def ask(
        self, method: str, path: str, form: Mapping[str, object] | None = None, *, strict: bool = True, **query: object
    ) -> Reply:
        """Send one request; `strict` checks the answer against the published description."""
        headers = {"origin": ORIGIN}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        if form is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        asked = urlencode({"locale": "en", **query})
        event = event_of(method, path, asked, headers, urlencode(form or {}).encode() or None)
        answer = self.bridge.ask_panel(event, self.process)
        content = json.loads(answer["body"]) if answer["body"] else None
        if strict:
            check(method, path, answer["statusCode"], content)
        sent = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
        return Reply(answer["statusCode"], content, sent)
