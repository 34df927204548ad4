"""Somebody is told of what goes wrong."""

from tests.template.conftest import Resources, of_type

WATCHED = {
    ("AWS/ApiGateway", "4XXError"),
    ("AWS/ApiGateway", "5XXError"),
    ("AWS/Lambda", "Duration"),
    ("AWS/Lambda", "Errors"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ("Orderbridge", "RefreshRefused"),
    ("Orderbridge", "TokenAgeSeconds"),
    ("Orderbridge", "UnknownCommands"),
}


def test_each_trouble_has_an_alarm(resources: Resources) -> None:
    alarms = [alarm["Properties"] for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values()]

    watched = {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms if isinstance(alarm["MetricName"], str)}

    assert watched == WATCHED


def test_each_alarm_is_sent_to_the_topic_and_says_what_it_means(resources: Resources) -> None:
    for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values():
        assert alarm["Properties"]["AlarmActions"] == [{"Ref": "NoticesTopic"}]
        assert alarm["Properties"]["AlarmDescription"].endswith((".", '".'))


def test_each_function_has_an_alarm_on_errors(resources: Resources) -> None:
    alarms = [alarm["Properties"] for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values()]

    watched = {
        alarm["Dimensions"][0]["Value"]["Ref"]
        for alarm in alarms
        if (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    }

    assert watched == set(of_type(resources, "AWS::Lambda::Function"))


def test_slow_receiver_is_told_before_tradingview_gives_up(resources: Resources) -> None:
    alarm = resources["ReceiverSlowAlarm"]["Properties"]

    assert (alarm["MetricName"], alarm["Statistic"]) == ("Duration", "Maximum")
    assert alarm["Threshold"] <= 2000


def test_refused_sender_is_counted_from_the_access_log(resources: Resources) -> None:
    counter = resources["AlertSourceRefusals"]["Properties"]
    alarm = resources["AlertSourceRefusedAlarm"]["Properties"]

    (metric,) = counter["MetricTransformations"]
    assert counter["FilterPattern"] == '{ $.status = "403" }'
    assert (metric["MetricNamespace"], metric["MetricName"]) == (alarm["Namespace"], alarm["MetricName"])
