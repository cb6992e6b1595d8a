"""A customer on a phone: follows the refund, answers, adds pictures, rates, reads it in English; all without a login."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, ViewportSize, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from refunds.models import CustomerReport, Evidence, Execution, RefundRequest, Survey
from refunds.payouts import proving
from refunds.telling import carrying, tracking
from refunds.telling.tracking import Receipt
from terminals.models import Transaction
from tests import pictures
from tests.browser import in_looks
from tests.customer.conftest import in_state
from tests.factories import make_merchant, make_sale
from tests.reconciliation.test_arrivals import done
from tests.refunds.payouts.test_doubt import Scripted
from tests.refunds.telling.test_one_time import Mailbox

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1440, height=900)
#: Where pictures of the pages go, for people to look at; none are made without it.
SHOTS = os.environ.get("SCREENSHOTS", "")


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def visit(page: Page, live_server: LiveServer) -> Callable[[RefundRequest], Page]:
    """Open the link of a request on a phone."""

    def opened(request: RefundRequest, query: str = "") -> Page:
        page.set_viewport_size(PHONE)
        page.goto(f"{live_server.url}/r/{tracking.token_for(request.pk)}{query}")
        return page

    return opened


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


#: One look each in every run; `make looks` has all four of all five.
_EVERY_RUN = {"in_review": (PHONE, "light"), "needs_info": (PHONE, "dark"), "refunded": (DESK, "light")}


@pytest.mark.parametrize(
    ("state", "size", "scheme"),
    [
        (state, size, scheme) if _EVERY_RUN.get(state) == (size, scheme) else in_looks(state, size, scheme)
        for state in ("in_review", "needs_info", "rejected", "failed", "refunded")
        for size in (PHONE, DESK)
        for scheme in ("light", "dark")
    ],
)
def test_every_face_of_the_page_is_accessible(
    page: Page,
    visit: Callable[[RefundRequest], Page],
    axe: Callable[[Page], None],
    state: str,
    size: ViewportSize,
    scheme: str,
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    visit(in_state(state))
    page.set_viewport_size(size)
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing to push sideways"
    shot(page, f"customer-{state}-{size['width']}-{scheme}")


def test_everything_to_touch_is_large_enough(visit: Callable[[RefundRequest], Page]) -> None:
    for state in ("in_review", "needs_info", "refunded"):
        page = visit(in_state(state))
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        small = page.evaluate(
            """[...document.querySelectorAll("main a, main button, main summary, main input[type=file], main .stars label,"
               + " header a")].map((item) => [item.outerHTML.slice(0, 80), item.getBoundingClientRect()])
               .filter(([, box]) => box.width > 0 && (box.width < 44 || box.height < 44))
               .map(([html, box]) => `${html} ${box.width}x${box.height}`)"""
        )
        assert small == []


def test_a_customer_answers_with_words_and_a_photo(visit: Callable[[RefundRequest], Page], tmp_path: Path) -> None:
    request = in_state("needs_info")
    page = visit(request)
    expect(page.get_by_role("heading", level=1)).to_have_text("需要您补充材料")
    expect(page.get_by_text("请补一张面板的照片")).to_be_visible()
    photo = tmp_path / "面板.jpg"
    photo.write_bytes(pictures.with_place_and_turn())
    page.get_by_label("您的回复").fill("照片在这里")
    page.locator("input[type=file]").set_input_files(photo)
    page.get_by_role("button", name="提交回复").click()
    expect(page.get_by_role("status").filter(has_text="您的回复已收到")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("门店审核中")
    expect(page.locator(".evid img")).to_have_count(1)
    assert page.locator(".evid img").evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    shot(page, "customer-answered-390-light")
    after = RefundRequest.objects.get(pk=request.pk)
    assert (after.state, after.description) == ("in_review", "照片在这里")


def test_a_customer_adds_pictures_unasked(visit: Callable[[RefundRequest], Page], tmp_path: Path) -> None:
    request = in_state("in_review")
    page = visit(request)
    files = [tmp_path / "one.png", tmp_path / "two.jpg"]
    files[0].write_bytes(pictures.encoded((900, 700), kind="PNG", colour="#d9597e"))
    files[1].write_bytes(pictures.encoded((700, 900), colour="#12a594"))
    page.locator("details:not(.qa) summary").click()
    page.locator("input[type=file]").set_input_files(files)
    page.get_by_role("button", name="提交图片").click()
    expect(page.get_by_text("图片已收到")).to_be_visible()
    expect(page.locator(".evid img")).to_have_count(2)
    assert Evidence.objects.filter(request=request).count() == 2


class TestRefused:
    @pytest.fixture
    def expected_complaints(self) -> list[str]:
        return ["422"]

    def test_a_file_that_is_no_picture_is_refused_in_words(
        self, visit: Callable[[RefundRequest], Page], tmp_path: Path
    ) -> None:
        request = in_state("in_review")
        page = visit(request)
        bad = tmp_path / "photo.jpg"
        bad.write_bytes(b"<html><script>alert(1)</script></html>")
        page.locator("details:not(.qa) summary").click()
        page.locator("input[type=file]").set_input_files(bad)
        page.get_by_role("button", name="提交图片").click()
        expect(page.get_by_role("alert")).to_contain_text("不是 JPEG、PNG 或 WebP 图片")
        shot(page, "customer-refused-390-light")
        assert not Evidence.objects.exists()


def test_a_customer_rates_in_english(visit: Callable[[RefundRequest], Page]) -> None:
    request = in_state("refunded")
    page = visit(request)
    expect(page.get_by_role("heading", level=1)).to_have_text("退款成功")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your money is refunded")
    page.locator("label[for=star-4]").click()
    page.get_by_label("What was good").fill("quick")
    page.get_by_role("button", name="Send the score").click()
    expect(page.get_by_text("Thank you for your score.")).to_be_visible()
    shot(page, "customer-rated-en-390-light")
    survey = Survey.objects.get(request=request)
    assert (survey.score, survey.comment) == (4, "quick")


#: How many stars are filled.
_SHINING = """[...document.querySelectorAll(".stars label svg")]
  .filter((star) => getComputedStyle(star).fill !== "none").length"""


def test_stars_can_be_given_with_the_keyboard(visit: Callable[[RefundRequest], Page]) -> None:
    request = in_state("refunded")
    page = visit(request)
    assert page.evaluate(_SHINING) == 0
    # To the right is one more.
    page.locator("#star-1").focus()
    page.keyboard.press("Space")
    for shining in (2, 3, 4):
        page.keyboard.press("ArrowRight")
        assert page.evaluate(_SHINING) == shining
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(_SHINING) == 3
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("感谢您的评价。")).to_be_visible()
    assert Survey.objects.get(request=request).score == 5


@pytest.mark.parametrize("scripts", [False, True])
def test_it_all_works_without_scripts_and_weighs_little_with_them(
    browser: Browser, live_server: LiveServer, *, scripts: bool
) -> None:
    request = in_state("refunded")
    # 1280 at 400%, on a phone's line: all that comes with the page, packed as the server packs it.
    context = browser.new_context(java_script_enabled=scripts, locale="zh-CN", viewport={"width": 320, "height": 256})
    page = context.new_page()
    came: list[Response] = []
    page.on("response", lambda response: came.append(response))
    page.goto(f"{live_server.url}/r/{tracking.token_for(request.pk)}", wait_until="networkidle")
    sizes = {one.url: len(gzip.compress(one.body())) for one in came}
    assert sum(sizes.values()) <= 60_000, sizes
    assert any(url.endswith(".css") for url in sizes)
    page.locator("label[for=star-3]").click()
    page.get_by_role("button", name="提交评价").click()
    expect(page.get_by_text("感谢您的评价。")).to_be_visible()
    assert context.cookies() == [], "the page sets none"
    context.close()
    assert Survey.objects.get(request=request).score == 3


class TestExpired:
    @pytest.fixture
    def expected_complaints(self) -> list[str]:
        return ["410"]

    def test_an_old_link_says_so_kindly(
        self, visit: Callable[..., Page], settings: Settings, axe: Callable[[Page], None]
    ) -> None:
        request = in_state("in_review")
        settings.TRACKING_LINK_DAYS = -1
        page = visit(request)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert request.number not in page.content()
        axe(page)
        shot(page, "customer-expired-390-light")


def test_money_that_is_not_there_is_proven_and_then_looked_for(
    visit: Callable[[RefundRequest], Page], axe: Callable[[Page], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = in_state("refunded")
    payout = request.executions.get()
    # To a card: of a balance no bank is asked.
    Transaction.objects.update(funding="debit_card")
    Execution.objects.update(paid_to="")
    monkeypatch.setattr(proving, "adapter_for", lambda *_: Scripted(queries=[done(payout)]))
    page = visit(request)
    page.get_by_role("button", name="没有到账").click()
    expect(page.get_by_text(f"其单号为 {payout.channel_refund_no}")).to_be_visible()
    expect(page.get_by_text(f"under its number {payout.channel_refund_no}")).to_be_visible()
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(page, "customer-proof-390-light")
    page.emulate_media(color_scheme="dark")
    shot(page, "customer-proof-390-dark")
    page.get_by_role("button", name="已到账").click()
    expect(page.get_by_role("heading", name="您已收到款项")).to_be_visible()
    assert [report.kind for report in CustomerReport.objects.order_by("pk")] == ["not_arrived", "arrived"]


def test_a_rejection_is_appealed_against(
    visit: Callable[[RefundRequest], Page], axe: Callable[[Page], None], tmp_path: Path
) -> None:
    request = in_state("rejected")
    page = visit(request)
    page.get_by_label("您的异议是什么？").fill("外壳出厂就有划痕")
    photo = tmp_path / "外壳.png"
    photo.write_bytes(pictures.encoded((700, 900)))
    page.locator("input[type=file]").set_input_files(photo)
    shot(page, "customer-appeal-390-light")
    page.get_by_role("button", name="提交申诉").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("门店审核中")
    expect(page.get_by_text("外壳出厂就有划痕")).to_be_visible()
    axe(page)


def test_a_customer_applies_from_the_receipt_without_scripts(
    browser: Browser, live_server: LiveServer, axe: Callable[[Page], None], page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Mailbox()
    monkeypatch.setattr(carrying, "carrier_for", lambda _medium: box)
    sale = make_sale(make_merchant(), 26_800, payer_phone="13800006021")
    address = f"{live_server.url}/r/apply/{tracking.apply_token(Receipt(sale.store_id, sale.pk))}?lang=zh-hans"
    page.set_viewport_size(PHONE)
    page.goto(address)
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(page, "customer-apply-390-light")

    plain = browser.new_context(java_script_enabled=False, viewport=PHONE, locale="zh-CN").new_page()
    plain.goto(address)
    plain.get_by_label("小票号").fill(sale.order_no)
    plain.get_by_label("支付金额").fill("268")
    plain.get_by_role("button", name="获取验证码").click()
    expect(plain.get_by_text("138 **** 6021")).to_be_visible()
    plain.get_by_label("短信验证码").fill(box.code)
    plain.get_by_label("申请退款金额").fill("12")
    plain.locator("#reason").select_option("quality")
    plain.get_by_label("我申请按原支付方式退款").check()
    shot(plain, "customer-apply-code-390-light")
    plain.get_by_role("button", name="提交退款申请").click()
    expect(plain.get_by_text("申请已提交")).to_be_visible()
    assert RefundRequest.objects.get().amount_fen == 1_200
    plain.context.close()
