"""The panel's handler: TradingView's browsers and servers call it; what it answers is decided in `broker_api`."""

import json
import os
from typing import Any

from orderbridge.broker_api.answers import error
from orderbridge.broker_api.cors import cors_headers
from orderbridge.broker_api.gateway import BadRequestError, origin_of, read_request
from orderbridge.observe import logger_for
from orderbridge.panel import Panel, PanelEnvironment
from orderbridge.panel_stage import PanelProcess
from orderbridge.wiring import Bridge, Environment

RESERVE_S = 1.0
"""What is kept back of the function's time to answer in."""

logger = logger_for("broker-api")
environment = PanelEnvironment.read(os.environ)
process = PanelProcess(Bridge(Environment.read(os.environ)), Panel(environment))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request of the gateway. Query and body are never logged: they hold tokens and passwords."""
    try:
        request = read_request(event)
    except BadRequestError as problem:
        headers = cors_headers(origin_of(event), environment.origins)
        return error(f"The request cannot be read: {problem}.").with_headers(headers).event()
    seconds = max(1.0, context.get_remaining_time_in_millis() / 1000 - RESERVE_S)
    deadline = process.deadline(seconds)
    try:
        answer = process.api.answer(request, deadline)
    except Exception:
        logger.exception("the request was not answered as planned", extra={"path": request.path})
        answer = process.api.failed(request)
    told = json.loads(answer.body).get("s", "ok") if answer.body else ""
    about = {"method": request.method, "path": request.path, "status": answer.status, "s": told}
    logger.info("answered", extra={**about, "took_ms": round((seconds - deadline.remaining()) * 1000, 1)})
    return answer.event()
