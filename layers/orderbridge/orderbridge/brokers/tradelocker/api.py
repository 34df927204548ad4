"""Requests to one TradeLocker account: headers, the route's rate limit, and the envelope of the replies."""

from collections.abc import Mapping
from typing import Any

from orderbridge.brokers.http import BrokerHttp, Quota, WriteResult
from orderbridge.brokers.port import Deadline
from orderbridge.brokers.tradelocker.quotas import ASSUMED
from orderbridge.brokers.tradelocker.refusals import refusal_code
from orderbridge.brokers.tradelocker.routes import Route
from orderbridge.brokers.tradelocker.wire import Request
from orderbridge.errors import BrokerUnavailableError, RateLimitedError, ReadRefusedError
from orderbridge.secret import NO_SECRET, Secret

_OWN = Quota("X_OTHER", 1, 1_000)
_WAIT_MS = 1_000


class Api:
    """The account's routes. `account_id` stands in paths, `account_number` (`accNum`) in a header: they differ."""

    def __init__(
        self, http: BrokerHttp, account_id: str, account_number: str, developer_api_key: Secret = NO_SECRET
    ) -> None:
        self._http = http
        self.account_id = account_id
        self.quotas: Mapping[str, Quota] = ASSUMED
        """Replaced once the account's config is read."""
        self._account_number = account_number
        self._developer_api_key = developer_api_key

    def read(self, route: Route, deadline: Deadline, params: Mapping[str, str] | None = None, **ids: str) -> Any:
        """Give the `d` of a reply. Raises `BrokerReadError` and its leaves; `s: error` is `ReadRefusedError`."""
        body = self.read_envelope(route, deadline, params, **ids)
        if "d" not in body:
            raise BrokerUnavailableError(f"TradeLocker's reply to {route.path} has no data")
        return body["d"]

    def read_envelope(
        self, route: Route, deadline: Deadline, params: Mapping[str, str] | None = None, **ids: str
    ) -> Mapping[str, Any]:
        """Give a whole reply: `s` (`ok` or `no_data`) and, with `ok`, `d`."""
        body = self._get(route, deadline, self._headers(), params, ids)
        match body.get("s"):
            case "ok" | "no_data":
                return body
            case "error":
                raise _refused(str(body.get("errmsg") or "no reason given")[:300])
            case _:
                raise BrokerUnavailableError(f"TradeLocker's reply to {route.path} says neither ok nor error")

    def read_flat(self, route: Route, deadline: Deadline) -> Mapping[str, Any]:
        """Give a reply of the `/auth` routes: no envelope, and no account in the headers."""
        body = self._get(route, deadline, self._key_header(), None, {})
        if body.get("s") == "error":
            raise _refused(str(body.get("errmsg") or "no reason given")[:300])
        return body

    def write(self, request: Request, deadline: Deadline) -> WriteResult:
        """Send one write, once."""
        return self._http.write(
            request.route.method,
            request.route.at(**request.ids),
            self._quota(request.route),
            deadline,
            body=request.body,
            params=request.params or None,
            headers=self._headers(),
        )

    def _get(
        self,
        route: Route,
        deadline: Deadline,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None,
        ids: Mapping[str, str],
    ) -> Mapping[str, Any]:
        at = route.at(**{"account": self.account_id, **ids})
        body = self._http.read(at, self._quota(route), deadline, params=params, headers=headers)
        if not isinstance(body, Mapping):
            raise BrokerUnavailableError(f"TradeLocker's reply to {route.path} is not an object")
        return body

    def _headers(self) -> dict[str, str]:
        return {"accNum": self._account_number, **self._key_header()}

    def _key_header(self) -> dict[str, str]:
        return {"developer-api-key": self._developer_api_key.reveal()} if self._developer_api_key else {}

    def _quota(self, route: Route) -> Quota:
        return self.quotas.get(route.limit, _OWN)


def _refused(words: str) -> RateLimitedError | ReadRefusedError:
    if refusal_code(200, words) == "rate_limited":
        return RateLimitedError(words, _WAIT_MS)
    return ReadRefusedError(200, words)
