"""TradeStation's hosts: the same key, token and paths serve SIM and live; only the host selects real money."""

from typing import Literal
from urllib.parse import urlsplit

from orderbridge.errors import SettingsError

Environment = Literal["sim", "live"]

BASE_URLS: dict[Environment, str] = {
    "sim": "https://sim-api.tradestation.com/v3",
    "live": "https://api.tradestation.com/v3",
}
AUTH_URL = "https://signin.tradestation.com"
ALLOWED_HOSTS = ("api.tradestation.com", "sim-api.tradestation.com", "signin.tradestation.com")
"""The hosts that the template's list of allowed broker hosts holds for TradeStation."""

_OTHER: dict[Environment, Environment] = {"sim": "live", "live": "sim"}


def check_environment(environment: Environment, base_url: str, account_id: str) -> None:
    """Refuse an account at the other environment's host. Raises `SettingsError`.

    SIM accounts are the ones whose id begins with `SIM`. A host that is neither of TradeStation's two (a simulated
    broker) is judged by the account alone.
    """
    host = urlsplit(base_url).hostname
    if host == urlsplit(BASE_URLS[_OTHER[environment]]).hostname:
        other = _OTHER[environment]
        raise SettingsError(f"account {account_id} is set to {environment}, but its URL is the {other} host")
    if account_id.upper().startswith("SIM") != (environment == "sim"):
        raise SettingsError(f"account {account_id} does not belong to TradeStation's {environment} environment")
