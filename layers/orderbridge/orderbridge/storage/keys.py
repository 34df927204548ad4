"""The one table's layout: every partition and sort key is built here and nowhere else.

| item | pk | sk | gpk / gsk (index `open`) |
|---|---|---|---|
| strategy | STRATEGY#name | SETTINGS | SETTINGS#strategy / name |
| account | ACCOUNT#name | SETTINGS | SETTINGS#account / name |
| dedup | DEDUP#strategy#identity | DEDUP | |
| alert | ALERT#alert_id | ALERT | ALERTS#strategy / alert_id |
| job | LANE#account#lane | JOB#accepted_ms#job_id | OPEN#JOB / accepted_ms#job_id until it is final |
| lane: lease, state, inbox | LANE#account#lane | STATE | WATCH#account / lane while something is watched |
| plan | LANE#account#lane | PLAN#job_id#revision | |
| command | LANE#account#lane | COMMAND#command_id | OPEN#COMMAND / changed_ms#command_id until final |
| control | CONTROL#global|account#x|strategy#x | CONTROL | CONTROL / scope |
| snapshot | ACCOUNT#name | SNAPSHOT | |
| lease | ACCOUNT#name | LEASE#purpose | |
| budget | CONNECTION#name | BUDGET#resource | |
| token lease | CONNECTION#name | TOKEN | CONNECTIONS / name |
| notice | NOTICE#notice_id | NOTICE | OPEN#NOTICE / at_ms#notice_id until it is published |
| dead job | DEAD#job_id | DEAD | DEAD / ended_ms#job_id until it is replayed |
| which table this is | INCARNATION | INCARNATION | |
| panel's settings | PANEL | SETTINGS | |
| panel's book of an account | PANEL#account | BOOK | |
| panel request | PANEL#account | REQUEST#job_id | |
| panel's snapshot | CONNECTION#name | SNAPSHOT#what | |
| panel user | USER#login | USER | USERS / login |
| panel user's broker account | ACCOUNT#name | SETTINGS | SETTINGS#panel-account / name |
| claim on a broker account | CLAIM#broker#account_id | CLAIM | |
| TradeStation's name for a user | SUBJECT#digest | SUBJECT | |
| panel client | CLIENT#client_id | CLIENT | CLIENTS / client_id |
| sign-in and its tokens | SIGNIN#id | SIGNIN | |
| authorization code | CODE#digest | CODE | |
| signed-in browser | BROWSER#digest | BROWSER | |
| errand to TradeStation | ERRAND#digest | ERRAND | |
| failed log-ins | ATTEMPTS#digest | ATTEMPTS | |

Every item has `schema` (integer, the version of its shape) and, where it may lapse, `expires_at` (epoch seconds, TTL).
Structured content is JSON text in `data` (`orderbridge.codec`); attributes beside it are those that conditions and
updates need.
"""

INDEX = "open"
SCHEMA = 1


def strategy(name: str) -> dict[str, str]:
    return {"pk": f"STRATEGY#{name}", "sk": "SETTINGS"}


def account(name: str) -> dict[str, str]:
    return {"pk": f"ACCOUNT#{name}", "sk": "SETTINGS"}


def dedup(strategy_name: str, identity: str) -> dict[str, str]:
    return {"pk": f"DEDUP#{strategy_name}#{identity}", "sk": "DEDUP"}


def alert(alert_id: str) -> dict[str, str]:
    return {"pk": f"ALERT#{alert_id}", "sk": "ALERT"}


def lane_partition(lane: str) -> str:
    """Give the partition of a lane; `lane` is `account#root`, or `account#*` where the lane is the whole account."""
    return f"LANE#{lane}"


def job(lane: str, accepted_at_ms: int, job_id: str) -> dict[str, str]:
    return {"pk": lane_partition(lane), "sk": f"JOB#{accepted_at_ms:013d}#{job_id}"}


LAST_MS = 9_999_999_999_999
"""Later than any job, in the thirteen digits that a sort key has for its time."""


def jobs_from(accepted_at_ms: int) -> str:
    """Give the sort key before those of the jobs that were accepted then or later."""
    return f"JOB#{accepted_at_ms:013d}"


def lane_state(lane: str) -> dict[str, str]:
    return {"pk": lane_partition(lane), "sk": "STATE"}


def plan(lane: str, job_id: str, revision: int) -> dict[str, str]:
    return {"pk": lane_partition(lane), "sk": f"PLAN#{job_id}#{revision:04d}"}


def command(lane: str, command_id: str) -> dict[str, str]:
    return {"pk": lane_partition(lane), "sk": f"COMMAND#{command_id}"}


def control(scope: str) -> dict[str, str]:
    """Give the key of a kill switch; `scope` is `global`, `account#NAME` or `strategy#NAME`."""
    return {"pk": f"CONTROL#{scope}", "sk": "CONTROL"}


def snapshot(account_name: str) -> dict[str, str]:
    return {"pk": f"ACCOUNT#{account_name}", "sk": "SNAPSHOT"}


def account_lease(account_name: str, purpose: str) -> dict[str, str]:
    return {"pk": f"ACCOUNT#{account_name}", "sk": f"LEASE#{purpose}"}


def budget(connection: str, resource: str) -> dict[str, str]:
    return {"pk": f"CONNECTION#{connection}", "sk": f"BUDGET#{resource}"}


def token(connection: str) -> dict[str, str]:
    return {"pk": f"CONNECTION#{connection}", "sk": "TOKEN"}


def notice(notice_id: str) -> dict[str, str]:
    return {"pk": f"NOTICE#{notice_id}", "sk": "NOTICE"}


def dead_job(job_id: str) -> dict[str, str]:
    return {"pk": f"DEAD#{job_id}", "sk": "DEAD"}


def incarnation() -> dict[str, str]:
    return {"pk": "INCARNATION", "sk": "INCARNATION"}


def panel_settings() -> dict[str, str]:
    return {"pk": "PANEL", "sk": "SETTINGS"}


def panel_book(account_name: str) -> dict[str, str]:
    return {"pk": f"PANEL#{account_name}", "sk": "BOOK"}


def panel_request(account_name: str, job_id: str) -> dict[str, str]:
    return {"pk": f"PANEL#{account_name}", "sk": f"REQUEST#{job_id}"}


def panel_snapshot(connection: str, what: str) -> dict[str, str]:
    """Give the key of something read with a broker login: no two logins ever share one."""
    return {"pk": f"CONNECTION#{connection}", "sk": f"SNAPSHOT#{what}"}


def panel_user(login: str) -> dict[str, str]:
    return {"pk": f"USER#{login}", "sk": "USER"}


def claim(broker: str, broker_account_id: str) -> dict[str, str]:
    """Give the key of the mark that a panel user has this account of the broker, so that no second one gets it."""
    return {"pk": f"CLAIM#{broker}#{broker_account_id}", "sk": "CLAIM"}


def subject(digest: str) -> dict[str, str]:
    """Give the key that leads from who TradeStation says somebody is to the panel user."""
    return {"pk": f"SUBJECT#{digest}", "sk": "SUBJECT"}


def panel_client(client_id: str) -> dict[str, str]:
    return {"pk": f"CLIENT#{client_id}", "sk": "CLIENT"}


def sign_in(sign_in_id: str) -> dict[str, str]:
    return {"pk": f"SIGNIN#{sign_in_id}", "sk": "SIGNIN"}


def code(digest: str) -> dict[str, str]:
    return {"pk": f"CODE#{digest}", "sk": "CODE"}


def browser(digest: str) -> dict[str, str]:
    return {"pk": f"BROWSER#{digest}", "sk": "BROWSER"}


def errand(digest: str) -> dict[str, str]:
    return {"pk": f"ERRAND#{digest}", "sk": "ERRAND"}


def attempts(digest: str) -> dict[str, str]:
    return {"pk": f"ATTEMPTS#{digest}", "sk": "ATTEMPTS"}
