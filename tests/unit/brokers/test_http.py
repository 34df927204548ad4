"""What is known after one HTTP request, proven against real sockets where the proof depends on them."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from fractions import Fraction

import httpx
import pytest

from orderbridge.brokers.http import (
    EDGE_PAUSE_MS,
    RATE_PAUSE_MS,
    UNCOUNTED,
    Kept,
    Lost,
    MonotonicDeadline,
    NotConnected,
    Quota,
    Reply,
    TimeLimits,
    check_base_url,
    encode,
    exchange,
    open_client,
)
from orderbridge.brokers.port import Deadline, NotTaken, Unknown
from orderbridge.errors import (
    BrokerReadError,
    BrokerUnavailableError,
    LoginLostError,
    RateLimitedError,
    ReadRefusedError,
    SettingsError,
)
from tests.unit.brokers.kit import Script, Slept, Tokens, connection, reply, soon

QUOTA = Quota("orders", 320, 300_000)
EDGE_PAGE = "<html><body>error code: 1015</body></html>"


class Budgeted:
    """Remembers what was spent and learned; refuses after `allowed` requests."""

    def __init__(self, allowed: int = 100) -> None:
        self.allowed = allowed
        self.spent: list[tuple[str, int, int]] = []
        self.learned: list[tuple[str, int, int]] = []
        self.patience_s: list[float] = []

    def spend(self, resource: str, limit: int, period_ms: int, deadline: Deadline) -> None:
        self.patience_s.append(deadline.remaining())
        if len(self.spent) >= self.allowed:
            raise RateLimitedError("our own budget is used up", 700)
        self.spent.append((resource, limit, period_ms))

    def observe(self, resource: str, remaining: int, reset_ms: int) -> None:
        self.learned.append((resource, remaining, reset_ms))


# ---- the deadline


def test_deadline_past_its_end_gives_zero_never_less() -> None:
    now = [10.0]
    deadline = MonotonicDeadline(2.5, clock=lambda: now[0])
    assert deadline.remaining() == 2.5
    now[0] = 99.0
    assert deadline.remaining() == 0.0


@pytest.mark.parametrize("remaining", [0.2, 1.0, 5.0, 29.0, 900.0])
def test_time_limits_together_never_exceed_what_remains(remaining: float) -> None:
    timeout = TimeLimits().under(remaining)
    phases = [timeout.connect, timeout.read, timeout.write, timeout.pool]
    assert all(phase is not None and phase > 0 for phase in phases)
    assert sum(phase for phase in phases if phase is not None) <= remaining + 1e-9


# ---- the base URL


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://api.tradestation.com/v3", ("api.tradestation.com",)),
        ("https://api.tradestation.com:443/v3/", ("api.tradestation.com",)),
        ("https://demo.tradelocker.com:8443/x", ("demo.tradelocker.com:8443",)),
        ("http://127.0.0.1:8123/v3", ("127.0.0.1",)),
        ("http://127.0.0.1:8123/v3", ("127.0.0.1:8123",)),
    ],
)
def test_base_url_of_an_allowed_host_is_taken(url: str, allowed: tuple[str, ...]) -> None:
    assert check_base_url(url, allowed) == url.rstrip("/")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://evil.example/v3", ("api.tradestation.com",)),
        ("https://api.tradestation.com.evil.example/v3", ("api.tradestation.com",)),
        ("http://api.tradestation.com/v3", ("api.tradestation.com",)),
        ("https://api.tradestation.com:8443/v3", ("api.tradestation.com",)),
        ("https://user:pass@api.tradestation.com/v3", ("api.tradestation.com",)),
        ("https://api.tradestation.com/v3?x=1", ("api.tradestation.com",)),
        ("http://127.0.0.1:8123/v3", ("127.0.0.1:9999",)),
        ("ftp://api.tradestation.com", ("api.tradestation.com",)),
        ("", ("",)),
    ],
)
def test_base_url_outside_the_list_is_refused_without_its_password(url: str, allowed: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError) as caught:
        check_base_url(url, allowed)
    assert "pass" not in str(caught.value)


# ---- numbers


def test_numbers_travel_with_exactly_their_digits() -> None:
    assert encode(
        {"qty": Decimal("0.10"), "big": Decimal("1E+3"), "id": 7, "on": True, "none": None, "l": [Decimal(2)]}
    ) == ('{"qty":0.10,"big":1000,"id":7,"on":true,"none":null,"l":[2]}')
    with pytest.raises(ValueError, match="finite"):
        encode(Decimal("NaN"))
    with pytest.raises(TypeError):
        encode(1.5)


def test_reply_numbers_are_decimals_and_long_ids_stay_whole() -> None:
    answer = exchange(
        open_client(httpx.MockTransport(lambda _: reply('{"p":412.30,"id":9223372036854775809}'))),
        "GET",
        "https://x.example",
        soon(),
    )
    assert isinstance(answer, Reply)
    assert answer.body == {"p": Decimal("412.30"), "id": 9223372036854775809}
    assert str(answer.body["p"]) == "412.30"


@pytest.mark.parametrize("text", ["<html>oops</html>", '{"a":', '{"a":NaN}', "\xff\xfe", "[" * 100_000])
def test_body_that_is_not_json_is_unreadable(text: str) -> None:
    client = open_client(httpx.MockTransport(lambda _: httpx.Response(200, content=text.encode("latin-1"))))
    answer = exchange(client, "GET", "https://x.example", soon())
    assert isinstance(answer, Reply)
    assert answer.unreadable
    assert not answer.ok


def test_empty_204_is_a_good_reply_without_a_body() -> None:
    answer = exchange(
        open_client(httpx.MockTransport(lambda _: reply(None, 204))), "DELETE", "https://x.example", soon()
    )
    assert isinstance(answer, Reply)
    assert answer.ok
    assert answer.body is None


def test_redirect_is_not_followed() -> None:
    script = Script([reply({}, 302, {"Location": "https://elsewhere.example/"})])
    answer = exchange(open_client(httpx.MockTransport(script)), "GET", "https://x.example", soon())
    assert isinstance(answer, Reply)
    assert answer.status == 302
    assert len(script.requests) == 1


def test_cookie_of_one_reply_does_not_travel_with_the_next_request() -> None:
    script = Script([reply({}, 200, {"Set-Cookie": "session=1; Path=/"})])
    client = open_client(httpx.MockTransport(script))
    exchange(client, "GET", "https://x.example/a", soon())
    exchange(client, "GET", "https://x.example/b", soon())
    assert "Cookie" not in script.requests[1].headers


# ---- reads


def test_read_meets_breakdowns_and_repeats_until_it_has_the_body() -> None:
    script = Script([httpx.ReadTimeout("slow"), reply("<html>", 502), reply({"ok": 1})])
    slept = Slept()
    assert connection(script, sleep=slept).read("/a", QUOTA, soon()) == {"ok": 1}
    assert len(script.requests) == 3
    assert len(slept.seconds) == 2


@pytest.mark.parametrize(
    "answer", [httpx.ConnectError("no"), httpx.ReadError("gone"), reply({}, 503), reply("<html>"), reply(None, 204)]
)
def test_read_that_keeps_failing_raises_unavailable_after_three_tries(answer: httpx.Response | Exception) -> None:
    script = Script([answer])
    with pytest.raises(BrokerUnavailableError):
        connection(script).read("/a", QUOTA, soon())
    assert len(script.requests) == 3


def test_read_without_time_for_another_try_does_not_repeat() -> None:
    script = Script([reply({}, 503)])
    with pytest.raises(BrokerUnavailableError):
        connection(script).read("/a", QUOTA, soon(0.3))
    assert len(script.requests) == 1


def test_read_meeting_401_renews_once_and_repeats_with_the_new_token() -> None:
    script = Script([reply({}, 401), reply({"ok": 1})])
    assert connection(script).read("/a", QUOTA, soon()) == {"ok": 1}
    assert [request.headers["Authorization"] for request in script.requests] == ["Bearer token-1", "Bearer token-2"]


def test_read_renews_again_when_the_token_that_another_process_stored_is_dead_too() -> None:
    script = Script([reply({}, 401), reply({}, 401), reply({"ok": 1})])
    assert connection(script).read("/a", QUOTA, soon()) == {"ok": 1}
    assert script.requests[2].headers["Authorization"] == "Bearer token-3"


def test_read_meeting_401_with_a_fresh_token_raises_login_lost() -> None:
    script = Script([reply({}, 401)])
    with pytest.raises(LoginLostError):
        connection(script).read("/a", QUOTA, soon())
    assert len(script.requests) == 3


@pytest.mark.parametrize(
    ("headers", "wait_ms"),
    [
        ({"Retry-After": "7"}, 7_000),
        ({"X-RateLimit-Reset": "42"}, 42_000),
        ({"Rate-Limit-Reset": "3"}, 3_000),
        ({"RateLimit-Reset": "1.5"}, 1_500),
        ({"X-RateLimit-Reset": "1790000000"}, RATE_PAUSE_MS),
        ({"Retry-After": "soon"}, RATE_PAUSE_MS),
        ({}, RATE_PAUSE_MS),
    ],
)
def test_read_meeting_429_raises_with_the_time_that_the_headers_name(headers: dict[str, str], wait_ms: int) -> None:
    budget = Budgeted()
    script = Script([reply({"Error": "TooManyRequests"}, 429, headers)])
    with pytest.raises(RateLimitedError) as caught:
        connection(script, budget=budget).read("/a", QUOTA, soon())
    assert caught.value.retry_after_ms == wait_ms
    assert budget.learned == [("orders", 0, wait_ms)]
    assert len(script.requests) == 1


def test_retry_after_as_a_date_is_understood() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    script = Script([reply({}, 429, {"Retry-After": later})])
    with pytest.raises(RateLimitedError) as caught:
        connection(script).read("/a", QUOTA, soon())
    assert 27_000 <= caught.value.retry_after_ms <= 30_000


def test_read_meeting_the_edge_page_waits_at_least_the_edges_pause() -> None:
    with pytest.raises(RateLimitedError) as caught:
        connection(Script([reply(EDGE_PAGE, 429)])).read("/a", QUOTA, soon())
    assert caught.value.retry_after_ms == EDGE_PAUSE_MS


def test_read_refused_carries_status_and_the_brokers_words() -> None:
    script = Script([reply({"Error": "Forbidden", "Message": "Invalid Account ID."}, 403)])
    with pytest.raises(ReadRefusedError, match="Invalid Account ID") as caught:
        connection(script).read("/a", QUOTA, soon())
    assert caught.value.status == 403
    assert len(script.requests) == 1


def test_budget_is_spent_before_each_try_and_learns_from_each_reply() -> None:
    budget = Budgeted()
    headers = {"X-RateLimit-Remaining": "300", "X-RateLimit-Reset": "120"}
    connection(Script([reply({}, 500, headers), reply({"ok": 1}, 200, headers)]), budget=budget).read(
        "/a", QUOTA, soon()
    )
    assert budget.spent == [("orders", 320, 300_000)] * 2
    assert budget.learned == [("orders", 300, 120_000)] * 2


def test_exhausted_budget_stops_a_read_before_it_is_sent() -> None:
    script = Script([reply({"ok": 1})])
    with pytest.raises(RateLimitedError):
        connection(script, budget=Budgeted(allowed=0)).read("/a", QUOTA, soon())
    assert script.requests == []


def test_failed_read_without_budget_to_try_again_tells_the_failure() -> None:
    script = Script([reply({}, 503), reply({"ok": 1})])
    with pytest.raises(BrokerUnavailableError, match="HTTP 503"):
        connection(script, budget=Budgeted(allowed=1)).read("/a", QUOTA, soon())
    assert len(script.requests) == 1


# ---- writes


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.ConnectError("refused"), NotTaken("not_connected")),
        (httpx.ConnectTimeout("no answer"), NotTaken("not_connected")),
        (httpx.ReadTimeout("slow"), Unknown("time-out")),
        (httpx.WriteTimeout("slow"), Unknown("time-out")),
        (httpx.PoolTimeout("busy"), Unknown("time-out")),
        (httpx.ReadError("reset"), Unknown("connection lost")),
        (httpx.RemoteProtocolError("closed"), Unknown("connection ended without a reply")),
        (reply({}, 500), Unknown("HTTP 500")),
        (reply({}, 504), Unknown("HTTP 504")),
        (reply("<html>", 502), Unknown("HTTP 502")),
        (reply({}, 302), Unknown("HTTP 302")),
        (reply("<html>"), Unknown("unreadable reply")),
        (reply(EDGE_PAGE, 429), NotTaken("edge_limited", EDGE_PAUSE_MS)),
        (reply(EDGE_PAGE, 429, {"Retry-After": "60"}), NotTaken("edge_limited", 60_000)),
    ],
)
def test_write_is_sent_once_and_only_proof_makes_it_not_taken(
    answer: httpx.Response | Exception, expected: NotTaken | Unknown
) -> None:
    script = Script([answer])
    assert connection(script).write("POST", "/a", QUOTA, soon(), body={"a": 1}) == expected
    assert len(script.requests) == 1


@pytest.mark.parametrize("status", [200, 204, 400, 403, 404, 409, 429])
def test_write_gives_the_adapter_what_it_can_judge(status: int) -> None:
    result = connection(Script([reply({"Message": "x"}, status)])).write("POST", "/a", QUOTA, soon())
    assert isinstance(result, Reply)
    assert result.status == status


def test_write_meeting_401_renews_and_repeats_once() -> None:
    script = Script([reply({}, 401), reply({"ok": 1})])
    result = connection(script).write("POST", "/a", QUOTA, soon(), body={"a": 1})
    assert isinstance(result, Reply)
    assert result.body == {"ok": 1}
    assert script.sent == [{"a": 1}, {"a": 1}]
    assert script.requests[1].headers["Authorization"] == "Bearer token-2"


def test_write_renews_again_when_the_token_that_another_process_stored_is_dead_too() -> None:
    script = Script([reply({}, 401), reply({}, 401), reply({"ok": 1})])
    result = connection(script).write("POST", "/a", QUOTA, soon(), body={"a": 1})
    assert isinstance(result, Reply)
    assert result.body == {"ok": 1}
    assert script.requests[2].headers["Authorization"] == "Bearer token-3"


def test_write_meeting_401_with_a_fresh_token_is_not_taken_and_not_sent_again() -> None:
    script = Script([reply({}, 401)])
    assert connection(script).write("POST", "/a", QUOTA, soon()) == NotTaken("unauthorized")
    assert len(script.requests) == 3


def test_write_meeting_401_then_silence_is_unknown() -> None:
    script = Script([reply({}, 401), httpx.ReadTimeout("slow")])
    assert connection(script).write("POST", "/a", QUOTA, soon()) == Unknown("time-out")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (LoginLostError("dead"), NotTaken("unauthorized")),
        (BrokerUnavailableError("down"), NotTaken("not_connected")),
        (RateLimitedError("later", 900), NotTaken("edge_limited", 900)),
        (BrokerReadError("odd"), NotTaken("unauthorized")),
    ],
)
def test_write_whose_token_cannot_be_renewed_is_not_taken(error: Exception, expected: NotTaken) -> None:
    script = Script([reply({}, 401)])
    assert connection(script, tokens=Tokens(refuse=error)).write("POST", "/a", QUOTA, soon()) == expected


def test_write_without_time_or_budget_is_not_sent() -> None:
    script = Script([reply({"ok": 1})])
    assert connection(script).write("POST", "/a", QUOTA, soon(0.1)) == NotTaken("not_connected")
    limited = connection(script, budget=Budgeted(allowed=0))
    assert limited.write("POST", "/a", QUOTA, soon()) == NotTaken("edge_limited", 700)
    assert script.requests == []


KEPT = Kept("execution~entries", Fraction(1, 4))
LEAVING = Quota("execution", 10, 1_000, (KEPT,))


def told(limit: int, remaining: int) -> dict[str, str]:
    return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset": "120"}


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        (told(60, 16), False),
        (told(60, 15), True),
        (told(1, 1), False),
        ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "120"}, False),
    ],
)
def test_reply_to_any_write_tells_when_only_what_is_kept_is_left(headers: dict[str, str], kept: bool) -> None:
    budget = Budgeted()

    connection(Script([reply({}, 200, headers)]), budget=budget).write("POST", "/a", LEAVING, soon())

    assert budget.spent == [("execution", 10, 1_000)]
    assert ((KEPT.name, 0, 120_000) in budget.learned) is kept


def test_write_that_leaves_what_is_kept_asks_for_that_first_and_does_not_wait_for_it() -> None:
    budget = Budgeted(allowed=1)
    script = Script([reply({"ok": 1})])

    result = connection(script, budget=budget).write("POST", "/a", LEAVING, soon(), leaves=KEPT)

    assert budget.spent == [("execution~entries", UNCOUNTED, 1_000)]
    assert budget.patience_s[0] == 0
    assert result == NotTaken("edge_limited", 700)
    assert script.requests == []


# ---- secrets


def test_nothing_that_is_logged_or_raised_holds_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    script = Script([httpx.ReadError("Bearer token-1 at https://sim-api.tradestation.com/v3/a")])
    with pytest.raises(BrokerUnavailableError) as caught:
        connection(script).read("/a", QUOTA, soon())
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "token-1" not in str(caught.value)
    assert "token-1" not in caplog.text


def test_reply_in_a_log_line_shows_neither_body_nor_headers() -> None:
    result = connection(Script([reply({"access_token": "hush"}, 200, {"X-Key": "hush"})])).write(
        "POST", "/a", QUOTA, soon()
    )
    assert "hush" not in repr(result)


# ---- real sockets


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run `serve` for each connection on a free loopback port; give the base URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)

    def run() -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            with accepted:
                accepted.settimeout(5)
                serve(accepted)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _request(connection_: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection_.recv(4096)
        if not part:
            return data
        data += part
    return data


def test_refused_port_is_not_connected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with open_client() as client:
        assert exchange(client, "POST", f"http://127.0.0.1:{port}/a", soon(), body={}) == NotConnected("no connection")


def test_connection_closed_after_the_request_is_lost() -> None:
    def serve(accepted: socket.socket) -> None:
        _request(accepted)

    with listening(serve) as url, open_client() as client:
        assert isinstance(exchange(client, "POST", f"{url}/a", soon(), body={"a": 1}), Lost)


def test_kept_alive_connection_that_has_died_is_lost_and_not_tried_again() -> None:
    served: list[bytes] = []

    def serve(accepted: socket.socket) -> None:
        served.append(_request(accepted))
        accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        served.append(_request(accepted))  # the second request arrives, and is never answered

    with listening(serve) as url, open_client() as client:
        first = exchange(client, "GET", f"{url}/a", soon())
        second = exchange(client, "DELETE", f"{url}/b", soon())
    assert isinstance(first, Reply)
    assert isinstance(second, Lost)
    assert [line.split(b" ")[0] for line in served] == [b"GET", b"DELETE"]


def test_reply_that_drips_is_given_up_at_the_deadline() -> None:
    def serve(accepted: socket.socket) -> None:
        _request(accepted)
        accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n")
        try:
            for _ in range(200):
                accepted.sendall(b" ")
                time.sleep(0.02)
        except OSError:
            return

    with listening(serve) as url, open_client() as client:
        began = time.monotonic()
        answer = exchange(client, "GET", f"{url}/a", soon(0.3))
        took = time.monotonic() - began
    assert isinstance(answer, Lost)
    assert took < 1.5


def test_reply_cut_short_is_lost() -> None:
    def serve(accepted: socket.socket) -> None:
        _request(accepted)
        accepted.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{"Orders":[')

    with listening(serve) as url, open_client() as client:
        assert isinstance(exchange(client, "POST", f"{url}/a", soon(), body={}), Lost)
