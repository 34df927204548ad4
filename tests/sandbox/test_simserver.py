"""The server, faults and journal that the simulated brokers share, around a broker that counts."""

import json
import socket
import time
from collections.abc import Iterator, Mapping

import httpx
import pytest

from sandbox.simserver import (
    ControlError,
    FaultScript,
    InProcess,
    Journal,
    ManualClock,
    NoReply,
    ReplyLost,
    Request,
    ResetBefore,
    Response,
    Server,
    SystemClock,
    serve,
)
from sandbox.simserver.transport import SimulatedTransport


class Counter:
    """A broker that books every POST."""

    def __init__(self) -> None:
        self.clock = ManualClock(1_000)
        self.journal = Journal(self.clock)
        self.booked: list[object] = []
        self.values = {"mode": "a"}
        self.prices: dict[str, object] = {}

    def handle(self, request: Request) -> Response:
        if request.method == "POST":
            self.booked.append(request.json())
            self.journal.booked("order", number=len(self.booked))
        return Response.json_of({"seen": len(self.booked), "path": request.path, "text": request.body.decode()})

    def control(self, request: Request) -> Response:
        raise ControlError("unknown control endpoint", path=request.path)

    def switches(self) -> Mapping[str, object]:
        return self.values

    def set_switches(self, values: Mapping[str, object]) -> None:
        if set(values) - set(self.values):
            raise ControlError("unknown switch", allowed=sorted(self.values))
        self.values |= {name: str(value) for name, value in values.items()}

    def set_prices(self, prices: Mapping[str, object]) -> None:
        self.prices |= prices

    def state(self) -> Mapping[str, object]:
        return {"booked": self.booked}

    def reset(self) -> None:
        self.booked.clear()

    def error_200(self, request: Request, text: str) -> Response:
        return Response.json_of({"s": "error", "errmsg": text, "path": request.path})


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def server(counter: Counter) -> Iterator[Server]:
    with serve(counter) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=5, trust_env=False) as opened:
        yield opened


def _post(path: str = "/orders", body: object = None) -> Request:
    return Request.of("POST", path, {"Content-Type": "application/json"}, json.dumps(body or {"q": 1}).encode())


def _script(**fault: object) -> FaultScript:
    faults = FaultScript()
    faults.add({"match": {"method": "POST"}, "fault": fault})
    return faults


@pytest.mark.parametrize(
    ("fault", "raised", "booked"),
    [
        ("reset_before", ResetBefore, 0),
        ("reply_lost", ReplyLost, 1),
    ],
)
def test_fault_that_takes_the_reply_raises_and_books_as_it_says(
    counter: Counter, fault: str, raised: type[Exception], booked: int
) -> None:
    inner = InProcess(counter, _script(kind=fault))
    with pytest.raises(raised):
        inner.send(_post())
    assert len(counter.booked) == booked
    assert inner.journal.entries()[0]["status"] == "lost"
    assert inner.journal.entries()[0]["fault"] == fault


@pytest.mark.parametrize(
    ("fault", "status", "booked", "text"),
    [
        ({"kind": "status_before", "status": 503, "body": {"a": 1}}, 503, 0, '"a"'),
        ({"kind": "status_after", "status": 504, "body": "<html>"}, 504, 1, "<html>"),
        ({"kind": "rate_json"}, 429, 0, "Too Many"),
        ({"kind": "rate_edge"}, 429, 0, "error code: 1015"),
        ({"kind": "unauthorized"}, 401, 0, "Unauthorized"),
        ({"kind": "error_200", "text": "no"}, 200, 0, '"errmsg": "no"'),
    ],
)
def test_fault_that_replies_books_as_it_says(
    counter: Counter, fault: dict[str, object], status: int, booked: int, text: str
) -> None:
    inner = InProcess(counter, _script(**fault))
    response = inner.send(_post())
    assert (response.status, len(counter.booked)) == (status, booked)
    assert text in response.body.decode()


def test_truncated_reply_is_booked_and_is_not_json(counter: Counter) -> None:
    response = InProcess(counter, _script(kind="truncated")).send(_post())
    assert response.status == 200
    assert len(counter.booked) == 1
    with pytest.raises(ValueError, match="JSON"):
        response.json()


def test_slow_faults_in_process_only_report_the_delay(counter: Counter) -> None:
    faults = _script(kind="slow_before", seconds=30)
    faults.add({"match": {}, "fault": {"kind": "slow_after", "seconds": 20}})
    waited: list[float] = []
    inner = InProcess(counter, faults, wait=waited.append)
    first, second = inner.deliver(_post()), inner.deliver(_post())
    assert (first.delay_before_s, second.delay_after_s, waited) == (30.0, 20.0, [30.0, 20.0])


def test_rule_with_skip_and_times_hits_only_those_requests(counter: Counter) -> None:
    faults = FaultScript()
    rule_id = faults.add(
        {"match": {"method": "post", "path": "orders$", "body": "MSFT", "skip": 1}, "fault": "rate_json", "times": 2}
    )
    inner = InProcess(counter, faults)
    inner.send(_post("/orders", {"s": "AAPL"}))
    statuses = [inner.send(_post("/orders", {"s": "MSFT"})).status for _ in range(4)]
    assert statuses == [200, 429, 429, 200]
    assert faults.listing()[0] == {
        "id": rule_id,
        "match": {"method": "post", "path": "orders$", "body": "MSFT", "skip": 1},
        "fault": "rate_json",
        "times": 2,
        "matched": 3,
        "hits": 2,
    }


def test_rule_with_times_zero_hits_for_ever(counter: Counter) -> None:
    faults = FaultScript()
    faults.add({"fault": "rate_edge", "times": 0})
    inner = InProcess(counter, faults)
    assert [inner.send(_post()).status for _ in range(5)] == [429] * 5


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "unheard_of"},
        {"fault": {"kind": "slow_after"}},
        {"fault": {"kind": "reply_lost", "seconds": 1}},
        {"match": {"pth": "x"}, "fault": "reply_lost"},
        {"match": {"path": "("}, "fault": "reply_lost"},
        {"fault": "reply_lost", "times": -1},
    ],
)
def test_wrong_fault_rule_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ControlError):
        FaultScript().add(rule)


def test_journal_shows_what_was_booked_and_no_secret(counter: Counter) -> None:
    inner = InProcess(counter)
    counter.clock.advance(500)
    headers = {"Authorization": "Bearer canary-1", "Content-Type": "application/x-www-form-urlencoded"}
    inner.send(Request.of("GET", "/t?code=canary-2&symbol=X", headers, b"password=canary-3&username=me"))
    inner.send(_post("/orders", {"Symbol": "X", "nested": [{"refresh_token": "canary-4"}]}))
    first, second = inner.journal.entries()
    assert first["body"] == {"password": "***", "username": "me"}
    assert first["query"] == [["code", "***"], ["symbol", "X"]]
    assert (second["sequence"], second["at_ms"], second["status"]) == (2, 1_500, 200)
    assert second["booked"] == [{"what": "order", "number": 1}]
    assert "canary" not in json.dumps(inner.journal.entries())


def test_control_is_neither_in_the_journal_nor_faulted(counter: Counter) -> None:
    inner = InProcess(counter, _script(kind="reset_before"))
    answer = inner.send(Request.of("POST", "/_control/faults", body=b'[{"fault": "rate_json"}]'))
    assert answer.json() == {"ids": ["fault-2"]}
    assert inner.journal.entries() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "switches", {"mode": "b"}, 200),
        ("POST", "switches", {"mood": "b"}, 400),
        ("POST", "prices", {"MSFT": 1.5}, 200),
        ("POST", "prices", [1], 400),
        ("POST", "clock", {"advance_ms": 5}, 200),
        ("POST", "clock", {"advance_ms": -5}, 400),
        ("POST", "unknown", {}, 400),
        ("GET", "health", None, 200),
    ],
)
def test_control_endpoint_answers(counter: Counter, method: str, path: str, body: object, status: int) -> None:
    inner = InProcess(counter)
    response = inner.send(Request.of(method, f"/_control/{path}", body=json.dumps(body).encode()))
    assert response.status == status, response.body


def test_machines_clock_goes_on_from_where_it_was_set_ahead_to() -> None:
    clock = SystemClock()
    before_ms = time.time_ns() // 1_000_000

    clock.advance(60_000)

    ahead_ms = clock.now_ms() - before_ms
    assert 60_000 <= ahead_ms < 120_000
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(-1)
    assert clock.now_ms() - before_ms >= ahead_ms


def test_control_sets_clock_switches_and_resets_all(counter: Counter) -> None:
    inner = InProcess(counter, _script(kind="reply_lost"))
    inner.send(Request.of("POST", "/_control/clock", body=b'{"advance_ms": 250}'))
    inner.send(Request.of("POST", "/_control/switches", body=b'{"mode": "b"}'))
    with pytest.raises(ReplyLost):
        inner.send(_post())
    assert (counter.clock.now_ms(), counter.values["mode"]) == (1_250, "b")
    assert inner.send(Request.of("GET", "/_control/state")).json() == {"booked": [{"q": 1}]}
    inner.send(Request.of("POST", "/_control/reset"))
    assert (counter.booked, inner.journal.entries(), inner.faults.listing()) == ([], [], [])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_server_takes_bodies_of_every_writing_method(client: httpx.Client, method: str) -> None:
    answer = client.request(method, "/a%20b", content=b'{"x": 1}')
    assert (answer.status_code, answer.json()["path"], answer.json()["text"]) == (200, "/a b", '{"x": 1}')


def test_server_keeps_a_connection_alive(server: Server) -> None:
    with socket.create_connection((server.host, server.port)) as connection, connection.makefile("rb") as replies:
        for _ in range(2):
            connection.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            assert replies.readline() == b"HTTP/1.1 200 OK\r\n"
            lines = iter(replies.readline, b"\r\n")
            length = next(
                int(line.split(b":")[1]) for line in list(lines) if line.lower().startswith(b"content-length")
            )
            replies.read(length)


@pytest.mark.parametrize(
    ("fault", "error", "booked"),
    [
        ({"kind": "reset_before"}, (httpx.ReadError, httpx.RemoteProtocolError), 0),
        ({"kind": "reply_lost"}, (httpx.RemoteProtocolError,), 1),
        ({"kind": "slow_after", "seconds": 1}, (httpx.ReadTimeout,), 1),
        ({"kind": "hang_before", "seconds": 1}, (httpx.ReadTimeout,), 0),
    ],
)
def test_fault_over_a_socket_breaks_the_connection_as_in_process(
    server: Server, counter: Counter, fault: dict[str, object], error: tuple[type[Exception], ...], booked: int
) -> None:
    server.inner.faults.add({"match": {"method": "POST"}, "fault": fault})
    hasty = httpx.Client(base_url=server.url, timeout=httpx.Timeout(5, read=0.05), trust_env=False)
    with hasty as client, pytest.raises(error):
        client.post("/orders", json={"q": 1})
    for _ in range(200):  # the client gives up at once; the broker books in its own time
        if len(counter.booked) >= booked:
            break
        time.sleep(0.01)
    assert len(counter.booked) == booked


def test_slow_fault_does_not_hold_up_others(server: Server, counter: Counter) -> None:
    server.inner.faults.add({"match": {"method": "POST"}, "fault": {"kind": "slow_before", "seconds": 5}})
    hasty = httpx.Client(base_url=server.url, timeout=httpx.Timeout(5, read=0.05), trust_env=False)
    with hasty as client, pytest.raises(httpx.ReadTimeout):
        client.post("/orders", json={"q": 1})
    with httpx.Client(base_url=server.url, timeout=5, trust_env=False) as other:
        assert other.get("/x").status_code == 200
    assert counter.booked == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "refuse_connection"}, httpx.ConnectError),
        ({"kind": "reset_before"}, httpx.ReadError),
        ({"kind": "reply_lost"}, httpx.RemoteProtocolError),
        ({"kind": "hang_before", "seconds": 60}, httpx.ReadTimeout),
        ({"kind": "slow_before", "seconds": 60}, httpx.ReadTimeout),
        ({"kind": "slow_after", "seconds": 60}, httpx.ReadTimeout),
    ],
)
def test_transport_raises_what_httpx_would(counter: Counter, fault: dict[str, object], error: type[Exception]) -> None:
    waited: list[float] = []
    transport = SimulatedTransport(InProcess(counter, _script(**fault)), waited=waited.append)
    with httpx.Client(transport=transport, base_url="http://sim", timeout=10) as client, pytest.raises(error):
        client.post("/orders", json={"q": 1})
    assert sum(waited) <= 10
    assert len(counter.booked) == (1 if fault["kind"] in ("reply_lost", "slow_before", "slow_after") else 0)


def test_transport_with_a_delay_within_the_limit_gives_the_reply(counter: Counter) -> None:
    waited: list[float] = []
    transport = SimulatedTransport(InProcess(counter, _script(kind="slow_after", seconds=3)), waited=waited.append)
    with httpx.Client(transport=transport, base_url="http://sim", timeout=10) as client:
        assert client.post("/orders", json={"q": 1}).json()["seen"] == 1
    assert waited == [3.0]


def test_hang_in_process_raises_no_reply_with_its_seconds(counter: Counter) -> None:
    with pytest.raises(NoReply) as caught:
        InProcess(counter, _script(kind="hang_before", seconds=7)).send(_post())
    assert (caught.value.seconds, counter.booked) == (7.0, [])
