"""The endpoint as a whole: whatever is posted, never a 5xx; and jobs only of what was accepted and stands there."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orderbridge import codec
from orderbridge.alerts.alert import Alert
from tests.fuzz.bodies import MESSAGES, bodies
from tests.fuzz.endpoint import post_one
from tests.fuzz.oracle import check
from tests.fuzz.site import KEY, Site, running

some = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Site]:
    """Give one endpoint for many deliveries; each starts with an empty table."""
    with running() as made:
        yield made


@some
@given(bodies(), st.sampled_from(["demo", "own"]))
def test_no_job_comes_from_garbage(endpoint: Site, raw: bytes, strategy: str) -> None:
    post_one(endpoint, raw, strategy)


@some
@given(
    bodies(),
    st.sampled_from(["application/json", "text/plain; charset=utf-8", "application/octet-stream", "", "nonsense"]),
)
def test_content_type_and_base64_make_no_difference(endpoint: Site, raw: bytes, content_type: str) -> None:
    plain = post_one(endpoint, raw)
    other = post_one(
        endpoint, raw, as_base64=True, headers={"Content-Type": content_type, "X-Forwarded-For": "1.2.3.4"}
    )

    assert _without_id(plain) == _without_id(other)


@some
@given(bodies())
def test_same_body_again_is_never_a_second_job(endpoint: Site, raw: bytes) -> None:
    endpoint.fresh()
    first = endpoint.post(raw)
    before = len(endpoint.jobs())
    endpoint.pass_time(5)

    again = endpoint.post(raw)

    assert again.status == (200 if first.status == 202 else 400)
    assert again.text == first.text
    assert len(endpoint.jobs()) == before


@some
@given(
    st.text(max_size=80), st.text(max_size=80), st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3)
)
def test_no_name_key_header_or_query_opens_the_door(
    endpoint: Site, strategy: str, key: str, others: dict[str, str]
) -> None:
    endpoint.fresh()
    raw = json.dumps(MESSAGES[1]).encode()

    for one in (
        endpoint.post(raw, strategy=strategy, headers=others, query=others),
        endpoint.post(raw, key=key, headers=others, query=others),
        endpoint.post(raw, key=KEY + "\n", query={"key": KEY, "strategy": "demo"}),
        endpoint.post(raw, strategy="demo\n", headers={"Authorization": KEY}),
    ):
        assert one.status == 401
    assert not endpoint.items("ALERT#")


@pytest.mark.parametrize("size", [256, 100_000, 1_000_000])
def test_strategy_and_key_of_any_length_are_turned_away(site: Site, size: int) -> None:
    raw = b'{"ticker": "MSFT", "action": "buy"}'

    assert site.post(raw, strategy="d" * size).status == 401
    assert site.post(raw, key="k" * size).status == 401
    assert site.post(raw, query={"a" * size: "b" * size}, headers={"x" * size: "y" * size}).status == 202


SHAPES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just(KEY), st.just("demo")),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=8), inner, max_size=2)),
    max_leaves=4,
)


@some
@given(
    st.dictionaries(
        st.sampled_from(["pathParameters", "requestContext", "body", "isBase64Encoded", "headers", "fire"]),
        st.one_of(
            SHAPES,
            st.fixed_dictionaries(
                {}, optional={"strategy": SHAPES, "key": SHAPES, "identity": SHAPES, "body": SHAPES, "test": SHAPES}
            ),
        ),
    )
)
def test_event_of_any_shape_is_answered_and_trades_nothing(endpoint: Site, event: dict[str, Any]) -> None:
    endpoint.fresh()

    assert endpoint.deliver(event).status in (400, 401, 403)  # 400: `fire` with a body that is none
    assert not endpoint.jobs()


def _without_id(answer: tuple[int, dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    return answer[0], {name: value for name, value in answer[1].items() if name != "alert_id"}


def test_wrong_job_is_noticed(site: Site) -> None:
    raw = b'{"ticker": "MSFT", "action": "buy", "quantity": 1}'
    site.post(raw)
    read: Alert = codec.load(Alert, site.jobs()[0]["alert"])
    check(raw, read)

    with pytest.raises(AssertionError, match="quantity"):
        check(raw, replace(read, quantity=None))
