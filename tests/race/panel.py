"""A person at the panel of a site: signed in, and with the gateway's events of what they ask for."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from orderbridge.broker_api.login.issue import begin
from orderbridge.broker_api.login.model import User
from orderbridge.storage.sessions import Sessions
from orderbridge.storage.users import Users
from tests.race.site import ACCOUNT, Site

LOGIN = "ann"


class Person:
    """Somebody who may trade the site's account by hand."""

    def __init__(self, site: Site) -> None:
        user = User(LOGIN, "generation", accounts=(ACCOUNT,))
        Users(site.dynamodb, site.bridge.table_name).put(user, None)
        sign_in, issued = begin("password", site.now_ms(), os.urandom, user=user)
        Sessions(site.dynamodb, site.bridge.table_name).begin(sign_in)
        self._token = issued.access_token.reveal()
        self._site = site

    def event(self, method: str, path: str, query: Mapping[str, str], form: Mapping[str, object]) -> dict[str, Any]:
        """Give the gateway's event of one request."""
        return {
            "httpMethod": method,
            "path": path,
            "multiValueHeaders": {
                "Authorization": [f"Bearer {self._token}"],
                "Content-Type": ["application/x-www-form-urlencoded"],
                "Origin": ["https://www.tradingview.com"],
            },
            "multiValueQueryStringParameters": {name: [value] for name, value in query.items()},
            "requestContext": {"identity": {"sourceIp": "203.0.113.7"}, "stage": "v1"},
            "body": urlencode(form),
            "isBase64Encoded": False,
        }

    def buys(self, request_id: str) -> dict[str, Any]:
        """Give the event of a market order for one unit, with a stop and a target."""
        seat = self._site.seat
        form = {
            "instrument": seat.symbol,
            "qty": seat.unit,
            "side": "buy",
            "type": "market",
            "currentAsk": seat.price,
            "currentBid": seat.price,
            "stopLoss": seat.price - seat.distance,
            "takeProfit": seat.price + seat.distance,
        }
        query = {"locale": "en", "requestId": request_id}
        return self.event("POST", f"/accounts/{ACCOUNT}/orders", query, form)
