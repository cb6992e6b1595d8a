"""From a key to the next refund painted, in a browser: in the list, and deciding one after the other.

Two clocks. Ours runs from the event's own time stamp until a frame with that refund in it was painted; the browser's Event Timing
says how long the key's own frame took. Ours is the longer one wherever something has to be fetched first.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from dev.embedded import chromium
from merchants.models import Role, Staff
from samples.demo import scale

#: As long as a quick person looks at one.
_LOOKS_MS = 600
_WATCH = """
(() => {
  window.keys = { painted: [], events: [] };
  let pressed = null;
  const shown = () => {
    const row = document.querySelector(".q-row.current");
    const head = document.querySelector("#pane [data-shown]");
    const busy = document.getElementById("pane").hasAttribute("aria-busy");
    return row && head && !busy && head.dataset.shown === row.dataset.key ? head.dataset.shown : "";
  };
  document.addEventListener("keydown", (event) => {
    pressed = { at: event.timeStamp, was: shown() };
  }, true);
  const look = () => {
    if (!pressed) return;
    const now = shown();
    if (!now || now === pressed.was) return;
    const { at } = pressed;
    pressed = null;
    // After the frame in which it is there.
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => window.keys.painted.push(performance.now() - at);
      channel.port2.postMessage(0);
    });
  };
  new MutationObserver(look).observe(document.getElementById("split"),
    { subtree: true, childList: true, attributes: true, attributeFilter: ["aria-busy", "aria-current"] });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === "keydown") window.keys.events.push(entry.duration);
  }).observe({ type: "event", durationThreshold: 16 });
})()
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """Milliseconds from each key to the refund painted, and of each key's own frame where it took 16 or more; ``cpu_ms``: of the
    page's thread, for a key with all that it starts. That one does not depend on what else the machine does.
    """

    painted: list[float]
    frames: list[float]
    cpu_ms: float

    @property
    def p95(self) -> float:
        return _p95(self.painted)

    def __str__(self) -> str:
        slow = f"{_p95(self.frames):.0f} ms" if self.frames else "below 16 ms"
        median = statistics.median(self.painted)
        cpu = f"{self.cpu_ms:.0f} ms of processor each"
        return f"ms, {len(self.painted)} keys, median {median:.0f}; Event Timing p95 {slow}; {cpu}"


def _p95(values: list[float]) -> float:
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


def measure(*, port: int, presses: int) -> tuple[Seen, Seen]:
    """Walking through the list, and deciding in flow mode, ``presses`` keys each."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    client = Client()
    reviewer = Staff.objects.get(username=scale.PEOPLE[Role.REVIEWER])
    client.force_login(reviewer, backend="django.contrib.auth.backends.ModelBackend")
    url = f"http://127.0.0.1:{port}"
    name = settings.SESSION_COOKIE_NAME
    system = chromium.on_system()
    more: dict[str, Any] = {"executable_path": str(system)} if system else {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(args=["--no-sandbox", "--disable-dev-shm-usage"], **more)
        try:
            context = browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
            context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])
            page = context.new_page()
            page.set_default_timeout(10_000)
            return _walk(page, url, presses), _decide(page, url, presses)
        finally:
            browser.close()


def _begin(page: Page, address: str) -> Callable[[], float]:
    """Open it and watch. Returns what tells the processor time of the page's thread so far, in seconds."""
    page.goto(address)
    page.wait_for_selector("#pane [data-shown]")
    page.evaluate(_WATCH)
    page.wait_for_timeout(_LOOKS_MS)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def used_s() -> float:
        told = session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in told if one["name"] == "TaskDuration"))

    return used_s


def _walk(page: Page, url: str, presses: int) -> Seen:
    used_s = _begin(page, f"{url}/desk")
    before_s = used_s()
    rows = page.locator(".q-row").count()
    for number in range(presses):
        # Down to the last row, up to the first, and so on.
        page.keyboard.press("j" if number // (rows - 1) % 2 == 0 else "k")
        page.wait_for_function("many => keys.painted.length >= many", arg=number + 1)
        page.wait_for_timeout(_LOOKS_MS)
    return _end(page, (used_s() - before_s) / presses)


def _decide(page: Page, url: str, presses: int) -> Seen:
    used_s = _begin(page, f"{url}/desk?flow=1")
    before_s = used_s()
    for number in range(presses):
        page.keyboard.press("a")
        page.wait_for_selector("#pane dialog[open]")
        page.keyboard.press("Enter")
        page.wait_for_function("many => keys.painted.length >= many", arg=number + 1)
        page.wait_for_timeout(_LOOKS_MS)
    return _end(page, (used_s() - before_s) / presses)


def _end(page: Page, cpu_s: float) -> Seen:
    found = page.evaluate("keys")
    return Seen(found["painted"], found["events"], cpu_s * 1_000)
