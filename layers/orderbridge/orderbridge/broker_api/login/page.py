"""The login page: plain HTML with one style sheet in it, no script, no picture, nothing but signing in.

TradingView opens it in a tab of its own for 120 s and allows no other content on it. What comes from outside is escaped
here and nowhere else.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal
from urllib.parse import urlsplit

from orderbridge.broker_api.gateway import Answer

STYLE = """\
:root { color-scheme: light dark; --ink: #14181f; --paper: #f3f4f6; --card: #fff; --line: #767c86;
  --act: #0b57d0; --on-act: #fff; --wrong: #a3180e; --wrong-paper: #fdeceb; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceef2; --paper: #101318; --card: #1a1e25; --line: #8b929d;
  --act: #a8c7fa; --on-act: #0a2a5e; --wrong: #ffb4ab; --wrong-paper: #3b1512; } }
* { box-sizing: border-box; }
body { margin: 0; padding: min(1rem, 4vw); background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 26rem; margin: min(2rem, 4vh) auto; padding: min(1.5rem, 6vw);
  background: var(--card); border-radius: .75rem; }
h1 { margin: 0 0 .75rem; font-size: 1.375rem; line-height: 1.25; overflow-wrap: anywhere; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
label { display: block; margin: 0 0 .25rem; font-weight: 600; }
input:not([type=checkbox]) { display: block; width: 100%; margin: 0 0 1rem; padding: .625rem .75rem; font: inherit;
  color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
[aria-invalid=true] { border-color: var(--wrong) !important; border-width: 2px !important; }
.check { display: flex; gap: .625rem; margin: 0 0 1rem; font-weight: 400; }
.check input { flex: none; width: 1.25rem; height: 1.25rem; margin: .125rem 0 0; accent-color: var(--act);
  outline: 1px solid var(--line); border-radius: .125rem; }
.check input:focus-visible { outline: 3px solid var(--act); }
main > :last-child { margin-bottom: 0; }
button, .button { display: block; width: 100%; min-height: 2.75rem; margin: .75rem 0 0; padding: .5rem 1rem;
  font: inherit; font-weight: 600; text-align: center; text-decoration: none; cursor: pointer; border-radius: .5rem;
  border: 1px solid var(--act); color: var(--act); background: transparent; }
button.main { background: var(--act); color: var(--on-act); }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
.wrong { margin: 0 0 1rem; padding: .75rem 1rem; color: var(--wrong); background: var(--wrong-paper);
  border-left: 4px solid var(--wrong); border-radius: .25rem; }
.wrong p { margin: 0; }
.wrong a { color: inherit; }
ul { margin: 0 0 1rem; padding-left: 1.25rem; overflow-wrap: anywhere; }
hr { margin: 1.25rem 0 .5rem; border: 0; border-top: 1px solid var(--line); }
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

Field = Literal["login", "password", ""]


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account as the consent page names it."""

    name: str
    broker: str
    real_money: bool


@dataclass(frozen=True, slots=True)
class SignInPage:
    """Ask for login and password, and by the same press for consent."""

    form_key: str
    login: str = ""
    error: str = ""
    at: Field = ""
    """The field that the error is about."""
    tradestation_query: str = ""
    """The query of the way to TradeStation's own sign-in; empty where there is none."""


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """Ask a person who is signed in whether TradingView may go on."""

    form_key: str
    login: str
    accounts: tuple[AccountLine, ...]
    ask_real_money: bool = False
    """Some of the person's own accounts trade real money and have not been released yet."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Say something and end."""

    title: str
    text: str
    back: str = ""
    """Where to begin again; empty where that is no use."""


def sign_in_html(page: SignInPage) -> str:
    """Give the sign-in page."""
    parts = [_error(page.error, page.at)]
    parts.append(
        '<p id="what">TradingView asks to see your accounts and to place, change and cancel orders on them. '
        "Sign in to allow it.</p>"
    )
    described = ' aria-describedby="error"'
    login_wrong = f' aria-invalid="true"{described}' if page.error and page.at else ""
    focus_login, focus_password = ("", "") if page.error else (" autofocus", "")
    parts.append(
        f"""<form method="post" aria-describedby="what">
<input type="hidden" name="form_key" value="{escape(page.form_key)}">
<label for="login">Login</label>
<input id="login" name="login" value="{escape(page.login)}" autocomplete="username" autocapitalize="none"
 spellcheck="false" maxlength="64" required{login_wrong}{focus_login}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="256"
 required{login_wrong}{focus_password}>
<button class="main" name="action" value="sign_in">Sign in and allow</button>
<button name="action" value="deny" formnovalidate>Cancel</button>
</form>"""
    )
    if page.tradestation_query:
        parts.append(
            f'<hr><a class="button" href="tradestation/start?{escape(page.tradestation_query)}">'
            "Sign in at TradeStation instead</a>"
        )
    return _document("Sign in to trade from TradingView", parts, wrong=bool(page.error))


def consent_html(page: ConsentPage) -> str:
    """Give the consent page."""
    rows = "".join(f"<li>{_account(line)}</li>" for line in page.accounts)
    listed = f"<ul>{rows}</ul>" if rows else "<p>No account is linked to you yet.</p>"
    check = ""
    if page.ask_real_money:
        check = (
            '<label class="check"><input type="checkbox" name="real_money" value="yes"><span>Orders from TradingView '
            "may trade <strong>real money</strong> on my accounts. Without this they are shown, and orders are refused."
            "</span></label>"
        )
    parts = [
        _error(page.error, ""),
        f"<p>You are signed in as <strong>{escape(page.login)}</strong>.</p>",
        '<p id="what">TradingView asks to see these accounts and to place, change and cancel orders on them:</p>',
        listed,
        f"""<form method="post" aria-describedby="what">
<input type="hidden" name="form_key" value="{escape(page.form_key)}">
{check}<button class="main" name="action" value="allow">Allow</button>
<button name="action" value="deny">Cancel</button>
<button name="action" value="other">Use another login</button>
</form>""",
    ]
    return _document("Allow TradingView to trade", parts, wrong=bool(page.error))


def message_html(page: MessagePage) -> str:
    """Give a page that only says something."""
    back = f'<a class="button" href="{escape(page.back)}">Back to signing in</a>' if page.back else ""
    return _document(page.title, [f'<p role="status">{escape(page.text)}</p>', back], wrong=False)


def page_answer(
    html: str, status: int = 200, *, redirects_to: Sequence[str] = (), cookies: tuple[str, ...] = ()
) -> Answer:
    """Give a page with the headers that protect it. `redirects_to` are addresses where its form may end up.

    Chromium holds `form-action` also against the redirects that follow a form.
    """
    targets = " ".join(dict.fromkeys(["'self'", *(target for uri in redirects_to for target in _targets(uri))]))
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Pragma": "no-cache",
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; form-action {targets}; "
        "frame-ancestors 'none'; base-uri 'none'",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
        "Strict-Transport-Security": "max-age=31536000",
    }
    return Answer(status, html, headers, cookies)


def redirect_answer(location: str, cookies: tuple[str, ...] = ()) -> Answer:
    """Send the browser on; nobody keeps the address, which holds a code or token."""
    headers = {
        "Location": location,
        "Cache-Control": "no-store",
        "Pragma": "no-cache",
        "Referrer-Policy": "no-referrer",
    }
    return Answer(302, "", headers, cookies)


def _targets(uri: str) -> list[str]:
    """Give the origin of an address as a policy source; TradingView may pass on between its language sites."""
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if host == "tradingview.com" or host.endswith(".tradingview.com"):
        return ["https://tradingview.com", "https://*.tradingview.com"]
    return [f"{parts.scheme}://{parts.netloc}"]


def _account(line: AccountLine) -> str:
    kind = "<strong>real money</strong>" if line.real_money else "simulated"
    return f"{escape(line.name)} ({escape(line.broker)}, {kind})"


def _error(text: str, at: str) -> str:
    """Give the error so that it is read out: focused when the page opens, an alert, and tied to its fields."""
    if not text:
        return ""
    way = f' <a href="#{at}">Try again.</a>' if at else ""
    return f'<div class="wrong" id="error" role="alert" tabindex="-1" autofocus><p>{escape(text)}{way}</p></div>'


def _document(title: str, parts: Sequence[str], *, wrong: bool) -> str:
    shown = f"Error: {title}" if wrong else title
    body = "\n".join(part for part in parts if part)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(shown)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""
