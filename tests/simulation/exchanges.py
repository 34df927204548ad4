"""Notes what refresh tokens go out to the simulated brokers, and what each was exchanged for."""

import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs

from sandbox.simserver import Request, Response
from tests.simulation.invariants.exchanged import Exchange


class Exchanges:
    """Every exchange so far, in the order in which they were sent."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self.all: list[Exchange] = []

    def send(self, process: str, request: Request) -> int | None:
        """Note a request to a token route and give its number; None when it carries no refresh token."""
        used = _sent(request.body)
        if not used:
            return None
        self.all.append(Exchange(process, self._now_ms(), used))
        return len(self.all) - 1

    def answer(self, number: int | None, response: Response) -> Response:
        """Note what the broker has given, and pass it on."""
        if number is not None and response.status in (200, 201):
            said = json.loads(response.body)
            gave = said.get("refreshToken") or said.get("refresh_token") or ""
            one = self.all[number]
            self.all[number] = replace(one, gave=gave if gave != one.used else "")
        return response

    def hear(self, number: int | None) -> None:
        """Note that the answer has arrived."""
        if number is not None:
            self.all[number] = replace(self.all[number], heard=True)


def _sent(body: bytes) -> str:
    if body.startswith(b"{"):
        return str(json.loads(body).get("refreshToken", ""))
    return "".join(parse_qs(body.decode()).get("refresh_token", ()))
