"""Make a deployed stack ready to trade with the `orderbridge` command, as a user would: connect, apply, keys."""

import json
import string
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import processes
from sandbox.demo.brokers import SimulatedBroker
from sandbox.local_aws import LocalAws, Stack

ORDERBRIDGE = Path(sys.executable).parent / "orderbridge"
SETTINGS = Path(__file__).parent / "settings.yaml"
STRATEGIES = ("orb-mes", "trend-eurusd", "both-aapl")
COMMAND_WITHIN_S = 90.0
REDIRECT_URI = "http://localhost:3000"
"""One of the addresses that TradeStation lets every API key use; nothing has to listen there."""
SCOPE = "openid offline_access profile MarketData ReadAccount Trade"


@dataclass(frozen=True)
class CommandLine:
    """The project's `orderbridge` command, pointed at one run's stack."""

    aws: LocalAws
    stack: Stack
    folder: Path

    def environment(self) -> dict[str, str]:
        """Give what the command needs of its environment."""
        return self.aws.environment() | {"ORDERBRIDGE_STACK": self.stack.name}

    def run(self, *arguments: str | Path, **secrets: str) -> dict[str, Any]:
        """Run one command with `--json` and give what it prints; `secrets` are further variables.

        Raises `StartError` when it fails.
        """
        child = processes.start(
            "-".join(["orderbridge", *map(str, arguments[:2])]).replace("/", "_"),
            [ORDERBRIDGE, *arguments, "--json"],
            environment=self.environment() | secrets,
            folder=self.folder / "logs",
            cwd=self.folder,
        )
        printed: dict[str, Any] = json.loads(processes.finish(child, COMMAND_WITHIN_S))
        return printed


def connect(command: CommandLine, tradestation: SimulatedBroker, tradelocker: SimulatedBroker) -> None:
    """Sign in at both simulated brokers. Raises `StartError`."""
    with ThreadPoolExecutor(2) as pool:
        signing_in = [
            pool.submit(_connect_tradestation, command, tradestation),
            pool.submit(_connect_tradelocker, command, tradelocker),
        ]
        for one in signing_in:
            one.result()


def apply(command: CommandLine, tradestation: SimulatedBroker, tradelocker: SimulatedBroker) -> Path:
    """Write the run's settings file and apply it; give the file. Raises `StartError`."""
    file = command.folder / "orderbridge.yaml"
    addresses = {
        "tradestation_url": tradestation.base_url,
        "tradestation_auth_url": str(tradestation.described["auth_url"]),
        "tradelocker_url": tradelocker.base_url,
    }
    file.write_text(string.Template(SETTINGS.read_text(encoding="utf-8")).substitute(addresses), encoding="utf-8")
    command.run("apply", file, "--yes")
    return file


def make_keys(command: CommandLine, strategies: Sequence[str] = STRATEGIES) -> dict[str, str]:
    """Make each strategy's webhook key. Raises `StartError`."""
    return {strategy: str(command.run("keys", "new", strategy)["key"]) for strategy in strategies}


def _connect_tradestation(command: CommandLine, broker: SimulatedBroker) -> None:
    described = broker.described
    command.run(
        "connect",
        "tradestation",
        "--client-id",
        str(described["client_id"]),
        "--code",
        _sign_in(described),
        "--redirect-uri",
        REDIRECT_URI,
        "--base-url",
        broker.base_url,
        "--auth-url",
        str(described["auth_url"]),
        TRADESTATION_CLIENT_SECRET=str(described["client_secret"]),
    )


def _connect_tradelocker(command: CommandLine, broker: SimulatedBroker) -> None:
    login: Mapping[str, str] = broker.described["login"]
    command.run(
        "connect",
        "tradelocker",
        "--email",
        login["email"],
        "--server",
        login["server"],
        "--base-url",
        broker.base_url,
        TRADELOCKER_PASSWORD=login["password"],
    )


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect to the caller."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _sign_in(described: Mapping[str, Any]) -> str:
    """Do what a person does on TradeStation's page, and give the code that the browser is sent back with."""
    user = described["users"][0]
    form = {
        "response_type": "code",
        "client_id": described["client_id"],
        "audience": "https://api.tradestation.com",
        "redirect_uri": REDIRECT_URI,
        "scope": SCOPE,
        "username": user["username"],
        "password": user["password"],
    }
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _StayHere)
    page = f"{described['auth_url']}/authorize"
    try:
        opener.open(page, data=urllib.parse.urlencode(form).encode(), timeout=10)
    except urllib.error.HTTPError as answer:
        sent_to = urllib.parse.urlsplit(answer.headers.get("Location", ""))
        code = urllib.parse.parse_qs(sent_to.query).get("code", [""])[0]
        if code:
            return code
    raise processes.StartError("the simulated TradeStation did not sign its test user in")


def environment_file(command: CommandLine) -> Path:
    """Write what a shell must export so that the `orderbridge` command works on this run; give the file."""
    wanted = {name: value for name, value in command.environment().items() if name.startswith(("AWS_", "ORDERBRIDGE_"))}
    file = command.folder / "environment"
    file.write_text("".join(f"export {name}={value}\n" for name, value in wanted.items()), encoding="utf-8")
    return file


def open_markets(tradelocker: SimulatedBroker) -> None:
    """Open the markets that the samples trade, whatever day it is; the simulated TradeStation's never close."""
    tradelocker.control("session", {"EURUSD": "FULLY_OPEN", "AAPL": "FULLY_OPEN"})

