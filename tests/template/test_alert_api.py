"""The alert API: who may call it, how often, and what is written down of it."""

import json
from typing import Any

from sandbox.local_aws.template import Template
from tests.template.conftest import Resources, of_type

# From TradingView's help page "How to configure webhook alerts".
TRADINGVIEW = ["52.89.214.238", "34.212.75.30", "54.218.53.128", "52.32.178.7"]
ONE_PATH = "/alerts/{strategy}/{key}"


def _body(resources: Resources) -> dict[str, Any]:
    body: dict[str, Any] = resources["AlertApi"]["Properties"]["Body"]
    return body


def _stage(resources: Resources) -> dict[str, Any]:
    stages = of_type(resources, "AWS::ApiGateway::Stage").values()
    (stage,) = [stage for stage in stages if stage["Properties"]["RestApiId"] == {"Ref": "AlertApi"}]
    properties: dict[str, Any] = stage["Properties"]
    return properties


def _evaluate(value: Any, template: Template, parameters: dict[str, str]) -> Any:
    """Evaluate the functions that the address list is made with, as CloudFormation does."""
    match value:
        case {"Fn::If": [condition, yes, no]}:
            chosen = _holds(template["Conditions"][condition], parameters)
            return _evaluate(yes if chosen else no, template, parameters)
        case {"Fn::Split": [separator, text]}:
            return _evaluate(text, template, parameters).split(separator)
        case {"Fn::Join": [separator, parts]}:
            return separator.join(_evaluate(part, template, parameters) for part in parts)
        case {"Fn::FindInMap": [name, first, second]}:
            return template["Mappings"][name][first][second]
        case {"Ref": name}:
            return parameters[name]
        case _:
            return value


def _holds(condition: Any, parameters: dict[str, str]) -> bool:
    match condition:
        case {"Fn::Equals": [{"Ref": name}, text]}:
            return parameters[name] == str(text)
        case {"Fn::Not": [inner]}:
            return not _holds(inner, parameters)
        case _:
            raise AssertionError(f"condition {condition} is not known here")


def _sources(written: Template, check: str, extra: str) -> tuple[list[str], str]:
    """Give the addresses that the gateway lets in, and those that the function does."""
    parameters = {"AlertSourceCheck": check, "ExtraAlertSources": extra}
    (statement,) = written["Resources"]["AlertApi"]["Properties"]["Auth"]["ResourcePolicy"]["CustomStatements"]
    gateway = _evaluate(statement["Condition"]["IpAddress"]["aws:SourceIp"], written, parameters)
    variables = written["Globals"]["Function"]["Environment"]["Variables"]
    return gateway, _evaluate(variables["ALERT_SOURCES"], written, parameters)


def test_api_has_the_one_route(resources: Resources) -> None:
    paths = _body(resources)["paths"]

    assert {path: list(methods) for path, methods in paths.items()} == {ONE_PATH: ["post"]}


def test_sources_are_tradingviews_alone_unless_said_otherwise(written: Template) -> None:
    gateway, function = _sources(written, "on", "")

    assert gateway == TRADINGVIEW
    assert function == ",".join(TRADINGVIEW)


def test_extra_sources_are_let_in_beside_tradingviews(written: Template) -> None:
    gateway, function = _sources(written, "on", "203.0.113.7,198.51.100.0/24")

    assert gateway == [*TRADINGVIEW, "203.0.113.7", "198.51.100.0/24"]
    assert function == ",".join(gateway)


def test_check_that_is_off_lets_everybody_in(written: Template) -> None:
    gateway, function = _sources(written, "off", "")

    assert gateway == ["0.0.0.0/0"]
    assert function == "*"


def test_check_of_sources_is_on_by_default(written: Template) -> None:
    parameters = written["Parameters"]

    assert parameters["AlertSourceCheck"]["Default"] == "on"
    assert parameters["ExtraAlertSources"]["Default"] == ""


def test_resource_policy_allows_by_address_only(resources: Resources) -> None:
    (statement,) = _body(resources)["x-amazon-apigateway-policy"]["Statement"]

    assert statement["Effect"] == "Allow"
    assert list(statement["Condition"]) == ["IpAddress"]


def test_changed_parameter_is_deployed(written: Template) -> None:
    assert written["Resources"]["AlertApi"]["Properties"]["AlwaysDeploy"] is True


def test_throttles_are_far_above_a_burst(resources: Resources) -> None:
    (settings,) = _stage(resources)["MethodSettings"]

    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert settings["ThrottlingBurstLimit"] >= 1000
    assert settings["ThrottlingRateLimit"] >= 500


def test_access_log_holds_no_key(resources: Resources) -> None:
    line = json.loads(_stage(resources)["AccessLogSetting"]["Format"])

    holding_the_path = {"$context.path", "$context.customDomain.basePathMatched", "$context.requestOverride.path"}
    assert not holding_the_path & set(line.values())
    assert line["resource"] == "$context.resourcePath"
    assert line["status"] == "$context.status"


def test_nothing_else_writes_the_path_down(resources: Resources) -> None:
    stage = _stage(resources)

    (settings,) = stage["MethodSettings"]
    assert (settings["LoggingLevel"], settings["DataTraceEnabled"]) == ("OFF", False)
    assert not stage.get("TracingEnabled")


def test_access_log_is_kept_for_a_time(resources: Resources) -> None:
    group = _stage(resources)["AccessLogSetting"]["DestinationArn"]["Fn::GetAtt"][0]

    assert "RetentionInDays" in resources[group]["Properties"]


def test_own_domain_is_made_only_when_named(resources: Resources) -> None:
    assert resources["AlertDomain"]["Condition"] == "HasDomain"
    assert resources["AlertDomainMapping"]["Condition"] == "HasDomain"
    assert resources["AlertDomainRecord"]["Condition"] == "HasHostedZone"
