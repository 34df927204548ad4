"""The login function's handler: pages for people, token endpoints for TradingView's servers."""

import os
from typing import Any

from orderbridge.broker_api.gateway import BadRequestError, read_request
from orderbridge.broker_api.login.endpoint import json_answer
from orderbridge.broker_api.login.routes import LoginRoutes, failed
from orderbridge.observe import logger_for
from orderbridge.panel import Panel, PanelEnvironment

logger = logger_for("broker-login")
routes: LoginRoutes | None = None


def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Answer one request of the gateway. Query and body are never logged: they hold codes, tokens and passwords."""
    try:
        request = read_request(event)
    except BadRequestError as error:
        return json_answer(400, {"error": "invalid_request", "error_description": str(error)}).event()
    global routes
    try:
        routes = routes or Panel(PanelEnvironment.read(os.environ)).login_routes()
        answer = routes.answer(request)
    except Exception:
        logger.exception("the request was not answered as planned", extra={"path": request.path})
        answer = failed(request, routes.origins if routes else ())
    about = {"method": request.method, "path": request.path, "status": answer.status}
    logger.info("answered", extra=about)
    return answer.event()
