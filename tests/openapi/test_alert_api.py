"""The alert API as it is published (`docs/alert-api.openapi.json`) and as it is: its route, fields, codes, answers."""

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
import schemathesis
from schemathesis.engine import events, from_schema

from orderbridge import codec
from orderbridge.alerts.alert import Alert
from orderbridge.alerts.receipt import FORBIDDEN, SHOWN, UNAVAILABLE
from orderbridge.alerts.vocabulary import FIELDS
from sandbox.local_aws.template import load
from tests.fuzz.oracle import check
from tests.fuzz.site import KEY, PATH, Site, running
from tests.unit.alerts.kit import read_text

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "alert-api.openapi.json"
EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "20"))
SEED = 20261121
PHASES = ("examples", "coverage", "fuzzing")
WRONG_KEY = "a-key-of-somebody-else"
REPLACED = ("negative_data_rejection", "positive_data_acceptance", "unsupported_method", "ignored_auth")
"""An exit is taken whatever is wrong with it, and fields of a right form may contradict: the oracle judges both."""


@cache
def document() -> Any:
    return json.loads(DOCUMENT.read_text(encoding="utf-8"))


def operation() -> Any:
    return document()["paths"][PATH]["post"]


def schemas() -> Any:
    return document()["components"]["schemas"]


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as made:
        yield made


# ---- the document and the project


def test_document_has_the_templates_routes_and_no_other() -> None:
    routes = {
        (event["Properties"]["Path"], event["Properties"]["Method"].lower())
        for resource in load()["Resources"].values()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "Api" and event["Properties"]["RestApiId"] == {"Ref": "AlertApi"}
    }

    assert {(path, method) for path, methods in document()["paths"].items() for method in methods} == routes


def test_document_has_the_reader_s_fields_and_no_other() -> None:
    named = set(schemas()["Message"]["properties"])

    assert named == {field.name for field in FIELDS.values()} | {"symbol"}


def test_document_has_the_codes_that_are_explained() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    table = page[page.index("| code | the message") : page.index("## Inside")]

    assert set(schemas()["Refusal"]["properties"]["code"]["enum"]) == set(re.findall(r"`(\w+)`", table))


def test_document_shows_what_the_receipt_shows() -> None:
    assert set(schemas()["Read"]["properties"]) == set(SHOWN)


def test_documents_examples_are_of_its_form_and_are_understood() -> None:
    content = operation()["requestBody"]["content"]["application/json"]
    for example in content["examples"].values():
        _validate(example["value"], "Message")
        assert isinstance(read_text(json.dumps(example["value"])), Alert)


@pytest.mark.parametrize(("answer", "status"), [(FORBIDDEN, "403"), (UNAVAILABLE, "503")])
def test_answer_that_no_request_here_brings_about_is_as_published(answer: Any, status: str) -> None:
    response = answer.response()
    published = operation()["responses"][status]

    assert str(response["statusCode"]) == status
    _validate(json.loads(response["body"]), "Rejection")
    for name, header in published["headers"].items():
        assert response["headers"][name] == header["schema"]["const"]


def test_foreign_address_is_answered_as_published(site: Site) -> None:
    answer = site.post(b"{}", source="203.0.113.9")

    assert answer.status == 403
    _validate(answer.content, "Rejection")


# ---- generated requests


class Posts:
    """The endpoint as a WSGI application; it looks at each request and answer itself too."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.statuses: Counter[int] = Counter()
        self.codes: Counter[str] = Counter()
        self.wrong: list[str] = []

    def __call__(self, environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = urlsplit(str(environ["REQUEST_URI"])).path
        if path == "/openapi.json":
            start("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(_seeded()).encode()]
        _, _, strategy, key = path.split("/", 3)
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {"Content-Type": str(environ.get("CONTENT_TYPE", ""))}
        answer = self._site.post(raw, strategy=unquote(strategy), key=unquote(key), headers=headers)
        self.statuses[answer.status] += 1
        self._look(raw, unquote(strategy), unquote(key), answer.status, answer.content)
        start(f"{answer.status} -", list(answer.headers.items()))
        return [answer.text.encode()]

    def _look(self, raw: bytes, strategy: str, key: str, status: int, content: Mapping[str, Any]) -> None:
        """Judge what the schema cannot: who may send, and that nothing is traded that was not said."""
        if (status == 401) != (key != KEY or strategy not in ("demo", "own")):
            self.wrong.append(f"{strategy} was answered {status}")
        if status == 400:
            self.codes[content["code"]] += 1
        for job in self._site.jobs() if status == 202 else ():
            if job["alert_id"] == content["alert_id"]:
                read: Alert = codec.load(Alert, job["alert"])
                try:
                    check(raw, read, "MSFT" if strategy == "own" else "")
                except AssertionError as error:
                    self.wrong.append(f"{error}: {raw!r}")


@pytest.fixture
def posts(site: Site) -> Posts:
    return Posts(site)


def test_generated_requests_are_answered_as_published(posts: Posts) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", posts, config=_config())
    failures: list[str] = []

    for event in from_schema(schema).execute():
        failures += _failures(event)

    assert not failures, "\n\n".join(failures[:10])
    assert not posts.wrong, "\n".join(posts.wrong[:10])
    assert set(posts.statuses) == {200, 202, 400, 401}
    assert len(posts.codes) >= 5, posts.codes


def test_answer_that_is_not_as_published_is_noticed(posts: Posts, monkeypatch: pytest.MonkeyPatch) -> None:
    post = posts._site.post

    def without_a_hint(raw: bytes, **arguments: Any) -> Any:
        answer = post(raw, **arguments)
        shorter = {name: value for name, value in answer.content.items() if name != "hint"}
        return type(answer)(answer.status, answer.headers, json.dumps(shorter))

    monkeypatch.setattr(posts._site, "post", without_a_hint)
    schema = schemathesis.openapi.from_wsgi("/openapi.json", posts, config=_config(12, ["fuzzing"]))

    assert any("hint" in failure for event in from_schema(schema).execute() for failure in _failures(event))


def _failures(event: events.EngineEvent) -> list[str]:
    if isinstance(event, events.ScenarioFinished):
        checked = [each for checks in event.recorder.checks.values() for each in checks]
        infos = [each.failure_info for each in checked if each.failure_info is not None]
        return [f"{info.failure.title}: {info.failure.message}\n{info.code_sample}" for info in infos]
    if isinstance(event, events.NonFatalError):
        return [f"{event.label}: {event.value!r}"]
    return [repr(event.exception)] if isinstance(event, events.FatalError) else []


def _seeded() -> Any:
    """Give the document with names and keys that there are, and some that there are not."""
    seeded = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    seeded["servers"] = [{"url": "/"}]
    strategy, key = seeded["paths"][PATH]["post"]["parameters"]
    strategy["schema"] = {"type": "string", "enum": ["demo", "own", "nobody"]}
    key["schema"] = {"type": "string", "enum": [KEY, KEY, KEY, WRONG_KEY]}
    message = seeded["components"]["schemas"]["Message"]
    message["required"] = ["ticker", "action"]
    message["properties"]["ticker"]["enum"] = ["MES1!", "CME_MINI:MES1!", "EURUSD", None]
    return seeded


def _config(examples: int = EXAMPLES, phases: Sequence[str] = PHASES) -> schemathesis.Config:
    return schemathesis.Config.from_dict(
        {
            "seed": SEED,
            "workers": 1,
            "continue-on-failure": True,
            "cache": {"enabled": False},
            "generation": {"mode": "all", "max-examples": examples, "deterministic": True, "no-shrink": True},
            "phases": {name: {"enabled": name in phases} for name in PHASES},
            "checks": {name: {"enabled": False} for name in REPLACED},
        }
    )


def _validate(value: object, name: str) -> None:
    whole = {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)
