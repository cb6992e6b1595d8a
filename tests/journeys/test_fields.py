"""Days, files and what a field wants: in the page's language, by mouse and by keyboard, in a browser of another language."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from merchants.models import CalendarDay
from tests.factories import make_merchant, make_staff
from tests.journeys.session import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_english_page_in_a_chinese_browser_speaks_english(
    page: Page, live_server: object, axe: Callable[[Page], None], tmp_path: Path
) -> None:
    client = Client()
    client.force_login(make_staff(make_merchant(), "owner"), backend="django.contrib.auth.backends.ModelBackend")
    cookies = {"sessionid": client.cookies["sessionid"].value, "django_language": "en"}
    page.context.add_cookies(
        [{"name": name, "value": value, "url": str(live_server)} for name, value in cookies.items()]
    )
    page.goto(f"{live_server}/desk/hours")
    day = page.locator("#day-date")
    form = page.locator("form[action$='/hours/days']")
    # Nothing typed, nonsense typed: said below the field, and nothing was sent.
    form.locator("button[type=submit]").click()
    expect(form.get_by_role("alert")).to_have_text("Fill this in.")
    day.fill("31.2.")
    form.locator("button[type=submit]").click()
    expect(form.get_by_role("alert")).to_have_text("Write a day like 2026-11-27.")
    assert not CalendarDay.objects.exists()
    # As people write it.
    day.fill("2027/2/17")
    day.blur()
    expect(day).to_have_value("2027-02-17")
    opener = page.get_by_role("button", name="Pick a day: Day")
    opener.click()
    picker = page.get_by_role("dialog", name="Pick a day")
    expect(picker).to_contain_text("February 2027")
    axe(page)
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / "day-picker.png")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator(":focus")).to_have_attribute("aria-label", re.compile("25 February 2027|February 25, 2027"))
    page.keyboard.press("Escape")
    expect(picker).to_have_count(0)
    expect(opener).to_be_focused()
    opener.click()
    page.keyboard.press("PageDown")
    page.keyboard.press("Enter")
    expect(day).to_have_value("2027-03-17")
    form.locator("button[type=submit]").click()
    expect(page.locator(".toast.ok")).to_be_visible()
    assert CalendarDay.objects.get().date.isoformat() == "2027-03-17"

    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"{live_server}/desk/batches")
    box = page.locator(".file-box")
    expect(box).to_contain_text("Choose a file")
    expect(box).to_contain_text("nothing chosen yet")
    (tmp_path / "recall.csv").write_text("order_no\n")
    page.locator("#batch-file").set_input_files(tmp_path / "recall.csv")
    expect(box).to_contain_text("recall.csv")
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_a_choice_and_a_file_want_is_said_as_such_and_what_is_typed_outlives_a_poll(
    page: Page, live_server: object
) -> None:
    sign_in(page, live_server, make_staff(make_merchant(), "owner"))
    page.goto(f"{live_server}/desk/tasks")
    form = page.locator("form:has(#task-kind)")
    form.locator("[type=submit]").click()
    expect(form.locator("#task-kind + [role=alert]")).to_have_text("请选择。")
    page.goto(f"{live_server}/desk/imports")
    page.locator("form:has([type=file]) [type=submit]").last.click()
    expect(page.locator("main [role=alert]")).to_have_text("请选择文件。")
    # A poll would take the page to sign in anew, with what stands in it: the bell does not ask while somebody types.
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live_server}/desk/tasks")
    ring = """() => {
        const bell = document.getElementById("bell");
        htmx.trigger(bell, "htmx:trigger");
        return htmx.ajax("GET", bell.getAttribute("hx-get"), { source: bell, swap: "outerHTML" }).then(() => 0, () => 0);
    }"""
    page.evaluate(ring)
    assert sum(url.endswith("/notices/bell") for url in asked) == 1
    page.locator("form:has(#task-kind) input:not([type=hidden])").first.fill("RF-1")
    page.evaluate(ring)
    assert sum(url.endswith("/notices/bell") for url in asked) == 1
