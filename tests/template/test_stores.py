"""The table, the queues, the schedule."""

from tests.template.conftest import Resources, of_type


def test_table_survives_the_stack(resources: Resources) -> None:
    table = resources["BridgeTable"]

    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_table_is_paid_by_request_and_forgets_by_expires_at(resources: Resources) -> None:
    properties = resources["BridgeTable"]["Properties"]

    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_table_has_the_keys_that_storage_writes(resources: Resources) -> None:
    properties = resources["BridgeTable"]["Properties"]
    (index,) = properties["GlobalSecondaryIndexes"]

    assert [key["AttributeName"] for key in properties["KeySchema"]] == ["pk", "sk"]
    assert index["IndexName"] == "open"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["gpk", "gsk"]
    assert index["Projection"] == {"ProjectionType": "ALL"}


def test_queues_are_encrypted(resources: Resources) -> None:
    for queue in of_type(resources, "AWS::SQS::Queue").values():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True


def test_bell_is_hidden_longer_than_the_executor_works(resources: Resources) -> None:
    hidden_s = resources["BellQueue"]["Properties"]["VisibilityTimeout"]

    assert hidden_s >= 2 * resources["OrderExecutorFunction"]["Properties"]["Timeout"]


def test_bell_that_fails_again_and_again_ends_among_the_dead_letters(resources: Resources) -> None:
    redrive = resources["BellQueue"]["Properties"]["RedrivePolicy"]

    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["BellDeadLetterQueue", "Arn"]}
    assert 3 <= redrive["maxReceiveCount"] <= 10


def test_dead_letters_outlive_the_bells(resources: Resources) -> None:
    bell, dead = (resources[name]["Properties"] for name in ("BellQueue", "BellDeadLetterQueue"))

    assert dead["MessageRetentionPeriod"] > bell["MessageRetentionPeriod"]


def test_executor_takes_one_bell_at_a_time_and_reports_it_alone(resources: Resources) -> None:
    (mapping,) = of_type(resources, "AWS::Lambda::EventSourceMapping").values()
    properties = mapping["Properties"]

    assert properties["EventSourceArn"] == {"Fn::GetAtt": ["BellQueue", "Arn"]}
    assert properties["BatchSize"] == 1
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert "MaximumConcurrency" in properties["ScalingConfig"]


def test_refresher_runs_each_minute_and_never_late(resources: Resources) -> None:
    (schedule,) = of_type(resources, "AWS::Scheduler::Schedule").values()
    properties = schedule["Properties"]

    assert properties["ScheduleExpression"] == "rate(1 minute)"
    retry = properties["Target"]["RetryPolicy"]
    assert retry["MaximumRetryAttempts"] <= 1
    assert retry["MaximumEventAgeInSeconds"] <= 120
    assert properties["Target"]["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["ScheduleDeadLetterQueue", "Arn"]}}


def test_two_stacks_have_two_schedules(resources: Resources) -> None:
    (schedule,) = of_type(resources, "AWS::Scheduler::Schedule").values()

    assert schedule["Properties"]["Name"] == {"Fn::Sub": "${AWS::StackName}-refresher"}


def test_failed_refresh_is_not_run_again_on_its_own(resources: Resources) -> None:
    (config,) = of_type(resources, "AWS::Lambda::EventInvokeConfig").values()

    assert config["Properties"]["MaximumRetryAttempts"] == 0
