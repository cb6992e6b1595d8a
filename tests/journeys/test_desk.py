"""Staff at the desk, in a browser: with the keyboard, on a phone, in the dark."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from merchants.models import Merchant, Role, Staff
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.payouts.loop import drain
from refunds.review import deciding
from simulators.kit.testing import RunningSimulator, running_simulator
from tests.browser import Held, arrive, every_look
from tests.factories import make_account, make_request, make_sale, make_staff

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[Staff], None]


@pytest.fixture
def reviewer(merchant: Merchant) -> Staff:
    return make_staff(merchant, Role.REVIEWER, username="chen", password="a long password")


@pytest.fixture
def sign_in(page: Page, live_server: object) -> SignIn:
    """Puts a session into the browser."""

    def put(staff: Staff) -> None:
        client = Client()
        client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
        session = client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": str(live_server)}])

    return put


@pytest.fixture(scope="module")
def wechat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with running_simulator("wechat", tmp_path_factory.mktemp("wechat")) as simulator:
        yield simulator


def _waiting(merchant: Merchant, amount_fen: int = 26_800, **fields: object) -> RefundRequest:
    return make_request(make_sale(merchant, 33_980), amount_fen, **fields)  # type: ignore[arg-type]


def _state(request: RefundRequest) -> str:
    return str(RefundRequest.objects.values_list("state", flat=True).get(pk=request.pk))


def _work_until(request: RefundRequest, state: str) -> None:
    """Do the worker's work: the channel accepts first, and is asked again a little later."""
    deadline = time.monotonic() + 60
    while _state(request) != state:
        assert time.monotonic() < deadline, f"still {_state(request)}"
        drain()
        time.sleep(0.2)


def _fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_reviewer_signs_in_and_approves_268_yuan_with_the_keyboard(
    page: Page, live_server: object, merchant: Merchant, reviewer: Staff, wechat: RunningSimulator
) -> None:
    make_account(merchant, wechat.account)
    first = _waiting(merchant, 21_000)
    sale = make_sale(merchant, 33_980)
    wechat.control(
        "POST",
        "/payments",
        {
            "order_no": sale.order_no,
            "transaction_no": sale.channel_transaction_no,
            "amount_fen": 33_980,
        },
    )
    request = make_request(sale, 26_800, phone="13800006021", name="王小敏")

    page.goto(f"{live_server}/desk")
    page.keyboard.type("chen")
    page.keyboard.press("Tab")
    page.keyboard.type("a long password")
    page.keyboard.press("Enter")
    expect(page.locator("tr.q-row.current")).to_have_attribute("data-key", first.number)
    # The row is there before the scripts that listen for keys are.
    page.wait_for_load_state("domcontentloaded")
    page.keyboard.press("j")
    expect(page.locator("#pane h2").first).to_have_text(request.number)
    expect(page).to_have_url(re.compile(f"selected={request.number}"))
    page.keyboard.press("Enter")
    expect(page.locator("h1.amount")).to_contain_text("268.00")
    page.keyboard.press("a")
    expect(page.locator("#dlg-approve")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".toast.ok")).to_contain_text(request.number)
    # The desk goes on with the next one.
    expect(page.locator("h1.amount")).to_contain_text("210.00")
    page.goto(f"{live_server}/desk/refunds/{request.number}")
    _work_until(request, "refunded")
    # The page asks by itself and shows the end.
    expect(page.locator("ol.steps li.done")).to_have_count(5)
    assert _state(request) == "refunded"
    assert [row["amount_fen"] for row in wechat.control("GET", "/ledger")["rows"]] == [26_800]
    assert _state(first) == "in_review"


def test_claim_next_then_reject_with_a_reason_then_the_next_one(
    page: Page, live_server: object, merchant: Merchant, reviewer: Staff, sign_in: SignIn
) -> None:
    first, second = _waiting(merchant), _waiting(merchant, 21_000)
    sign_in(reviewer)
    page.goto(f"{live_server}/desk")
    page.keyboard.press("n")
    expect(page.locator(".toast.ok")).to_contain_text(first.number)
    page.goto(f"{live_server}/desk")
    page.keyboard.press("r")
    expect(page.locator("#dlg-reject")).to_be_visible()
    # Typing is typing: no shortcut fires in a field.
    page.locator("#reject-reason").select_option("no_proof")
    page.locator("#reject-message").fill("")
    page.locator("#reject-message").press_sequentially("an air fryer jar, risen")
    page.locator("#dlg-reject button[type=submit]").click()
    expect(page.locator(".toast.ok")).to_contain_text(first.number)
    assert _state(first) == "rejected"
    expect(page.locator("#pane h2").first).to_have_text(second.number)


def test_every_kind_of_decision_by_keyboard_alone(
    page: Page, live_server: object, merchant: Merchant, reviewer: Staff, sign_in: SignIn
) -> None:
    approved, rejected, asked = _waiting(merchant), _waiting(merchant), _waiting(merchant)
    sign_in(reviewer)
    page.goto(f"{live_server}/desk")
    for keys, request in (
        (("a", "Enter"), approved),
        # The reason brings words to the customer along; they go out as they are.
        (("r", "ArrowDown", "Control+Enter"), rejected),
        (("i", "Space", "Control+Enter"), asked),
    ):
        expect(page.locator("#pane h2").first).to_have_text(request.number)
        for key in keys:
            page.keyboard.press(key)
        expect(page.locator(".toast.ok")).to_contain_text(request.number)
    assert [_state(request) for request in (approved, rejected, asked)] == ["approved", "rejected", "needs_info"]
    assert RefundRequest.objects.get(pk=rejected.pk).message_to_customer


def test_decision_that_came_too_late_is_told_and_stores_nothing(
    page: Page,
    live_server: object,
    merchant: Merchant,
    reviewer: Staff,
    sign_in: SignIn,
    expected_complaints: list[str],
) -> None:
    expected_complaints.append("409")
    request = _waiting(merchant)
    colleague = make_staff(merchant, Role.REVIEWER)
    sign_in(reviewer)
    page.goto(f"{live_server}/desk/refunds/{request.number}")
    page.keyboard.press("a")
    deciding.request_info(
        request_id=request.pk, by=of_staff(colleague), at=timezone.now(), version=request.version, message="photo"
    )
    page.keyboard.press("Enter")
    # The dialog stays with all that was typed, says so, and leads to the refund as it is now.
    refusal = page.locator("#dlg-approve [role=alert]")
    expect(refusal).to_be_visible()
    refusal.locator("a").click()
    expect(page.locator("ol.steps")).to_be_visible()
    expect(page.locator("[data-action=approve]")).to_have_count(0)
    assert _state(request) == "needs_info"


def test_keys_typed_ahead_of_the_preview_decide_the_highlighted_refund(
    page: Page, live_server: object, merchant: Merchant, reviewer: Staff, sign_in: SignIn
) -> None:
    first, second = _waiting(merchant), _waiting(merchant, 21_000)
    sign_in(reviewer)
    page.goto(f"{live_server}/desk")

    def slowly(route: Route) -> None:
        time.sleep(0.6)
        route.continue_()

    # The preview of the second one is slow; the first one still stands there.
    page.route("**/pane*", slowly)
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.locator("#dlg-approve")).to_contain_text(second.number)
    expect(page.locator("#dlg-approve [type=submit]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".toast.ok")).to_contain_text(second.number)
    assert (_state(first), _state(second)) == ("in_review", "approved")


def test_nothing_typed_is_lost_while_the_server_is_away(
    page: Page,
    live_server: object,
    merchant: Merchant,
    reviewer: Staff,
    sign_in: SignIn,
    expected_complaints: list[str],
) -> None:
    expected_complaints.append("ERR_CONNECTION_REFUSED|sendError|htmx")
    first, second = _waiting(merchant), _waiting(merchant, 21_000)
    sign_in(reviewer)
    page.goto(f"{live_server}/desk")
    page.keyboard.press("r")
    page.locator("#reject-reason").select_option("no_proof")
    page.locator("#reject-message").fill("没有小票，无法核对。")
    page.route("**/desk/**", lambda route: route.abort("connectionrefused"))
    page.locator("#dlg-reject [type=submit]").click()
    expect(page.locator("#dlg-reject [role=alert]")).to_contain_text("服务器")
    expect(page.locator("#reject-message")).to_have_value("没有小票，无法核对。")
    page.keyboard.press("Escape")
    # A preview that does not come says so and offers nothing of the refund before it.
    page.keyboard.press("j")
    expect(page.locator("#pane [data-pane-again]")).to_be_visible()
    expect(page.locator("#lost")).to_be_visible()
    page.unroute("**/desk/**")
    page.locator("#pane [data-pane-again]").click()
    expect(page.locator("#pane h2").first).to_have_text(second.number)
    expect(page.locator("#lost")).to_be_hidden()
    page.keyboard.press("k")
    expect(page.locator("#pane h2").first).to_have_text(first.number)
    page.keyboard.press("r")
    page.locator("#reject-reason").select_option("no_proof")
    page.locator("#reject-message").fill("没有小票，无法核对。")
    page.locator("#dlg-reject [type=submit]").click()
    expect(page.locator(".toast.ok")).to_contain_text(first.number)
    assert (_state(first), _state(second)) == ("rejected", "in_review")


def test_the_list_follows_what_colleagues_do_and_keeps_ones_place(
    page: Page, live_server: object, merchant: Merchant, reviewer: Staff, sign_in: SignIn
) -> None:
    requests = [_waiting(merchant) for _ in range(3)]
    sign_in(reviewer)
    page.clock.install()
    page.goto(f"{live_server}/desk?selected={requests[1].number}")
    colleague = make_staff(merchant, Role.REVIEWER)
    now = timezone.now()
    deciding.approve(request_id=requests[0].pk, by=of_staff(colleague), at=now, version=requests[0].version)
    deciding.claim(request_id=requests[1].pk, by=of_staff(colleague), at=now)
    place = page.locator(f'tr[data-key="{requests[2].number}"] a')
    place.focus()
    page.clock.run_for(21_000)
    expect(page.locator("tr.q-row")).to_have_count(2)
    expect(place).to_be_focused()
    expect(page.locator("#views .count").first).to_have_text("2")
    expect(page.locator("tr.q-row.current")).to_have_attribute("data-key", requests[1].number)
    # The preview knows of the claim: what could be pressed a moment ago is gone.
    page.clock.run_for(1_000)
    expect(page.locator("#pane #why-not")).to_contain_text(colleague.name)
    expect(page.locator("#pane [data-action=approve]")).to_have_count(0)


def test_several_are_picked_tried_and_approved_together(
    page: Page,
    live_server: object,
    merchant: Merchant,
    reviewer: Staff,
    sign_in: SignIn,
    axe: Callable[[Page], None],
) -> None:
    requests = [_waiting(merchant), _waiting(merchant, 21_000), _waiting(merchant, by=reviewer)]
    sign_in(reviewer)
    page.goto(f"{live_server}/desk")
    page.locator("[data-pick-all]").check()
    # One's own cannot be picked.
    expect(page.locator("[data-bulk-total]")).to_have_text("¥478.00")
    expect(page.locator(f'[data-pick][value="{requests[2].number}"]')).to_be_disabled()
    # With rows picked the key means all of them, not the one that is highlighted.
    page.keyboard.press("a")
    expect(page.locator("#dlg-bulk .money")).to_have_text("¥478.00")
    axe(page)
    expect(page.locator("#dlg-bulk button[type=submit]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".toast.ok")).to_be_visible()
    assert [_state(request) for request in requests] == ["approved", "approved", "in_review"]


def test_of_two_actions_on_the_picked_ones_the_last_is_tried_however_late_the_first_answers(
    page: Page,
    live_server: object,
    merchant: Merchant,
    reviewer: Staff,
    sign_in: SignIn,
    expected_complaints: list[str],
) -> None:
    # The first one is given up.
    expected_complaints.append("htmx:(sendAbort|afterRequest)")
    request = _waiting(merchant)
    sign_in(reviewer)
    page.goto(f"{live_server}/desk")
    page.locator(f'[data-pick][value="{request.number}"]').check()
    held = Held(page, "**/desk/bulk")
    for number, key in enumerate(("a", "c"), start=1):
        page.keyboard.press(key)
        held.wait_for(number)
    held.let_go(2)
    page.unroute("**/desk/bulk")
    expect(page.locator("#dlg-bulk input[name=action]")).to_have_value("claim")
    page.locator("#dlg-bulk button[type=submit]").click()
    expect(page.locator(".toast.ok")).to_be_visible()
    after = RefundRequest.objects.get(pk=request.pk)
    assert (after.state, after.claimed_by) == ("in_review", reviewer)


def test_cashier_submits_a_refund_on_a_phone(
    page: Page,
    live_server: object,
    merchant: Merchant,
    sign_in: SignIn,
    axe: Callable[[Page], None],
    expected_complaints: list[str],
) -> None:
    expected_complaints.append("ERR_CONNECTION_REFUSED|sendError|htmx")
    sale = make_sale(merchant, 33_980, phone="13800006021")
    sign_in(make_staff(merchant, Role.CASHIER))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server}/desk/new")
    axe(page)
    page.locator("#find").fill(sale.order_no)
    page.locator("#find").press("Enter")
    page.locator("#amount").fill("268")
    page.locator("#reason").select_option("quality")
    expect(page.locator("#quote .amount")).to_contain_text("268.00")
    page.locator("input[name=consent]").check()
    assert _fits(page)
    axe(page)
    # A quote still on its way would be cut off by the answer to the form, and htmx would say so in the console. It is asked for
    # 400 ms after what was typed.
    page.wait_for_timeout(1000)
    arrive(page)
    page.route("**/desk/new", lambda route: route.abort("connectionrefused"))
    page.locator("button[form=new-refund]").click()
    # Nothing came back: the form stands as it was, and sending it again makes one.
    expect(page.locator("#new-refund [role=alert]")).to_be_visible()
    expect(page.locator("#amount")).to_have_value("268")
    page.unroute("**/desk/new")
    page.locator("button[form=new-refund]").click()
    expect(page.locator("h1.amount")).to_contain_text("268.00")
    assert RefundRequest.objects.get().state == "in_review"


def test_contact_is_revealed_in_place(
    page: Page, live_server: object, merchant: Merchant, reviewer: Staff, sign_in: SignIn
) -> None:
    request = _waiting(merchant, phone="13800006021", name="王小敏")
    sign_in(reviewer)
    page.goto(f"{live_server}/desk/refunds/{request.number}")
    expect(page.locator("#contact")).to_contain_text("138 **** 6021")
    page.locator("#contact button[type=submit]").click()
    expect(page.locator("#contact")).to_contain_text("13800006021")


_PAGES = (
    "/desk",
    "/desk?view=info",
    "/desk/refunds",
    "/desk/refunds?state=cancelled",
    "/desk/transactions",
    "/desk/new",
    "/desk/api-keys",
    "/desk/notifications",
)


def test_long_names_break_no_page_at_any_width(
    page: Page, live_server: object, merchant: Merchant, sign_in: SignIn
) -> None:
    request = _waiting(merchant)
    type(request.store).objects.update(
        name="Fresh Grain Bistro · 杭州西溪银泰城五层美食广场旗舰店（地铁五常站 B 出口）"
    )
    Merchant.objects.filter(pk=merchant.pk).update(name="鲜禾餐饮管理（杭州）有限公司西溪湿地文化创意产业园旗舰总店")
    manager = make_staff(merchant, Role.MANAGER)
    Staff.objects.filter(pk=manager.pk).update(name="Wolfeschlegelsteinhausenbergerdorff")
    sign_in(manager)
    sale = f"/desk/transactions/{request.transaction_id}"
    for path in (*_PAGES, f"/desk/refunds/{request.number}", sale):
        page.goto(f"{live_server}{path}")
        for width in (1440, 1180, 1024, 768, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert _fits(page), f"{path} is wider than {width} px"


@every_look
def test_every_page_is_accessible_and_fits(
    page: Page,
    live_server: object,
    merchant: Merchant,
    sign_in: SignIn,
    axe: Callable[[Page], None],
    tmp_path: Path,
    width: int,
    scheme: str,
) -> None:
    by_rule = make_request(make_sale(merchant), 1_200, phone="13800006021")
    asked, waiting = _waiting(merchant), _waiting(merchant, phone="13800006021", email="w@example.com")
    manager = make_staff(merchant, Role.MANAGER)
    now = timezone.now()
    deciding.request_info(
        request_id=asked.pk, by=of_staff(manager), at=now, version=asked.version, message="请补充照片"
    )
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{live_server}/login")
    axe(page)
    sign_in(manager)
    details = [f"/desk/refunds/{request.number}" for request in (by_rule, asked, waiting)]
    sale = f"/desk/transactions/{waiting.transaction_id}"
    for path in (*_PAGES, *details, f"{details[2]}?do=reject", sale, f"/desk/new?sale={waiting.transaction_id}"):
        page.goto(f"{live_server}{path}")
        axe(page)
        assert _fits(page), f"{path} is wider than the screen"


def test_news_on_the_way_takes_back_neither_a_note_half_written_nor_a_step_to_another_page(
    page: Page, live_server: object, merchant: Merchant, reviewer: Staff, sign_in: SignIn
) -> None:
    held: list[Route] = []
    left: list[Route] = []
    request = make_request(make_sale(merchant), 1_200)
    sign_in(reviewer)
    page.route("**/progress?*", lambda route: held.append(route))
    page.route("**/desk/refunds", lambda route: left.append(route))

    def open_until_it_asks() -> None:
        held.clear()
        page.goto(f"{live_server}/desk/refunds/{request.number}")
        while not held:
            page.wait_for_timeout(50)

    def news_arrives() -> None:
        held[0].fulfill(status=204, headers={"HX-Refresh": "true"})
        page.wait_for_timeout(500)

    open_until_it_asks()
    page.locator("#note").fill("客人已来电")
    news_arrives()
    expect(page.locator("#note")).to_have_value("客人已来电")
    page.locator("#note").fill("")

    open_until_it_asks()
    page.get_by_role("navigation", name="主导航").get_by_role("link", name="全部退款").click(no_wait_after=True)
    news_arrives()
    left[0].continue_()
    expect(page).to_have_url(f"{live_server}/desk/refunds")
