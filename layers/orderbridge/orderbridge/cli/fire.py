"""`orderbridge fire`: send an alert by the user's AWS identity, to the function that TradingView's alerts reach."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from orderbridge.cli.running import FOUND, JsonOption, Run, StackOption, running
from orderbridge.cli.stack import aws_call
from orderbridge.errors import SettingsError, StorageError
from orderbridge.storage.items import Item
from orderbridge.storage.overview import Overview

PAUSE_S = 0.5
GOOD = frozenset({"ordered", "no_action", "duplicate"})
"""Endings that are no reason to look further."""


def fire(
    context: typer.Context,
    strategy: Annotated[str, typer.Argument(help="The strategy's name.")],
    file: Annotated[Path, typer.Argument(help="The alert's message; - reads standard input.")],
    test: Annotated[bool, typer.Option("--test", help="Go through everything but the order itself.")] = False,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for the ending.")] = 30.0,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Send an alert as TradingView would, and say how it ended. {{timenow}} in the message becomes the present time."""
    with running(context, stack, as_json) as run:
        body = _message(run, file)
        status, receipt = _invoke(run, {"fire": {"strategy": strategy, "body": body, "test": test}})
        alert_id = str(receipt.get("alert_id", ""))
        alert = _ending(run, alert_id, wait) if status in (200, 202) and alert_id else None
        ending = str(alert["status"]) if alert else str(receipt.get("status", ""))
        sentence = str(alert.get("sentence", "")) if alert else str(receipt.get("message", ""))
        run.out.say(f"HTTP {status}, alert {alert_id or '-'}: {ending}", "bold")
        for line in (sentence, str(receipt.get("hint", "")), *map(str, receipt.get("notes", []))):
            if line:
                run.out.say(line)
        run.out.result({"status": status, "receipt": receipt, "ending": ending, "sentence": sentence})
        if ending not in GOOD:
            raise typer.Exit(FOUND)


def _message(run: Run, file: Path) -> str:
    try:
        text = sys.stdin.read() if str(file) == "-" else (run.world.folder / file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{file} cannot be read") from None
    now = datetime.fromtimestamp(run.now_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return text.replace("{{timenow}}", now)


def _invoke(run: Run, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Call the receiver. Raises `StorageError` when it cannot be called or fails."""
    if not run.stack.receiver_function:
        raise StorageError("the stack does not name its alert receiver; deploy it again")
    reply = aws_call(
        run.world.client("lambda").invoke,
        FunctionName=run.stack.receiver_function,
        Payload=json.dumps(event).encode(),
    )
    answer = json.loads(reply["Payload"].read())
    if reply.get("FunctionError") or not isinstance(answer, dict) or "statusCode" not in answer:
        raise StorageError("the alert receiver failed; its log says why")
    return int(answer["statusCode"]), json.loads(answer["body"])


def _ending(run: Run, alert_id: str, seconds: float) -> Item | None:
    """Wait until every job of the alert has ended; give the alert as it is then, or at the end of the time."""
    overview = Overview(run.world.client("dynamodb"), run.table)
    ends_at_ms = run.now_ms + int(seconds * 1000)
    while True:
        alert = overview.alert(alert_id)
        if alert is None or alert["status"] != "accepted" or run.now_ms >= ends_at_ms:
            return alert
        run.world.sleep(PAUSE_S)
