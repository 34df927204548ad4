"""The panel's API: open to browsers, its preflights answered by the functions, nothing secret written down."""

import json
from typing import Any

from tests.template.conftest import Resources, of_type

LOGIN_ROUTES = {
    "/oauth/{proxy+}": {"get", "post", "options"},
    "/authorize/token": {"post", "options"},
}


def _body(resources: Resources) -> dict[str, Any]:
    body: dict[str, Any] = resources["PanelApi"]["Properties"]["Body"]
    return body


def _stage(resources: Resources) -> dict[str, Any]:
    stages = of_type(resources, "AWS::ApiGateway::Stage").values()
    (stage,) = [stage for stage in stages if stage["Properties"]["RestApiId"] == {"Ref": "PanelApi"}]
    properties: dict[str, Any] = stage["Properties"]
    return properties


def test_login_routes_lead_to_the_login_function(resources: Resources) -> None:
    paths = _body(resources)["paths"]

    for path, methods in LOGIN_ROUTES.items():
        assert set(paths[path]) == methods
        for method in methods:
            uri = paths[path][method]["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            assert "${BrokerLoginFunction.Arn}" in uri


def test_every_other_route_leads_to_the_panels_function(resources: Resources) -> None:
    methods = _body(resources)["paths"]["/{proxy+}"]

    assert set(methods) == {"get", "post", "put", "delete", "options"}
    for method in methods.values():
        assert "${BrokerApiFunction.Arn}" in method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]


def test_preflights_are_answered_by_functions(resources: Resources) -> None:
    for methods in _body(resources)["paths"].values():
        assert methods["options"]["x-amazon-apigateway-integration"]["type"] == "aws_proxy"


def test_browsers_are_not_shut_out_by_address(resources: Resources) -> None:
    assert "x-amazon-apigateway-policy" not in _body(resources)


def test_errors_of_the_gateway_echo_the_origin(resources: Resources) -> None:
    responses = _body(resources)["x-amazon-apigateway-gateway-responses"]

    for kind in ("DEFAULT_4XX", "DEFAULT_5XX"):
        parameters = responses[kind]["responseParameters"]
        assert parameters["gatewayresponse.header.Access-Control-Allow-Origin"] == "method.request.header.Origin"
        assert parameters["gatewayresponse.header.Vary"] == "'Origin'"


def test_access_log_holds_no_query_and_nothing_else_logs_requests(resources: Resources) -> None:
    stage = _stage(resources)
    line = json.loads(stage["AccessLogSetting"]["Format"])

    assert line["resource"] == "$context.resourcePath"
    assert not {"$context.path", "$context.requestOverride.querystring"} & set(line.values())
    (settings,) = stage["MethodSettings"]
    assert (settings["LoggingLevel"], settings["DataTraceEnabled"]) == ("OFF", False)
    assert not stage.get("TracingEnabled")


def test_throttles_are_above_ten_browsers(resources: Resources) -> None:
    (settings,) = _stage(resources)["MethodSettings"]

    assert settings["ThrottlingRateLimit"] >= 100


def test_functions_answer_before_the_gateway_gives_up(resources: Resources) -> None:
    for name in ("BrokerApiFunction", "BrokerLoginFunction"):
        assert resources[name]["Properties"]["Timeout"] < 29


def test_own_domain_is_made_only_when_named(resources: Resources) -> None:
    assert resources["PanelDomain"]["Condition"] == "HasPanelDomain"
    assert resources["PanelDomainMapping"]["Condition"] == "HasPanelDomain"
    assert resources["PanelDomainRecord"]["Condition"] == "HasPanelHostedZone"
