"""Least privilege, read from the transformed template; tests/fidelity holds the same on the local AWS."""

from typing import Any

import pytest

from tests.template.conftest import Resources, of_type


def _statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    policies = role["Properties"].get("Policies", [])
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def _actions(role: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for statement in _statements(role):
        action = statement["Action"]
        found |= {action} if isinstance(action, str) else set(action)
    return found


def test_each_function_has_a_role_of_its_own(resources: Resources) -> None:
    functions = of_type(resources, "AWS::Lambda::Function").values()

    roles = [function["Properties"]["Role"]["Fn::GetAtt"][0] for function in functions]

    assert sorted(roles) == [
        "AlertReceiverRole",
        "BrokerApiRole",
        "BrokerLoginRole",
        "OrderExecutorRole",
        "RefresherRole",
    ]


def test_no_policy_names_a_wildcard_action_or_every_resource(resources: Resources) -> None:
    for role in of_type(resources, "AWS::IAM::Role").values():
        assert [action for action in _actions(role) if "*" in action] == []
        assert [statement for statement in _statements(role) if statement["Resource"] in ("*", ["*"])] == []


def test_only_the_gateways_log_role_uses_a_managed_policy(resources: Resources) -> None:
    roles = of_type(resources, "AWS::IAM::Role")

    assert [name for name, role in roles.items() if "ManagedPolicyArns" in role["Properties"]] == ["ApiLogsRole"]


@pytest.mark.parametrize("role", ["OrderExecutorRole", "RefresherRole"])
def test_logins_are_reached_by_this_stacks_prefix_alone(resources: Resources, role: str) -> None:
    (statement,) = [entry for entry in _statements(resources[role]) if entry["Sid"] == "UseBrokerLogins"]

    assert statement["Resource"]["Fn::Sub"].endswith(":secret:orderbridge/${AWS::StackName}/*")


def test_receiver_reaches_no_login_and_reads_no_more_than_one_item(resources: Resources) -> None:
    assert _actions(resources["AlertReceiverRole"]) == {
        "dynamodb:ConditionCheckItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:SendMessage",
    }


def test_login_function_reads_no_brokers_login(resources: Resources) -> None:
    statements = {entry["Sid"]: entry for entry in _statements(resources["BrokerLoginRole"])}

    read, write = statements["ReadTheLoginPagesKey"], statements["KeepUsersOwnLogins"]
    assert read["Resource"]["Fn::Sub"].endswith(":secret:orderbridge/${AWS::StackName}/panel/*")
    assert write["Resource"]["Fn::Sub"].endswith(":secret:orderbridge/${AWS::StackName}/connections/user.*")
    assert "secretsmanager:GetSecretValue" not in write["Action"]


def test_panel_function_reads_brokers_logins_alone(resources: Resources) -> None:
    (statement,) = [entry for entry in _statements(resources["BrokerApiRole"]) if entry["Sid"] == "UseBrokerLogins"]

    assert statement["Resource"]["Fn::Sub"].endswith(":secret:orderbridge/${AWS::StackName}/connections/*")


def test_schedule_is_trusted_for_this_account_alone(resources: Resources) -> None:
    (trust,) = resources["ScheduleRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
