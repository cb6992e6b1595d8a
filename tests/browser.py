"""The browser for tests: the system's Chromium, as a shop in China has it, and a page that tolerates no complaint.

    @pytest.mark.browser
    @pytest.mark.django_db(transaction=True)
    def test_reviewer_approves_with_the_keyboard(page, live_server, axe): ...

`page` fails the test on a breach of the content security policy, an error in the console or an uncaught exception.
A test that provokes one (a 404 is an error in the console) lists what it expects in `expected_complaints`.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, Route, expect

from dev.embedded import chromium

# Without these Chromium calls home at every start, which no test may do.
_QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    # There is no graphics card to paint with: what imitates one costs more than painting without, and a process of its own.
    "--disable-gpu",
    "--in-process-gpu",
]
# Five seconds are little for a page on a machine that does other work, too, and half a minute for the first one of a process,
# which has all pages to read; what is there costs none of them.
_PAGE_MS, _PART_MS = 120_000, 60_000
expect.set_options(timeout=_PART_MS)
# Breaches are reported to the page itself; the console repeats them, but not for every directive.
_REPORT_CSP_BREACHES = """
document.addEventListener("securitypolicyviolation", (breach) =>
  console.error("content security policy: " + breach.violatedDirective + " refused " + breach.blockedURI));
"""

# A click on a link returns while the old page still stands there. It says that it is being left, and what looks at a page waits
# for the next one. A download leaves nothing, so the waiting ends.
_REPORT_LEAVING = """
addEventListener("beforeunload", () => { window.isBeingLeft = true; setTimeout(() => { window.isBeingLeft = false; }, 15000); });
"""
_ARRIVED = """
() => !window.isBeingLeft && document.readyState === "complete" && !document.querySelector(".htmx-request, .htmx-settling")
"""

_AXE = Axe()
#: What is wrong, and nothing of the thousands of things that are right. No style sheet or film is fetched a second time: no rule
#: of those that are on asks for it.
_VIOLATIONS = """
async () => {
  const { violations } = await axe.run({ resultTypes: ["violations"], preload: false });
  return { violations };
}
"""


def in_looks(*values: object) -> Any:
    """A case that `make looks` tries and `make test` leaves out, since another case of the same journey stands for it."""
    return pytest.param(*values, marks=pytest.mark.looks)


_SIZES = ("width", "scheme")
#: A journey's looks: one in `make test`, all four in `make looks`. Every second journey is walked in the wide, light one ...
every_look = pytest.mark.parametrize(
    _SIZES, [(1440, "light"), in_looks(390, "dark"), in_looks(1440, "dark"), in_looks(390, "light")]
)
#: ... and every other one in the narrow, dark one, so that a run has both.
every_look_narrow = pytest.mark.parametrize(
    _SIZES, [in_looks(1440, "light"), (390, "dark"), in_looks(1440, "dark"), in_looks(390, "light")]
)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """How pytest-playwright starts the browser."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright keeps an event loop running in the tests' thread
    arguments = {"args": ["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none", *_QUIET]}
    system = chromium.on_system()
    # Without one on the system it is playwright's own, which `make test` has fetched.
    return arguments | ({"executable_path": str(system)} if system else {})


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    """A new context a test: Chinese, in Shanghai, on a usual screen."""
    return {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "viewport": {"width": 1440, "height": 900}}


@pytest.fixture
def expected_complaints() -> list[str]:
    """Regular expressions of the complaints that this test provokes; empty: none is tolerated."""
    return []


@pytest.fixture
def context(context: BrowserContext, expected_complaints: list[str]) -> Iterator[BrowserContext]:
    """A context every page of which is listened to."""
    complaints: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"{message.text} ({message.location.get('url', '')})")

    context.on("console", on_console)
    context.on("weberror", lambda error: complaints.append(f"uncaught: {error.error}"))
    context.set_default_navigation_timeout(_PAGE_MS)
    context.set_default_timeout(_PART_MS)
    context.add_init_script(_REPORT_CSP_BREACHES)
    context.add_init_script(_REPORT_LEAVING)
    yield context
    unexpected = [text for text in complaints if not any(re.search(known, text) for known in expected_complaints)]
    assert not unexpected, "the page complained:\n" + "\n".join(unexpected)


def arrive(page: Page) -> None:
    """Wait, at most half a minute, until the page to which a click led is there."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        # Not `wait_for_function`: it wants frames painted, or a script that may run, and a page may have neither. A page that
        # goes while it is asked answers with an error.
        with contextlib.suppress(Error):
            if page.evaluate(_ARRIVED):
                return
        page.wait_for_timeout(50)


class Held:
    """What a page asks for at an address, from now on: each waits until it is let go."""

    def __init__(self, page: Page, address: str, *, wants: Callable[[Request], bool] = lambda _: True) -> None:
        self._page = page
        self._routes: list[Route] = []
        page.route(address, lambda route: self._routes.append(route) if wants(route.request) else route.continue_())

    def wait_for(self, number: int) -> None:
        """Until so many have been asked for."""
        until = time.monotonic() + _PART_MS / 1000
        while len(self._routes) < number:
            assert time.monotonic() < until, f"{len(self._routes)} requests instead of {number}"
            self._page.wait_for_timeout(50)

    def let_go(self, number: int) -> None:
        """Answer that one, counted from 1, and give the page time to do something with it."""
        route = self._routes[number - 1]
        with self._page.expect_event("requestfinished", lambda request: request == route.request):
            route.continue_()
        self._page.wait_for_timeout(200)


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """`axe(page)` fails with a readable list if the page breaks a rule of accessibility."""

    def check(page: Page) -> None:
        arrive(page)
        # A colour on its way from light to dark is neither. Not waited for: a page that paints no frame ends no transition, and
        # one such wait once stood still until CI gave up.
        page.evaluate("() => document.getAnimations().forEach((one) => one instanceof CSSTransition && one.finish())")
        # Half a megabyte of script: once a page, however often it is looked at.
        if not page.evaluate("'axe' in window"):
            page.evaluate(_AXE.axe_script)
        results = AxeResults(page.evaluate(_VIOLATIONS))
        assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"

    return check
