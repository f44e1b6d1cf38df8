"""Headless Chromium for tests: found, or installed where that was asked for, and driven through a pipe.

    AMSS_MIN_CHROMIUM=/path/to/chromium   use this one
    AMSS_MIN_INSTALL_CHROMIUM=1           without one, try: apt-get install chromium

The driver speaks the DevTools protocol (JSON messages, each ended by a zero byte) on file descriptors 3 and 4 of the
browser: no package, no server and no port is needed.
"""

import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60.0  # seconds; a busy machine starts a browser slowly

_FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_START = """
import fcntl, os, sys
reading, writing = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(reading, 3)
os.dup2(writing, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class NoChromium(Exception):
    """There is no Chromium; the text says why and what helps."""


def executable() -> str:
    """The path of a Chromium, installed first where that is asked for. Raises NoChromium."""
    named = os.environ.get("AMSS_MIN_CHROMIUM")
    if named:
        if not os.access(named, os.X_OK):
            raise NoChromium(f"AMSS_MIN_CHROMIUM must name a program, found {named!r}, which is none")
        return named
    found = _found()
    if found is None and os.environ.get("AMSS_MIN_INSTALL_CHROMIUM") == "1":
        with (Path(tempfile.gettempdir()) / "amss-min-chromium.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # tests in several processes install once
            if _found() is None:
                _install()
        found = _found()
    if found is None:
        raise NoChromium(
            f"no {' or '.join(NAMES)} on PATH; install one, name one by AMSS_MIN_CHROMIUM, or let the tests try with "
            "AMSS_MIN_INSTALL_CHROMIUM=1"
        )
    return found


def _found() -> str | None:
    return next((path for path in map(shutil.which, NAMES) if path), None)


def _install() -> None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise NoChromium("AMSS_MIN_INSTALL_CHROMIUM=1 needs apt-get and root")
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (("update",), ("install", "-y", "--no-install-recommends", "chromium")):
        done = subprocess.run(["apt-get", "-q", *arguments], env=variables, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise NoChromium(f"apt-get {' '.join(arguments)} ended with {done.returncode}: {last}")


class Browser:
    """One browser with one page. errors: what the console and the page complained about; requests: every address."""

    def __init__(self, reading: int, writing: int) -> None:
        self._in, self._out, self._number, self._rest = reading, writing, 0, b""
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.failed: list[str] = []
        self._loaded = False
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command; returns its result, raises RuntimeError where the browser refuses."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])

    def open(self, address: str) -> None:
        """Load a page and wait for it; what it complains about goes to the lists."""
        self._loaded = False
        found = self.call("Page.navigate", url=address)
        if "errorText" in found:
            raise RuntimeError(f"{address}: {found['errorText']}")
        while not self._loaded and "loaderId" in found:
            self._next()
        self.call("Runtime.evaluate", expression="0")  # what was logged before this has arrived now

    def run(self, script: str) -> Any:
        """The value of an expression, awaited; raises RuntimeError where it throws."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        return found["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        """A key, down and up."""
        given = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **given)
        self.call("Input.dispatchKeyEvent", type="keyUp", **given)

    def type(self, text: str) -> None:
        """Text, into what has the focus."""
        self.call("Input.insertText", text=text)

    def size(self, width: int, height: int = 900) -> None:
        """The size of the window, in CSS pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def media(self, *, scheme: str = "light", kind: str = "") -> None:
        """What the system asks for: light or dark; screen or print."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=kind, features=features)

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            if not select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"the browser said nothing for {PATIENCE:g} s")
            received = os.read(self._in, 1 << 16)
            if not received:
                raise RuntimeError("the browser ended")
            self._rest += received
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._heard(message.get("method", ""), message.get("params", {}))
        return message

    def _heard(self, method: str, said: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Runtime.exceptionThrown":
            self.errors.append(str(said["exceptionDetails"].get("exception", said["exceptionDetails"])))
        elif method == "Runtime.consoleAPICalled":
            self.errors.append(f"{said['type']}: {[item.get('value') for item in said['args']]}")
        elif method == "Log.entryAdded":
            self.errors.append(f"{said['entry']['level']}: {said['entry']['text']} {said['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        elif method == "Network.loadingFailed":
            self.failed.append(said["errorText"])


@contextmanager
def browser(folder: Path, path: str, flags: Sequence[str] = ()) -> Iterator[Browser]:
    """A browser whose profile lies in this folder; ends with the block."""
    to_browser, writing = os.pipe()
    reading, from_browser = os.pipe()
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()  # Chromium has no sandbox for root
    arguments = [path, *_FLAGS, *root, f"--user-data-dir={folder}", *flags]
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _START, str(to_browser), str(from_browser), *arguments],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        os.close(to_browser)
        os.close(from_browser)
        try:
            yield Browser(reading, writing)
        finally:
            os.close(writing)
            os.close(reading)
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
