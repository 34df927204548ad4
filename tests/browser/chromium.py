"""Headless Chromium, driven over a pipe with the DevTools protocol: no driver program and no library."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WITHIN_S = 20.0
LAUNCH = (
    "import os, sys; [os.dup2(int(a), n) for a, n in zip(sys.argv[1:3], (3, 4))]; os.execv(sys.argv[3], sys.argv[3:])"
)
"""Chromium reads commands from descriptor 3 and replies on 4."""
KEYS: Mapping[str, tuple[int, str]] = {"Tab": (9, ""), "Enter": (13, "\r"), "Space": (32, " ")}


def find() -> str | None:
    """Give Chromium's path: ORDERBRIDGE_CHROMIUM, else one of its usual names."""
    return os.environ.get("ORDERBRIDGE_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class ChromiumError(Exception):
    """Chromium ended, was silent for too long, or refused a command."""


@dataclass
class Chromium:
    """One running browser; `tab` opens a page of its own, with cookies of its own."""

    process: subprocess.Popen[bytes]
    to_browser: int
    from_browser: int
    _number: int = 0
    _rest: bytes = b""
    events: list[dict[str, Any]] = field(default_factory=list)

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Give one command and wait for its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        reply = self._until(lambda found: found.get("id") == self._number, method)
        if "error" in reply:
            raise ChromiumError(f"{method}: {reply['error']['message']}")
        result: dict[str, Any] = reply["result"]
        return result

    def wait(self, event: str, session: str) -> dict[str, Any]:
        """Wait for an event of a page that has not been waited for yet."""

        def fits(found: Mapping[str, Any]) -> bool:
            return found.get("method") == event and found.get("sessionId") == session

        for position, kept in enumerate(self.events):
            if fits(kept):
                del self.events[: position + 1]
                return kept
        return self._until(fits, event)

    def forget_events(self) -> None:
        """Forget what has happened so far."""
        self.events.clear()

    def _until(self, fits: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        give_up = time.monotonic() + WITHIN_S
        while True:
            message = self._read(give_up, what)
            if fits(message):
                return message
            if "method" in message:
                self.events.append(message)

    def _read(self, give_up: float, what: str) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.from_browser], [], [], max(0.0, give_up - time.monotonic()))
            chunk = os.read(self.from_browser, 1 << 20) if ready else b""
            if not chunk:
                raise ChromiumError(f"no answer to {what} within {WITHIN_S:.0f} s")
            self._rest += chunk
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    @contextmanager
    def tab(self) -> Iterator["Tab"]:
        """Open a page that shares no cookies with any other, for the length of a `with`."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, session)
        for domain in ("Page", "Runtime", "DOM", "Accessibility", "Log"):
            tab.call(f"{domain}.enable")
        tab.call("Emulation.setFocusEmulationEnabled", enabled=True)
        try:
            yield tab
        finally:
            self.call("Target.disposeBrowserContext", browserContextId=context)


@dataclass
class Tab:
    """One page."""

    browser: Chromium
    session: str

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.browser.call(method, self.session, **parameters)

    def open(self, url: str) -> None:
        """Open an address and wait until the page is there."""
        self.browser.forget_events()
        self.call("Page.navigate", url=url)
        self.browser.wait("Page.loadEventFired", self.session)

    def press(self, key: str, *, leads_on: bool = False) -> None:
        """Press a key; with `leads_on`, wait for the page that it brings."""
        code, text = KEYS[key]
        self.browser.forget_events()
        about = {"key": " " if key == "Space" else key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)
        if leads_on:
            self.browser.wait("Page.loadEventFired", self.session)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)

    def click(self, selector: str, *, leads_on: bool = True) -> None:
        """Click on the middle of an element, as a person does."""
        x, y = self.js(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView();"
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        self.browser.forget_events()
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        if leads_on:
            self.browser.wait("Page.loadEventFired", self.session)

    def js(self, expression: str) -> Any:
        """Look something up in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise ChromiumError(str(result["exceptionDetails"]))
        return result["result"].get("value")

    @property
    def url(self) -> str:
        return str(self.js("location.href"))

    @property
    def focused(self) -> str:
        """Give what the reader says of the element that has the focus: its id, else its text."""
        return str(self.js("document.activeElement.id || document.activeElement.textContent.trim()"))

    def wait_for(self, expression: str, value: object) -> None:
        """Wait until something in the page is so: what is painted comes a frame after what is loaded."""
        give_up = time.monotonic() + WITHIN_S
        while self.js(expression) != value:
            if time.monotonic() > give_up:
                raise ChromiumError(f"{expression} did not become {value!r}")
            time.sleep(0.02)

    def spoken(self) -> list[tuple[str, str]]:
        """Give role and name of all that a screen reader reads."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]

    def look(self, *, dark: bool = False, width: int = 1280, height: int = 800) -> None:
        """Set colour scheme and window."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def without_scripts(self) -> None:
        self.call("Emulation.setScriptExecutionDisabled", value=True)

    def without_third_party_cookies(self) -> None:
        self.call("Network.enable")
        self.call(
            "Network.setCookieControls",
            enableThirdPartyCookieRestriction=True,
            disableThirdPartyCookieMetadata=True,
            disableThirdPartyCookieHeuristics=True,
        )

    def screenshot(self, path: Path) -> None:
        """Write a picture of the window."""
        picture = self.call("Page.captureScreenshot", format="png")["data"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(picture))

    def violations(self) -> list[str]:
        """Give what the browser has reported since the page was opened: blocked content and the like."""
        own = [event for event in self.browser.events if event.get("sessionId") == self.session]
        return [str(event["params"]["entry"]["text"]) for event in own if event["method"] == "Log.entryAdded"]


def _high(descriptor: int) -> int:
    """Move a descriptor out of the way of 3 and 4."""
    high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return high


@contextmanager
def chromium(path: str, folder: Path) -> Iterator[Chromium]:
    """Run Chromium for the length of a `with`; `folder` takes its profile."""
    preferences = folder / "Default" / "Preferences"
    preferences.parent.mkdir(parents=True)
    third_party_cookies_pass = {"profile": {"cookie_controls_mode": 0}}
    preferences.write_text(json.dumps(third_party_cookies_pass), encoding="utf-8")
    read_commands, to_browser = map(_high, os.pipe())
    from_browser, write_replies = map(_high, os.pipe())
    arguments = [
        path,
        "--headless=new",
        "--remote-debugging-pipe",
        f"--user-data-dir={folder}",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-breakpad",
        "--no-first-run",
        "--no-default-browser-check",
        "--no-proxy-server",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),  # a container's root has no user namespaces to give
    ]
    with (folder.parent / "chromium.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(read_commands), str(write_replies), *arguments],
            pass_fds=(read_commands, write_replies),
            stdin=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},  # it writes nothing elsewhere
            stdout=log,
            stderr=log,
        )
    os.close(read_commands)
    os.close(write_replies)
    browser = Chromium(process, to_browser, from_browser)
    try:
        browser.call("Browser.getVersion")
        yield browser
    finally:
        os.close(to_browser)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        os.close(from_browser)
