"""An account stays in its own environment."""

import pytest

from orderbridge.brokers.http import check_base_url
from orderbridge.brokers.tradestation.hosts import ALLOWED_HOSTS, AUTH_URL, BASE_URLS, Environment, check_environment
from orderbridge.errors import SettingsError


@pytest.mark.parametrize(
    ("environment", "url", "account"),
    [
        ("sim", BASE_URLS["sim"], "SIM1000001M"),
        ("live", BASE_URLS["live"], "20000003"),
        ("live", BASE_URLS["live"], "111ABC22"),
        ("sim", "http://127.0.0.1:8000/v3", "SIM1000001F"),
    ],
)
def test_account_at_its_own_host_is_taken(environment: Environment, url: str, account: str) -> None:
    check_environment(environment, url, account)


@pytest.mark.parametrize(
    ("environment", "url", "account"),
    [
        ("sim", BASE_URLS["live"], "SIM1000001M"),
        ("live", BASE_URLS["sim"], "20000003"),
        ("sim", BASE_URLS["sim"], "20000003"),
        ("live", BASE_URLS["live"], "SIM1000001M"),
        ("live", "http://127.0.0.1:8000/v3", "SIM1000001M"),
    ],
)
def test_account_of_the_other_environment_is_refused(environment: Environment, url: str, account: str) -> None:
    with pytest.raises(SettingsError):
        check_environment(environment, url, account)


def test_own_hosts_are_on_the_list() -> None:
    for url in (*BASE_URLS.values(), AUTH_URL):
        assert check_base_url(url, ALLOWED_HOSTS) == url
