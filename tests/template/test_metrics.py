"""What the functions write is what the alarms watch."""

import json

import pytest
from aws_lambda_powertools.metrics import MetricUnit

from orderbridge.observe import metric
from tests.template.conftest import Resources, of_type

OWN = ["RefreshRefused", "TokenAgeSeconds", "UnknownCommands"]


@pytest.mark.parametrize("name", OWN)
def test_metric_has_the_namespace_and_dimensions_of_its_alarm(
    resources: Resources, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECRET_PREFIX", "orderbridge/my-stack/")
    alarms = [alarm["Properties"] for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values()]
    (alarm,) = [properties for properties in alarms if properties["MetricName"] == name]

    metric(name, 3, MetricUnit.Count, connection="demo")

    written = json.loads(capsys.readouterr().out)
    (declared,) = written["_aws"]["CloudWatchMetrics"]
    assert declared["Namespace"] == alarm["Namespace"]
    assert declared["Dimensions"] == [[dimension["Name"] for dimension in alarm["Dimensions"]]]
    assert alarm["Dimensions"] == [{"Name": "Stack", "Value": {"Ref": "AWS::StackName"}}]
    assert written["Stack"] == "my-stack"
    assert written["connection"] == "demo"
