"""An owner, from the link that the shell printed to the first refund paid, in browsers only.

The whole of it, in both languages and with every page looked at, is `make owner`; every day one language and fewer people.
"""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from merchants.models import ChannelAccount, Merchant, Staff
from refunds.models import Execution, RefundRequest
from refunds.payouts.loop import drain
from simulators.kit.testing import RunningSimulator
from terminals.models import Transaction, TransactionLine
from tests.factories import wechat_credentials
from tests.second_factors import code_of
from tests.simulators.till import running_till

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a long password"
#: What the script may take; of a machine that does other work, too.
_MOST_S = 600
#: The page's words, without those that are marked as another language's and the channels' letters.
_SAID = """() => {
  const copy = document.querySelector("main").cloneNode(true);
  copy.querySelectorAll("[lang], .ch, script, template").forEach((other) => other.remove());
  return copy.textContent;
}"""
_HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass
class Person:
    """Somebody with a browser of their own."""

    page: Page
    base: str
    language: str
    look: Callable[[Page, str], None]
    secret: str = ""

    def come_in(self, link: str, name: str, *, has_factor: bool) -> None:
        """From an invitation to the desk: name, password, second factor."""
        page = self.page
        page.goto(self.base + link[link.index("/join/") :])
        page.select_option("#join-language", self.language)
        page.fill("#join-name", name)
        page.fill("#new-password", PASSWORD)
        page.fill("#new-again", PASSWORD)
        self.look(page, "join")
        page.locator("form:has(#join-name) button[type=submit]").click()
        expect(page.locator("#id_username")).to_be_visible()
        login = Staff.objects.get(name=name).username
        page.fill("#id_username", login)
        page.fill("#id_password", PASSWORD)
        page.locator("form:has(#id_password) button[type=submit]").click()
        if has_factor:
            self.look(page, "enrol")
            self.secret = page.locator("[data-secret]").inner_text()
            page.fill("#app-code", code_of(self.secret))
            page.locator("form:has(#app-code) button[type=submit]").click()
            expect(page.locator("[data-recovery-codes] li")).to_have_count(10)
            self.look(page, "codes")
            page.locator("main a.btn.primary").click()
        expect(page).to_have_url(re.compile(f"^{re.escape(self.base)}/desk"))

    def sign(self, what: str) -> None:
        """What the page asks before it is done. A code is good once: it is the app's next."""
        expect(self.page.locator("[data-signing]")).to_be_visible()
        self.look(self.page, what)
        self.page.fill("#signed-by-code", code_of(self.secret, periods=1))
        self.page.locator("[data-signing] button[type=submit]").click()

    def open(self, path: str) -> None:
        """By its address, once it was found in the navigation or on a page."""
        self.page.goto(f"{self.base}/desk/{path}")
        expect(self.page.locator("h1").first).to_be_visible()

    def next_step(self, path: str) -> None:
        """Where the list on the desk leads."""
        self.page.goto(f"{self.base}/desk")
        self.look(self.page, f"desk-{path.replace('/', '-')}")
        self.page.locator(".setting-up .btn.primary").click()
        expect(self.page).to_have_url(re.compile(f"/desk/{path}$"))
        self.look(self.page, path.replace("/", "-"))

    def send(self, form: str, **fields: str) -> None:
        """Fill a form of settings by its fields' names."""
        card = self.page.locator(f"#{form}")
        for name, value in fields.items():
            one = card.locator(f"[name='{name}']")
            if one.evaluate("e => e.tagName") == "SELECT":
                one.select_option(value)
            else:
                one.fill(value)
        card.locator("button[type=submit]").first.click()
        expect(self.page.locator(".toast.ok")).to_be_visible()


@pytest.fixture
def people(
    browser: Browser, live_server: object, browser_context_args: dict[str, Any], axe: Callable[[Page], None]
) -> Iterator[Callable[..., Person]]:
    """Makes people, each with a browser; ``looked_at``: every page of theirs is judged."""
    contexts = []

    def make(language: str, *, looked_at: bool) -> Person:
        locale = {"locale": "en-GB"} if language == "en" else {}
        context = browser.new_context(**{**browser_context_args, **locale})
        contexts.append(context)
        return Person(context.new_page(), str(live_server), language, _look(axe, language) if looked_at else _pass)

    yield make
    for context in contexts:
        context.close()


def _pass(page: Page, name: str) -> None:
    """Nobody looks."""


def _look(axe: Callable[[Page], None], language: str) -> Callable[[Page, str], None]:
    def look(page: Page, name: str) -> None:
        for width, scheme in ((1440, "light"), (390, "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of two
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
            axe(page)
            if folder := os.environ.get("SCREENSHOTS"):
                page.screenshot(path=Path(folder) / f"{language}-{name}-{width}.png", full_page=True)
        page.set_viewport_size({"width": 1440, "height": 900})
        page.emulate_media(color_scheme="light")
        # All names in an English run are Latin: what is not was forgotten.
        said = page.evaluate(_SAID) if language == "en" else ""
        for article in TransactionLine.objects.values_list("name", flat=True):
            said = said.replace(article, "")
        assert not _HAN.search(said), (name, _HAN.findall(said)[:20], said[:400])

    return look


def test_owner_opens_a_shop_in_the_browser_and_pays_the_first_refund(
    people: Callable[..., Person], wechat: RunningSimulator, settings: Settings, tmp_path: Path
) -> None:
    _open_a_shop(people, wechat, settings, tmp_path, language="zh-hans", whole=False)


@pytest.mark.owner
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_owner_opens_a_shop_whole(
    people: Callable[..., Person], wechat: RunningSimulator, settings: Settings, tmp_path: Path, language: str
) -> None:
    began = time.monotonic()
    _open_a_shop(people, wechat, settings, tmp_path, language=language, whole=True)
    assert time.monotonic() - began < _MOST_S


def _open_a_shop(
    people: Callable[..., Person],
    wechat: RunningSimulator,
    settings: Settings,
    tmp_path: Path,
    *,
    language: str,
    whole: bool,
) -> None:
    settings.CHANNEL_URLS = {"wechat": wechat.account["base_url"]}
    printed = io.StringIO()
    call_command("create_merchant", "M100", owner="Lan", name="Corner shop", stdout=printed)
    link = re.search(r"\S+/join/\S+", printed.getvalue())
    assert link is not None
    owner = people(language, looked_at=whole)
    owner.come_in(link[0], "Lin Lan", has_factor=True)
    merchant = Merchant.objects.get(code="M100")

    _stores_and_hours(owner, whole=whole)
    colleagues = _colleagues(owner, people, whole=whole)
    _account(owner, wechat)
    key = _till_and_key(owner)
    _policy(owner, colleagues["manager"], merchant)

    with running_till(tmp_path, base_url=owner.base, api_key=key, control_url=wechat.account["control_url"]) as address:
        till = owner.page.context.new_page()
        till.goto(address)
        expect(till.locator("body[data-ready]")).to_be_attached()
        till.locator("#goods button").first.click()
        expect(till.locator("#cart li")).to_have_count(1)
        till.locator("#pay-channel").select_option("wechat")
        till.locator("#pay button").click()
        expect(till.locator("#cart li")).to_have_count(0)
        # The till has its customer gone before the sale is reported.
        until = time.monotonic() + 60
        while not Transaction.objects.exists() and time.monotonic() < until:
            till.wait_for_timeout(100)
        till.close()
    sale = Transaction.objects.get()

    # The owner asks, a colleague decides, the channel pays.
    owner.next_step("new")
    owner.page.fill("#find", sale.order_no)
    owner.page.locator(".finder button[type=submit]").click()
    owner.page.fill("#amount", "10.00")
    owner.page.select_option("#reason", "quality")
    owner.page.locator("#new-refund [name=consent]").check()
    owner.look(owner.page, "quote")
    owner.page.locator("#submit-refund").click()
    expect(owner.page).to_have_url(re.compile("/desk/refunds/RF-"))
    owner.look(owner.page, "asked")
    reviewer = colleagues["reviewer"]
    request = RefundRequest.objects.get()
    reviewer.open(f"refunds/{request.number}")
    reviewer.look(reviewer.page, "review")
    reviewer.page.keyboard.press("a")
    reviewer.page.locator("#dlg-approve button[type=submit]").click()
    expect(reviewer.page.locator("#toasts .toast").first).to_be_visible()
    until = time.monotonic() + 120
    while RefundRequest.objects.get().state != "refunded":
        assert time.monotonic() < until, list(Execution.objects.values())
        drain()
        reviewer.page.wait_for_timeout(100)

    owner.page.goto(f"{owner.base}/desk")
    expect(owner.page.locator(".setting-up")).to_have_count(0)
    owner.look(owner.page, "desk-done")


def _stores_and_hours(owner: Person, *, whole: bool) -> None:
    owner.next_step("settings/stores")
    for code, name in (("S001", "West gate"), ("S002", "East gate"))[: 2 if whole else 1]:
        owner.send("open", code=code, name=name, phone="0571-8888 0002", address="1 Yan'an Road")
    owner.next_step("hours")
    for card in range(2 if whole else 1):
        form = owner.page.locator("section:has(details > form)").nth(card)
        if form.locator("details[open]").count() == 0:
            form.locator("summary").click()
        form.locator("[name=every]").fill("00:00-24:00")
        form.locator("button[type=submit]").click()
        expect(owner.page.locator(".toast.ok")).to_be_visible()
    owner.look(owner.page, "hours-said")


def _colleagues(owner: Person, people: Callable[..., Person], *, whole: bool) -> dict[str, Person]:
    found = {}
    owner.next_step("team")
    wanted = [("manager", ""), ("reviewer", "300"), ("finance", ""), ("cashier", "")]
    for role, limit in wanted if whole else wanted[:2]:
        owner.open("team")
        page = owner.page
        page.fill("#team-login", role)
        page.select_option("#team-role", role)
        if role == "cashier":
            page.locator("[name=stores]").first.check()
        else:
            page.locator("[name=all_stores]").check()
        page.fill("#team-limit", limit)
        page.locator("form:has(#team-login) button[type=submit]").click()
        link = page.locator("[data-link]").inner_text()
        owner.look(page, "invited")
        person = people(owner.language, looked_at=False)
        person.come_in(link, f"The {role}", has_factor=role != "cashier")
        # They come in as the owner did; what each finds is looked at.
        person.look = owner.look
        person.look(person.page, f"first-{role}")
        found[role] = person
    return found


def _account(owner: Person, wechat: RunningSimulator) -> None:
    owner.next_step("settings/channel-accounts")
    owner.page.locator("main a[href$='/new/wechat']").click()
    owner.look(owner.page, "account-new")
    owner.send("open", **wechat_credentials(wechat.account))
    account = ChannelAccount.objects.get()
    owner.open(f"settings/channel-accounts/{account.code}")
    owner.send("test")
    # Asked soon, so that nobody waits for it here.
    owner.send("profile", first_query_s="0.05")
    owner.look(owner.page, "account")
    assert ChannelAccount.objects.get().test_word == "works"


def _till_and_key(owner: Person) -> str:
    """The key, as the page shows it once."""
    owner.next_step("settings/terminals")
    owner.send("register", code="POS-01", store="S001")
    owner.next_step("api-keys")
    page = owner.page
    page.fill("#key-name", "Tills")
    for scope in page.locator("[name=scopes]").all():
        scope.check()
    page.locator("form:has(#key-name) button[type=submit]").click()
    owner.sign("key-signed")
    key = page.locator("[data-issued-key]").inner_text()
    owner.look(page, "key-issued")
    return key


def _policy(owner: Person, manager: Person, merchant: Merchant) -> None:
    """Written by the owner, published by the manager."""
    owner.next_step("policy")
    page = owner.page
    page.locator("form[action$='/policy/drafts'] button").click()
    page.fill("#f-p-handling_minutes", "45")
    page.locator("#f-p-handling_minutes").press("Enter")
    expect(page.locator(".diff ins")).to_be_visible()
    owner.look(page, "draft")
    page.fill("#act-reason", "The first rules of our own")
    page.locator("form[action$='/ask'] button[type=submit]").click()
    expect(page.locator(".toast.ok")).to_be_visible()
    manager.open("policy")
    manager.page.locator(".banner a[href*='/policy/drafts/']").click()
    manager.page.locator("form[action$='/publish'] input[name=confirmed]").check()
    manager.page.locator("form[action$='/publish'] button[type=submit]").click()
    manager.sign("policy-signed")
    expect(manager.page).to_have_url(re.compile("/desk/policy$"))
    manager.look(manager.page, "policy-published")
    assert merchant.policy_versions.count() == 2
