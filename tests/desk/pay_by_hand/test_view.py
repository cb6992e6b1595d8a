"""Payouts by hand at the desk: who sees them, who says what, and what the pages never show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from core.audit.models import AuditEvent
from merchants.models import ChannelAccount, Merchant, Staff, Store
from reconciliation import days, matching
from reconciliation.importing import store_empty
from refunds.intake.claims import Customer
from refunds.models import Evidence, Execution, Notification, RefundRequest
from refunds.payouts.loop import drain
from refunds.states import Route
from refunds.telling import outbox, tracking
from refunds.telling.wording import words
from tests.factories import make_merchant, make_sale, make_staff, works_in
from tests.refunds import hand
from tests.refunds.settled import failed

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[Staff], Client]
WHOLE, HOLDER = hand.ACCOUNT_NO, hand.ACCOUNT.holder_name


@pytest.fixture
def shop() -> Merchant:
    return hand.make_shop()


def _waiting(shop: Merchant, route: str, **fields: object) -> RefundRequest:
    return hand.waiting(route, sale=hand.sale_for(shop, route, **fields))  # type: ignore[arg-type]


def _page(request: RefundRequest) -> str:
    return f"/desk/by-hand/{request.number}"


def _form(request: RefundRequest, **fields: object) -> dict[str, object]:
    now = timezone.localtime()
    return {
        "version": request.version,
        "paid": "yes",
        "reference_no": "0042",
        "paid_at": now.strftime("%Y-%m-%dT%H:%M"),
        "drawer": "POS-01",
        **fields,
    }


def _sealed(client: Client, request: RefundRequest, **fields: object) -> str:
    """The first step: nothing is recorded, and the page holds what would be."""
    answer = client.post(_page(request), _form(request, **fields))
    assert answer.status_code == 200, answer.content.decode()
    assert _state(request) == "manual_pending"
    return str(answer.context["confirmation"])


def _state(request: RefundRequest) -> str:
    return str(RefundRequest.objects.get(pk=request.pk).state)


def _picture() -> SimpleUploadedFile:
    file = BytesIO()
    Image.new("RGB", (40, 30), "navy").save(file, "JPEG")
    return SimpleUploadedFile("slip.jpg", file.getvalue(), "image/jpeg")


# --- the list ---------------------------------------------------------------------------------------------------------


def test_finance_sees_what_waits_and_a_cashier_sees_the_cash(shop: Merchant, as_staff: SignIn) -> None:
    transfer, cash = _waiting(shop, Route.BANK_TRANSFER), _waiting(shop, Route.CASH)

    finance = as_staff(make_staff(shop, "finance")).get("/desk/by-hand").content.decode()
    assert transfer.number in finance
    assert cash.number in finance
    assert "王*敏 · 工商银行" in finance
    assert WHOLE not in finance
    assert HOLDER not in finance
    cashier = as_staff(make_staff(shop, "cashier")).get("/desk/by-hand").content.decode()
    assert cash.number in cashier
    assert transfer.number not in cashier


def test_list_is_empty_until_there_is_something_to_pay(shop: Merchant, as_staff: SignIn) -> None:
    client = as_staff(make_staff(shop, "finance"))
    assert "Nothing to pay by hand" in client.get("/desk/by-hand").content.decode()


def test_what_waits_long_says_so(shop: Merchant, as_staff: SignIn) -> None:
    request, client = _waiting(shop, Route.STORE_CREDIT), as_staff(make_staff(shop, "finance"))
    assert client.get("/desk/by-hand").context["rows"][0].age_label == ""
    for waited, tone in ((3, "warn"), (12, "bad")):
        RefundRequest.objects.filter(pk=request.pk).update(decided_at=timezone.now() - timedelta(days=waited))
        row = client.get("/desk/by-hand").context["rows"][0]
        assert (row.age_label, row.age_tone) == (f"waits for {waited} days", tone)


def test_reviewers_and_other_merchants_see_nothing_of_it(shop: Merchant, as_staff: SignIn) -> None:
    request = _waiting(shop, Route.BANK_TRANSFER)
    reviewer, stranger = as_staff(make_staff(shop, "reviewer")), as_staff(make_staff(hand.make_shop(), "finance"))

    assert reviewer.get("/desk/by-hand").status_code == 403
    assert reviewer.get(_page(request)).status_code == 403
    assert request.number not in stranger.get("/desk/by-hand").content.decode()
    assert stranger.get(_page(request)).status_code == 404
    assert stranger.post(_page(request), _form(request)).status_code == 404
    assert stranger.post(f"{_page(request)}/reveal").status_code == 404
    assert Client().get("/desk/by-hand").status_code == 302
    assert _state(request) == "manual_pending"


# --- paid ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", [Route.BANK_TRANSFER, Route.CASH, Route.STORE_CREDIT])
def test_finance_confirms_with_number_and_picture(shop: Merchant, as_staff: SignIn, route: str) -> None:
    request, client = _waiting(shop, route), as_staff(make_staff(shop, "finance"))
    assert _page(request) in client.get(f"/desk/refunds/{request.number}").content.decode()

    sealed = _sealed(client, request)
    answer = client.post(_page(request), {"confirmation": sealed, "files": _picture()})

    assert (answer.status_code, answer["Location"]) == (302, "/desk/by-hand")
    assert _state(request) == "refunded"
    assert Evidence.objects.get(request=request).kind == "receipt"
    page = client.get(f"/desk/refunds/{request.number}").content.decode()
    assert "0042" in page
    assert _page(request) not in page


@pytest.mark.parametrize("route", [Route.BANK_TRANSFER, Route.CASH, Route.STORE_CREDIT])
@pytest.mark.parametrize("fields", [{}, {"paid": "no", "trouble": "payee_wrong"}])
def test_first_step_records_nothing_and_shows_amount_payee_and_number(
    shop: Merchant, as_staff: SignIn, route: str, fields: dict[str, object]
) -> None:
    request, client = _waiting(shop, route), as_staff(make_staff(shop, "finance"))
    events = AuditEvent.objects.count()
    for _ in range(3):
        answer = client.post(_page(request), _form(request, **fields))
    assert (_state(request), AuditEvent.objects.count()) == ("manual_pending", events)
    page = answer.content.decode()
    assert "12.00" in page
    assert ("0042" in page) is not bool(fields)
    if route == Route.BANK_TRANSFER:
        assert "王*敏" in page
        assert "**** 0123" in page
        assert WHOLE not in page
    # Another Enter meets nothing that has the focus.
    assert "autofocus" not in page


def test_second_step_records_what_was_shown_whatever_else_is_sent_along(shop: Merchant, as_staff: SignIn) -> None:
    request, client = _waiting(shop, Route.STORE_CREDIT), as_staff(make_staff(shop, "finance"))
    sealed = _sealed(client, request, reference_no="T-1")
    client.post(_page(request), {"confirmation": sealed, **_form(request, reference_no="T-2")})
    assert Execution.objects.get(state="succeeded").channel_refund_no == "T-1"


def test_second_step_for_another_person_refund_or_time_records_nothing(shop: Merchant, as_staff: SignIn) -> None:
    request, other = _waiting(shop, Route.STORE_CREDIT), _waiting(shop, Route.STORE_CREDIT)
    client, colleague = as_staff(make_staff(shop, "finance")), as_staff(make_staff(shop, "finance"))
    sealed = _sealed(client, request)
    assert colleague.post(_page(request), {"confirmation": sealed}).status_code == 422
    assert client.post(_page(other), {"confirmation": sealed}).status_code == 422
    assert client.post(_page(request), {"confirmation": f"{sealed}x"}).status_code == 422
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        assert client.post(_page(request), {"confirmation": sealed}).status_code == 422
    assert {_state(request), _state(other)} == {"manual_pending"}


def test_second_step_leads_back_to_what_was_typed(shop: Merchant, as_staff: SignIn) -> None:
    request, client = _waiting(shop, Route.CASH), as_staff(make_staff(shop, "finance"))
    sealed = _sealed(client, request, reference_no="E-17")
    page = client.post(_page(request), {"confirmation": sealed, "edit": "1"}).content.decode()
    assert 'value="E-17"' in page
    assert _state(request) == "manual_pending"


def test_picture_that_is_none_leaves_the_second_step_as_it_is(shop: Merchant, as_staff: SignIn) -> None:
    request, client = _waiting(shop, Route.CASH), as_staff(make_staff(shop, "finance"))
    broken = SimpleUploadedFile("slip.jpg", b"no picture", "image/jpeg")
    answer = client.post(_page(request), {"confirmation": _sealed(client, request), "files": broken})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert _state(request) == "manual_pending"
    assert not Evidence.objects.exists()
    assert client.post(_page(request), {"confirmation": answer.context["confirmation"]}).status_code == 302
    assert _state(request) == "refunded"


def test_sent_twice_it_is_paid_once(shop: Merchant, as_staff: SignIn) -> None:
    request, client = _waiting(shop, Route.STORE_CREDIT), as_staff(make_staff(shop, "finance"))
    form = {"confirmation": _sealed(client, request)}
    assert client.post(_page(request), form).status_code == 302
    again = client.post(_page(request), form)
    assert again.status_code == 409
    assert Execution.objects.filter(state="succeeded").count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"reference_no": ""},
        {"paid_at": "soon"},
        {"paid_at": ""},
        {"paid_at": "2020-01-01T10:00"},
        {"drawer": ""},
        {"drawer": "POS-99"},
        {"version": "x"},
    ],
)
def test_bad_form_is_shown_again_and_changes_nothing(
    shop: Merchant, as_staff: SignIn, fields: dict[str, object]
) -> None:
    request, client = _waiting(shop, Route.CASH), as_staff(make_staff(shop, "finance"))

    answer = client.post(_page(request), _form(request, **fields))

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert _state(request) == "manual_pending"
    assert not Evidence.objects.exists()


def test_number_of_another_payout_is_refused(shop: Merchant, as_staff: SignIn) -> None:
    first, second = _waiting(shop, Route.BANK_TRANSFER), _waiting(shop, Route.BANK_TRANSFER)
    client = as_staff(make_staff(shop, "finance"))
    sealed = _sealed(client, second, reference_no="T-9")
    client.post(_page(first), {"confirmation": _sealed(client, first, reference_no="T-9")})

    # Told in the first step, and where somebody was quicker in the second.
    assert client.post(_page(second), _form(second, reference_no="T-9")).status_code == 409
    answer = client.post(_page(second), {"confirmation": sealed})

    assert answer.status_code == 409
    assert "Another payout was confirmed with this number" in answer.content.decode()
    assert _state(second) == "manual_pending"


def test_who_approved_is_told_that_somebody_else_pays(shop: Merchant, as_staff: SignIn) -> None:
    manager = make_staff(shop, "manager")
    request = hand.asked(Route.STORE_CREDIT, sale=hand.sale_for(shop, Route.STORE_CREDIT))
    hand.approved(request, by=manager)
    drain()
    request = RefundRequest.objects.get(pk=request.pk)
    client = as_staff(manager)

    page = client.get(_page(request)).content.decode()
    assert "Somebody else must pay it" in page
    assert "reference_no" not in page
    assert client.post(_page(request), _form(request)).status_code == 403
    assert _state(request) == "manual_pending"


def test_cashier_of_another_store_does_not_find_it(shop: Merchant, as_staff: SignIn) -> None:
    request, cashier = _waiting(shop, Route.CASH), make_staff(shop, "cashier")
    works_in(cashier, Store.objects.create(merchant=shop, code="S002", name="二号店"))
    assert as_staff(cashier).get(_page(request)).status_code == 404


# --- the account ---------------------------------------------------------------------------------------------------------


def test_account_is_masked_everywhere_and_shown_with_a_trace(shop: Merchant, as_staff: SignIn) -> None:
    request, client = _waiting(shop, Route.BANK_TRANSFER), as_staff(make_staff(shop, "finance"))
    for path in ("/desk/by-hand", _page(request), f"/desk/refunds/{request.number}", "/desk/refunds"):
        page = client.get(path).content.decode()
        assert WHOLE not in page, path
        assert HOLDER not in page, path
    assert not AuditEvent.objects.filter(action="refund.reveal").exists()

    shown = client.post(f"{_page(request)}/reveal").content.decode()
    assert WHOLE in shown
    assert HOLDER in shown
    assert AuditEvent.objects.filter(action="refund.reveal", object_id=str(request.pk)).count() == 1
    also = client.post(f"/desk/refunds/{request.number}/reveal").content.decode()
    assert WHOLE in also
    assert AuditEvent.objects.filter(action="refund.reveal").count() == 2


def test_cashier_reveals_no_account(shop: Merchant, as_staff: SignIn) -> None:
    request, client = _waiting(shop, Route.BANK_TRANSFER), as_staff(make_staff(shop, "cashier"))
    assert client.post(f"{_page(request)}/reveal").status_code == 403
    assert client.get(_page(request)).status_code == 403
    assert not AuditEvent.objects.filter(action="refund.reveal").exists()


# --- not paid, and another way -------------------------------------------------------------------------------------------


def test_what_could_not_be_paid_goes_back_to_be_corrected(shop: Merchant, as_staff: SignIn) -> None:
    request, client = _waiting(shop, Route.BANK_TRANSFER), as_staff(make_staff(shop, "finance"))
    assert client.post(_page(request), _form(request, paid="no", trouble="nonsense")).status_code == 422

    sealed = _sealed(client, request, paid="no", trouble="payee_wrong", note="户名不符")
    assert client.post(_page(request), {"confirmation": sealed}).status_code == 302

    assert _state(request) == "failed"
    page = client.get(f"/desk/refunds/{request.number}").content.decode()
    assert "户名不符" in page
    assert "payee_account" in page
    answer = client.post(
        f"/desk/refunds/{request.number}/resubmit",
        {
            "version": RefundRequest.objects.get(pk=request.pk).version,
            "amount": "12.00",
            "route": "bank_transfer",
            "payee_holder": "王小敏",
            "payee_bank": "建设银行",
            "payee_account": "6217 0001 2345 6789",
        },
    )
    assert answer.status_code == 302, answer.content.decode()
    assert _state(request) == "in_review"
    assert RefundRequest.objects.get(pk=request.pk).payee.account_last4 == "6789"


def test_refund_that_the_channel_refused_is_sent_in_by_another_route(shop: Merchant, as_staff: SignIn) -> None:
    request = failed(hand.asked("original", sale=make_sale(shop)))
    client = as_staff(make_staff(shop, "finance"))
    form = {"version": request.version, "amount": "12.00", "route": "store_credit"}
    assert client.post(f"/desk/refunds/{request.number}/resubmit", form).status_code == 422

    assert client.post(f"/desk/refunds/{request.number}/resubmit", {**form, "consent": "1"}).status_code == 302

    again = RefundRequest.objects.get(pk=request.pk)
    assert (again.state, again.route) == ("in_review", "store_credit")


def test_cashier_asks_for_a_transfer_at_the_desk(shop: Merchant, as_staff: SignIn) -> None:
    sale, client = make_sale(shop), as_staff(make_staff(shop, "cashier"))
    key = client.get(f"/desk/new?sale={sale.pk}").context["idempotency_key"]
    form = {
        "sale": str(sale.pk),
        "idempotency_key": key,
        "reason": "quality",
        "amount": "12.00",
        "consent": "1",
        "route": "bank_transfer",
    }
    incomplete = client.post("/desk/new", form)
    assert incomplete.status_code == 422
    assert "8 to 32 digits" in incomplete.content.decode()

    form |= {"payee_holder": HOLDER, "payee_bank": "工商银行", "payee_account": WHOLE}
    assert "A reviewer decides" in client.post("/desk/new/quote", form).content.decode()
    assert client.post("/desk/new", form).status_code == 302

    request = RefundRequest.objects.get()
    assert (request.state, request.route, request.payee.account_last4) == ("in_review", "bank_transfer", WHOLE[-4:])


def test_desk_offers_only_the_routes_of_the_policy(as_staff: SignIn) -> None:
    merchant = make_merchant()
    client = as_staff(make_staff(merchant, "cashier"))
    assert 'name="route"' not in client.get(f"/desk/new?sale={make_sale(merchant).pk}").content.decode()


# --- the customer ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("route", "before", "after"),
    [
        (Route.BANK_TRANSFER, "makes the transfer by hand", "Transfer no."),
        (Route.CASH, "collect it at the store", "Slip no."),
        (Route.STORE_CREDIT, "makes out your credit", "Credit no."),
    ],
)
def test_customers_page_says_who_does_what(
    shop: Merchant, as_staff: SignIn, route: str, before: str, after: str
) -> None:
    sale = hand.sale_for(shop, route)
    request = hand.waiting(route, sale=sale, customer=Customer(phone="13800006021", email="a@example.com", locale="en"))
    path = tracking.url_for(request.pk).partition("/r/")[2]
    page = Client().get(f"/r/{path}?lang=en").content.decode()
    assert "The store is preparing your payout" in page
    assert before in page
    assert "within minutes" not in page
    assert after not in page
    assert WHOLE not in page
    outbox.write_notifications(at=timezone.now())
    told = Notification.objects.filter(request=request, event="approved").first()
    assert told is not None
    assert before in words(event="approved", medium="email", locale="en", request=request).body

    hand.confirmed(request)
    page = Client().get(f"/r/{path}?lang=en").content.decode()
    assert "Your money is refunded" in page
    assert after in page
    assert "0042" in page


def test_reconciliation_expects_no_line_of_what_a_person_paid(shop: Merchant) -> None:
    request = _waiting(shop, Route.BANK_TRANSFER)
    hand.confirmed(request)
    account = ChannelAccount.objects.get(merchant=shop, channel="wechat")
    assert {found.channel for found in days.accounts_of(merchant_id=shop.pk)} == {"wechat"}
    for ago in (1, 0):
        day = days.day_made(account=account, day=(timezone.localtime() - timedelta(days=ago)).date())
        store_empty(day_id=day.pk, at=timezone.now())
        matching.recompare(day_id=day.pk, at=timezone.now())
        day.refresh_from_db()
        assert (day.ours_count, day.ours_only, day.pending, day.open_differences) == (0, 0, 0, 0)
