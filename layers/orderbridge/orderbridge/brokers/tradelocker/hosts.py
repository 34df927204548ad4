"""TradeLocker's hosts: demo and live are separate, and a token may belong to a shard of its own."""

from collections.abc import Collection
from typing import Literal
from urllib.parse import urlsplit

from orderbridge.brokers.http import check_base_url
from orderbridge.errors import SettingsError

Environment = Literal["sim", "live"]

BASE_URLS: dict[Environment, str] = {
    "sim": "https://demo.tradelocker.com/backend-api",
    "live": "https://live.tradelocker.com/backend-api",
}
ALLOWED_HOSTS = ("demo.tradelocker.com", "live.tradelocker.com")
"""The hosts that the template's list of allowed broker hosts holds for TradeLocker; a shard is added there by name."""

_DOMAIN = ".tradelocker.com"
_ROOT = "/backend-api"
_OTHER: dict[Environment, Environment] = {"sim": "live", "live": "sim"}


def api_url(base_url: str) -> str:
    """Give the base URL with the API's root path, which every route is below."""
    trimmed = base_url.rstrip("/")
    return trimmed if trimmed.endswith(_ROOT) else trimmed + _ROOT


def check_environment(environment: Environment, base_url: str) -> None:
    """Refuse the other environment's host. Raises `SettingsError`.

    A host that is neither of the two (a shard, a simulated broker) passes: it says nothing about real money.
    """
    other = _OTHER[environment]
    if urlsplit(base_url).hostname == urlsplit(BASE_URLS[other]).hostname:
        raise SettingsError(f"the login is set to {environment}, but its URL is TradeLocker's {other} host")


def home_url(base_url: str, host_claim: str, environment: Environment, allowed_hosts: Collection[str]) -> str:
    """Give the base URL that a token belongs to: its `host` claim where that is honoured, else `base_url`.

    A claim is honoured only for a host of TradeLocker's own that is also in the list of allowed hosts, and never if
    it is the other environment's: a token must not be able to send orders elsewhere.
    """
    claimed = f"https://{host_claim.lower()}{_ROOT}"
    if not host_claim.lower().endswith(_DOMAIN) or urlsplit(claimed).hostname != host_claim.lower():
        return base_url
    try:
        check_base_url(claimed, allowed_hosts)
        check_environment(environment, claimed)
    except SettingsError:
        return base_url
    return claimed
