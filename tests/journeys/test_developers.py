"""An owner makes a test key; whoever has it pays a refund in the sandbox, and finds their calls with what went wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from integrations import request_log
from merchants.models import Merchant
from merchants.principals import of_staff
from simulators.kit.testing import RunningSimulator
from tests.api.conftest import Api
from tests.browser import every_look_narrow
from tests.factories import make_merchant, make_staff

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _looked_at(page: Page, axe: Callable[[Page], None], name: str) -> None:
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the screen"
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@every_look_narrow
def test_owner_makes_a_test_key_and_finds_its_calls_with_their_remedy(
    page: Page,
    live_server: object,
    axe: Callable[[Page], None],
    wechat: RunningSimulator,
    tmp_path: Path,
    settings: Settings,
    width: int,
    scheme: str,
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of two
    (tmp_path / "wechat").mkdir()
    (tmp_path / "wechat" / "account.json").write_text(json.dumps(wechat.account))
    settings.STAND_INS_DIR = str(tmp_path)
    merchant, client = make_merchant(), Client()
    owner = make_staff(merchant, "owner")
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": str(live_server)}
    page.context.add_cookies([cookie])  # type: ignore[list-item]  # a cookie of one address

    page.goto(f"{live_server}/desk/developers")
    page.locator("nav.tabs a").nth(1).click()
    page.locator("#test-name").fill("vendor")
    page.locator("form:has(#test-name) button").click()
    key = page.locator("[data-issued-key]").inner_text()
    _looked_at(page, axe, f"developers-key-{width}")

    api = Api(key, Merchant.objects.get(sandbox_of=merchant), of_staff(owner))
    sale = api.post("test/payments", {"channel": "wechat", "amount_fen": 5_000}).json()
    asked = {"transaction": sale["id"], "amount_fen": 1_000, "reason": "quality", "customer_consent": True}
    assert api.post("refund-requests", asked).status_code == 201
    assert api.post("refund-requests", {**asked, "amount_fen": 9_000}).json()["code"]
    assert api.post("refund-requests", {**asked, "nonsense": "13800006021"}).status_code == 400
    request_log.flush()

    page.goto(f"{live_server}/desk/developers?mode=test")
    calls = page.locator("section:has(#h-calls) tbody tr")
    expect(calls).to_have_count(4)
    calls.first.locator("summary").click()
    expect(calls.first).to_contain_text("1000")
    expect(calls.first).not_to_contain_text("13800006021")
    _looked_at(page, axe, f"developers-calls-{width}")
    page.locator("section:has(#h-troubles) tbody a").first.click()
    expect(calls).to_have_count(1)
