"""Whatever is delivered, the answer is a 2xx or a 4xx, it is stored, and garbage is no job."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.alerts.test_any_bytes import MESSAGES
from tests.unit.receiver.kit import KEY, TRADINGVIEW, fake_bench

LEAFS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=30))
EVENTS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "pathParameters": st.one_of(LEAFS, st.fixed_dictionaries({}, optional={"strategy": LEAFS, "key": LEAFS})),
        "requestContext": st.one_of(LEAFS, st.fixed_dictionaries({"identity": st.one_of(LEAFS, st.just({}))})),
        "body": st.one_of(LEAFS, st.text(max_size=100)),
        "isBase64Encoded": LEAFS,
        "fire": st.one_of(LEAFS, st.fixed_dictionaries({}, optional={"strategy": LEAFS, "body": LEAFS})),
    },
)
few = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@given(st.lists(st.one_of(st.binary(max_size=200), MESSAGES), max_size=4))
def test_any_body_is_answered_and_only_understood_ones_become_jobs(bodies: list[Any]) -> None:
    with fake_bench() as bench:
        accepted: set[str] = set()
        for body in bodies:
            raw = body.decode("latin-1") if isinstance(body, bytes) else json.dumps(body)

            status, answer = bench.send(raw)

            assert status in (200, 202, 400)
            assert answer["alert_id"]
            if status == 202:
                accepted.add(answer["alert_id"])
        assert {str(job["sk"]).split("#")[2] for job in bench.jobs()} == {f"{each}.sim" for each in accepted}


@few
@given(EVENTS)
def test_any_event_without_the_key_is_turned_away(event: dict[str, Any]) -> None:
    with fake_bench() as bench:
        status, _ = bench.deliver(event)

        assert status in (401, 403)
        assert bench.items("ALERT#") == []


def test_whole_event_with_the_key_is_taken() -> None:
    event = {
        "pathParameters": {"strategy": "demo", "key": KEY},
        "requestContext": {"identity": {"sourceIp": TRADINGVIEW}},
        "body": '{"ticker": "MSFT", "action": "buy"}',
    }

    with fake_bench() as bench:
        assert bench.deliver(event)[0] == 202
