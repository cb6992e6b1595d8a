"""Every page that the walk opens, as a browser paints it: by role, language, width and light (`make looks`).

The browser is answered by the test's own client, so that what a case has made is there and nothing outlives it. Each role that
may open a page sees it; a page's own role in four looks, so that every pair of language, width and light comes, the others in
two that are each other's opposite.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import polib
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from playwright.sync_api import Page, Route

from merchants.models import Role
from simulators.kit.testing import RunningSimulator
from tests.walk.cases import every_case
from tests.walk.stage import Stage

pytestmark = [pytest.mark.django_db, pytest.mark.browser, pytest.mark.looks]

CASES = every_case()
# To the browser as safe as https, and nobody listens: every request is answered here.
_ORIGIN = "http://localhost:8999"
_HEIGHT = 900
#: What is no page a person looks at.
_NO_PAGES = ("/api/v1/", "/api/schema", "/metrics", "/^/*[Aa][Pp][Ii]/")
#: Controls that browsers word and write in a language of their own.
_NATIVE = "input:is([type=file],[type=date],[type=time],[type=datetime-local],[type=month],[type=week])"
_TEXTS = """
() => {
  const texts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const within = walker.currentNode.parentElement;
    if (within && !within.closest("script,style,noscript,[lang],pre,code,template")) texts.push(walker.currentNode.data);
  }
  for (const one of document.body.querySelectorAll("[aria-label],[placeholder],[title],[alt]"))
    for (const name of ["aria-label", "placeholder", "title", "alt"])
      if (one.hasAttribute(name) && !one.closest("[lang]")) texts.push(one.getAttribute(name));
  return [...texts, document.title].map((text) => text.replace(/\\s+/g, " ").trim()).filter(Boolean);
}
"""
# Of what a field suggests nothing is cut off.
_CUT = """
() => [...document.querySelectorAll("[placeholder]")].filter((one) => one.offsetParent && !one.value).flatMap((one) => {
  const style = getComputedStyle(one), text = document.createElement("canvas").getContext("2d");
  text.font = style.font;
  const room = one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return text.measureText(one.placeholder).width > room + 1 ? [one.placeholder] : [];
})
"""


@dataclass(frozen=True, slots=True)
class Look:
    language: Literal["zh-hans", "en"]
    width: int
    scheme: Literal["light", "dark"]


_FOUR = (
    Look("zh-hans", 1440, "light"),
    Look("zh-hans", 390, "dark"),
    Look("en", 1440, "dark"),
    Look("en", 390, "light"),
)
_OPPOSITES = (
    (Look("zh-hans", 1440, "light"), Look("en", 390, "dark")),
    (Look("zh-hans", 390, "dark"), Look("en", 1440, "light")),
    (Look("zh-hans", 390, "light"), Look("en", 1440, "dark")),
)


@dataclass
class Eye:
    """Sees what a client was answered, and says what is wrong with it."""

    page: Page
    axe: Callable[[Page], None]
    stage: Stage
    get: Callable[..., Any]
    seen: int = 0
    looking: bool = False

    def see(self, client: Client, path: str) -> None:
        """In four looks as its reader, in two as each other role that may open it."""
        own = client.cookies.get(settings.SESSION_COOKIE_NAME)
        for look in _FOUR:
            self._look(client, path, look)
        if own is None or not path.startswith("/desk"):
            return
        for number, role in enumerate(Role.values):
            other = self.stage.browser(role)
            # Sessions are one a sign-in: whose it is says the client's user.
            if other.session.get("_auth_user_id") != client.session.get("_auth_user_id"):
                for look in _OPPOSITES[number % len(_OPPOSITES)]:
                    self._look(other, path, look)

    def _look(self, client: Client, path: str, look: Look) -> None:
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = look.language
        headers = {"accept-language": "zh-CN" if look.language == "zh-hans" else "en"}
        if self.get(client, path, headers=headers).status_code != 200:
            return
        page = self.page
        page.unroute_all()
        # The browser calls from a greenlet of its own, in which Django would open another connection and see nothing of ours.
        here = copy_context()
        page.route("**/*", lambda route: here.copy().run(_answer, route, client, headers))
        page.emulate_media(color_scheme=look.scheme)
        page.set_viewport_size({"width": look.width, "height": _HEIGHT})
        page.goto(f"{_ORIGIN}{path}")
        about = f"{path} {look}"
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= look.width, f"{about}: {wide} px wide"
        foreign = sorted({text for text in page.evaluate(_TEXTS) if text in _foreign(look.language)})
        assert not foreign, f"{about}: {foreign}"
        native = page.locator(_NATIVE).evaluate_all(
            "(all) => all.filter((one) => one.checkVisibility({visibilityProperty: true, opacityProperty: true}))"
            ".map((one) => one.outerHTML)"
        )
        assert not native, f"{about}: {native}"
        cut = page.evaluate(_CUT)
        assert not cut, f"{about}: {cut}"
        self.axe(page)
        self.seen += 1


@cache
def _foreign(language: str) -> frozenset[str]:
    """The texts of the other language, as far as they are not of this one, too."""
    catalogue = polib.pofile(str(Path(settings.BASE_DIR) / "locale/zh_Hans/LC_MESSAGES/django.po"))
    english = {entry.msgid for entry in catalogue if entry.msgstr}
    chinese = {entry.msgstr for entry in catalogue if entry.msgstr}
    others, own = (english, chinese) if language == "zh-hans" else (chinese, english)
    # A short word may be a shop's own: a store, a name, a reason that somebody typed.
    long_enough = 4 if language == "zh-hans" else 5
    return frozenset(text for text in others - own if len(text) >= long_enough and re.search(r"[^\W\d_]", text))


def _answer(route: Route, client: Client, headers: Mapping[str, str]) -> None:
    asked = urlsplit(route.request.url)
    if asked.path.startswith("/static/"):
        found = finders.find(asked.path.removeprefix("/static/"))
        if found:
            route.fulfill(path=str(found))
        else:
            route.fulfill(status=404)
        return
    path = asked.path + (f"?{asked.query}" if asked.query else "")
    answer: Any = client.generic(route.request.method, path, headers={**headers, "x-requested-with": "fetch"})
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    kept = {name: value for name, value in answer.headers.items() if name.lower() not in {"content-length", "vary"}}
    route.fulfill(status=answer.status_code, headers=kept, body=body)


@pytest.fixture
def eye(
    db: None, page: Page, axe: Callable[[Page], None], wechat_process: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Eye]:
    wechat_process.control("POST", "/reset", {})
    wechat_process.control("DELETE", "/faults")
    get = Client.get
    made = Eye(page=page, axe=axe, stage=Stage(wechat_process), get=get)

    def seeing(client: Client, path: str, data: Any = None, *arguments: Any, **named: Any) -> Any:
        answer = get(client, path, data, *arguments, **named)
        is_page = answer.status_code == 200 and str(answer["Content-Type"]).startswith("text/html")
        if is_page and not made.looking and b"<html" in answer.content[:500].lower():
            made.looking = True
            try:
                made.see(client, f"{path}?{urlencode(data)}" if data else path)
            finally:
                made.looking = False
        return answer

    monkeypatch.setattr(Client, "get", seeing)
    yield made
    page.unroute_all(behavior="ignoreErrors")


@pytest.mark.parametrize("route", sorted(r for method, r in CASES if method == "GET" and not r.startswith(_NO_PAGES)))
def test_page_in_every_look_fits_reads_in_one_language_and_breaks_no_rule(eye: Eye, route: str) -> None:
    CASES["GET", route](eye.stage)
