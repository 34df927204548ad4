"""What holds for every body that is posted to the alert endpoint. Raises `AssertionError`."""

import json
from typing import Any

from orderbridge import codec
from orderbridge.alerts.alert import Alert
from tests.fuzz.oracle import check
from tests.fuzz.site import Site

MOST_OF_AN_ITEM = 100_000
"""Bytes; DynamoDB takes 400 KB, and the text of the body is part of its alert."""


def post_one(site: Site, raw: bytes, strategy: str = "demo", **arguments: Any) -> tuple[int, dict[str, Any]]:
    """Post a body to an empty table; give status and content of the answer."""
    site.fresh()
    answer = site.post(raw, strategy=strategy, **arguments)
    content = answer.content
    assert answer.status in (202, 400), f"{answer.status} for the sake of a body"
    stored = site.alert(content["alert_id"])
    assert stored["status"] == content["status"]
    assert all(len(json.dumps(item)) <= MOST_OF_AN_ITEM for item in site.table.items.values())
    jobs = site.jobs()
    assert bool(jobs) == (answer.status == 202), "jobs without an accepted alert, or none of one"
    if answer.status == 400:
        assert content["code"]
        assert content["message"]
        assert content["hint"]
    for job in jobs:
        read: Alert = codec.load(Alert, job["alert"])
        check(raw, read, own_symbol="MSFT" if strategy == "own" else "")
    return answer.status, content
