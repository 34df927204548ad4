"""What each function runs on and with."""

import tomllib

import pytest

from sandbox import places
from sandbox.local_aws.resources import BridgeResources
from sandbox.local_aws.template import Template
from tests.template.conftest import Resources, of_type

FUNCTIONS = [
    "AlertReceiverFunction",
    "BrokerApiFunction",
    "BrokerLoginFunction",
    "OrderExecutorFunction",
    "RefresherFunction",
]


def test_template_has_the_functions_whose_folders_stand(resources: Resources) -> None:
    assert sorted(of_type(resources, "AWS::Lambda::Function")) == FUNCTIONS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_runs_python_3_13_with_the_layer(resources: Resources, name: str) -> None:
    properties = resources[name]["Properties"]

    assert properties["Runtime"] == "python3.13"
    assert properties["Handler"] == "app.handler"
    (layer,) = properties["Layers"]
    assert layer["Ref"].startswith("OrderbridgeLayer")


def test_architecture_is_arm64_unless_said_otherwise(resources: Resources, written: Template) -> None:
    assert written["Parameters"]["Architecture"]["Default"] == "arm64"
    for name in FUNCTIONS:
        assert resources[name]["Properties"]["Architectures"] in ([{"Ref": "Architecture"}], ["arm64"])


def test_receiver_is_given_up_only_after_tradingview_gave_up(resources: Resources) -> None:
    # TradingView cancels after 3 s; an API Gateway time-out would be a 504, which it never resends.
    assert 3 <= resources["AlertReceiverFunction"]["Properties"]["Timeout"] <= 5


def test_refresher_ends_before_its_next_minute(resources: Resources) -> None:
    assert resources["RefresherFunction"]["Properties"]["Timeout"] < 60


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_logs_to_a_group_with_retention(resources: Resources, name: str) -> None:
    group = resources[name]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]

    assert resources[group]["Type"] == "AWS::Logs::LogGroup"
    assert resources[group]["Properties"]["RetentionInDays"] in ({"Ref": "LogRetentionDays"}, 90)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_has_the_variables_that_tests_give_it_too(resources: Resources, name: str) -> None:
    stand_in = BridgeResources("table", "bell", "dead", "topic", "orderbridge/x/", ())

    assert set(resources[name]["Properties"]["Environment"]["Variables"]) == set(stand_in.environment())


def test_no_variable_holds_a_secret(resources: Resources) -> None:
    for name in FUNCTIONS:
        variables = resources[name]["Properties"]["Environment"]["Variables"]
        assert variables["SECRET_PREFIX"] == {"Fn::Sub": "orderbridge/${AWS::StackName}/"}


def test_template_version_is_the_packages(written: Template) -> None:
    project = tomllib.loads((places.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert written["Outputs"]["TemplateVersion"]["Value"] == project["version"]


@pytest.mark.parametrize(
    "output",
    [
        "AlertApiUrl",
        "AlertApiId",
        "PanelApiUrl",
        "PanelApiId",
        "TableName",
        "BellQueueUrl",
        "DeadLetterQueueUrl",
        "TopicArn",
        "AlertReceiverFunctionName",
        "OrderExecutorFunctionName",
        "RefresherFunctionName",
        "SecretPrefix",
        "BrokerHosts",
    ],
)
def test_command_line_finds_what_it_needs_among_the_outputs(written: Template, output: str) -> None:
    assert output in written["Outputs"]
