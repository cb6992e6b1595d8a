"""Who may do what, tried from outside: each of these went through once, and money with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from merchants import api_keys
from merchants.models import ApiKey, KeyScope, Merchant, Role, Staff
from refunds.models import RefundRequest
from refunds.payouts.loop import drain
from terminals.models import Transaction
from tests import pictures
from tests.api.conftest import Api, Session, api_for, session_for
from tests.factories import make_merchant, make_sale, make_staff
from tests.refunds import hand

pytestmark = pytest.mark.django_db

PAYEE = {"holder_name": "王小敏", "account_no": hand.ACCOUNT_NO, "bank_name": "工商银行"}


def _now(request_id: str) -> tuple[str, int]:
    request = RefundRequest.objects.get(pk=request_id)
    return str(request.state), request.version


def _asked(by: Api | Session, sale: Transaction, amount_fen: int = 30_000, **more: Any) -> str:
    body = {
        "transaction": str(sale.pk),
        "amount_fen": amount_fen,
        "reason": "quality",
        "customer_consent": True,
        **more,
    }
    answer = by.post("refund-requests", body) if isinstance(by, Api) else _posted(by, "refund-requests", body)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


def _posted(session: Session, path: str, body: Any) -> Any:
    """As ``Session.post``, for what wants an Idempotency-Key."""
    session.client.cookies["csrftoken"] = "t" * 32
    headers = {"X-CSRFToken": "t" * 32, "Idempotency-Key": f"{path}-{timezone.now().timestamp()}"}
    return session.client.post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)


def _rejected(merchant: Merchant, requester: Staff) -> str:
    request_id = _asked(session_for(requester), make_sale(merchant, 50_000))
    rejection = {"version": 3, "reason_code": "suspected_abuse", "message": "?"}
    reviewer = session_for(make_staff(merchant, Role.REVIEWER))
    assert reviewer.post(f"refund-requests/{request_id}/reject", rejection).status_code == 200
    return request_id


# --- whose request it is ----------------------------------------------------------------------------------------------


def test_resubmit_when_rejected_and_somebody_elses_is_forbidden() -> None:
    merchant = make_merchant()
    request_id = _rejected(merchant, make_staff(merchant, Role.CASHIER))
    before = _now(request_id)

    answer = session_for(make_staff(merchant, Role.CASHIER)).post(
        f"refund-requests/{request_id}/resubmit", {"amount_fen": 10_000}
    )

    assert (answer.status_code, answer.json().get("code")) == (403, "role_required")
    assert _now(request_id) == before


@pytest.mark.parametrize("role", [Role.CASHIER, Role.MANAGER])
def test_resubmit_when_rejected_goes_to_a_person_however_it_was_corrected(role: str) -> None:
    merchant = make_merchant()
    requester = make_staff(merchant, Role.CASHIER)
    request_id = _rejected(merchant, requester)
    whoever = requester if role == Role.CASHIER else make_staff(merchant, role)

    answer = session_for(whoever).post(f"refund-requests/{request_id}/resubmit", {"amount_fen": 1_000})

    assert (answer.status_code, answer.json()["state"]) == (200, "in_review")
    rules = {rule["code"]: rule["passed"] for rule in answer.json()["verdict"]["rules"]}
    assert rules["order_not_rejected"] is False


def test_resubmit_when_rejected_long_ago_and_asked_back_since_still_goes_to_a_person() -> None:
    merchant = make_merchant()
    requester = make_staff(merchant, Role.CASHIER)
    request_id = _rejected(merchant, requester)
    path = f"refund-requests/{request_id}"
    session_for(requester).post(f"{path}/resubmit", {"amount_fen": 30_000})
    reviewer = session_for(make_staff(merchant, Role.REVIEWER))
    asked = reviewer.post(f"{path}/request-info", {"version": _now(request_id)[1], "message": "?"})
    assert asked.json()["state"] == "needs_info"

    answer = session_for(requester).post(f"{path}/resubmit", {"amount_fen": 1_000})

    assert (answer.status_code, answer.json()["state"]) == (200, "in_review")


def test_cancel_when_a_manager_asked_and_a_stores_key_calls_is_forbidden() -> None:
    merchant = make_merchant()
    request_id = _asked(session_for(make_staff(merchant, Role.MANAGER)), make_sale(merchant, 50_000))

    answer = api_for(merchant, store=merchant.stores.get()).post(f"refund-requests/{request_id}/cancel", {})

    assert (answer.status_code, answer.json().get("code")) == (403, "role_required")
    assert _now(request_id) == ("in_review", 3)


def test_cancel_when_another_cashier_asked_is_forbidden_and_a_reviewer_may() -> None:
    merchant = make_merchant()
    request_id = _asked(session_for(make_staff(merchant, Role.CASHIER)), make_sale(merchant, 50_000))
    stranger = session_for(make_staff(merchant, Role.CASHIER)).post(f"refund-requests/{request_id}/cancel", {})
    assert stranger.status_code == 403
    assert _now(request_id) == ("in_review", 3)

    reviewer = session_for(make_staff(merchant, Role.REVIEWER)).post(f"refund-requests/{request_id}/cancel", {})

    assert (reviewer.status_code, reviewer.json()["state"]) == (200, "cancelled")


def test_cancel_when_another_till_of_the_store_asked_is_allowed() -> None:
    merchant = make_merchant()
    store = merchant.stores.get()
    request_id = _asked(api_for(merchant, store=store), make_sale(merchant, 50_000))

    answer = api_for(merchant, store=store).post(f"refund-requests/{request_id}/cancel", {})

    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")


def test_evidence_when_a_key_has_nothing_to_do_with_the_request_is_forbidden(settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path
    merchant = make_merchant()
    request_id = _asked(session_for(make_staff(merchant, Role.MANAGER)), make_sale(merchant, 50_000))
    headers = {
        "Authorization": f"Bearer {api_for(merchant, store=merchant.stores.get()).key}",
        "Idempotency-Key": "k",
    }

    answer = Client().post(
        f"/api/v1/refund-requests/{request_id}/evidence", {"file": pictures.upload()}, headers=headers
    )

    assert answer.status_code == 403
    assert not RefundRequest.objects.get(pk=request_id).evidence.exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


# --- two persons are two persons --------------------------------------------------------------------------------------


def _key_of(maker: Staff) -> Api:
    """Another key of the same maker."""
    api = api_for(maker.merchant, scopes=list(KeyScope.values))
    ApiKey.objects.filter(hash=api_keys._hash(api.key)).update(created_by=maker)
    return api


def _approved(merchant: Merchant, request_id: str, reviewer: Staff) -> None:
    version = _now(request_id)[1]
    answer = session_for(reviewer).post(f"refund-requests/{request_id}/approve", {"version": version})
    assert answer.json()["state"] == "approved", answer.content
    drain()


def _confirmation(request_id: str) -> dict[str, Any]:
    return {"version": _now(request_id)[1], "reference_no": "T1", "paid_at": timezone.now().isoformat()}


def test_confirm_when_another_key_of_the_same_maker_asked_is_forbidden() -> None:
    merchant = hand.make_shop()
    manager = make_staff(merchant, Role.MANAGER)
    request_id = _asked(_key_of(manager), make_sale(merchant, 50_000), 1_000, route="bank_transfer", payee=PAYEE)
    _approved(merchant, request_id, make_staff(merchant, Role.REVIEWER))

    answer = _key_of(manager).post(f"refund-requests/{request_id}/confirm-payout", _confirmation(request_id))

    assert (answer.status_code, answer.json().get("code")) == (403, "two_persons_needed")
    assert _now(request_id)[0] == "manual_pending"


def test_confirm_when_another_key_of_the_same_maker_changed_the_payee_is_forbidden() -> None:
    merchant = hand.make_shop()
    store = merchant.stores.get()
    manager, reviewer = make_staff(merchant, Role.MANAGER), make_staff(merchant, Role.REVIEWER)
    request_id = _asked(
        api_for(merchant, store=store), make_sale(merchant, 50_000), 1_000, route="bank_transfer", payee=PAYEE
    )
    path = f"refund-requests/{request_id}"
    session_for(reviewer).post(f"{path}/request-info", {"version": 3, "message": "?"})
    till = api_for(merchant, store=store)
    ApiKey.objects.filter(hash=api_keys._hash(till.key)).update(created_by=manager)
    changed = till.post(f"{path}/resubmit", {"payee": {**PAYEE, "account_no": "6217000123456789"}})
    assert changed.json()["payee"]["account_no"] == "**** 6789"
    _approved(merchant, request_id, reviewer)

    answer = _key_of(manager).post(f"{path}/confirm-payout", _confirmation(request_id))

    assert (answer.status_code, answer.json().get("code")) == (403, "two_persons_needed")
    assert _now(request_id)[0] == "manual_pending"


def test_confirm_by_key_when_its_maker_has_nothing_to_do_with_it_is_allowed() -> None:
    merchant = hand.make_shop()
    request_id = _asked(api_for(merchant), make_sale(merchant, 50_000), 1_000, route="bank_transfer", payee=PAYEE)
    _approved(merchant, request_id, make_staff(merchant, Role.REVIEWER))

    answer = api_for(merchant).post(f"refund-requests/{request_id}/confirm-payout", _confirmation(request_id))

    assert (answer.status_code, answer.json()["state"]) == (200, "refunded")


# --- who reports a sale -----------------------------------------------------------------------------------------------

SALE = {
    "order_no": "A1",
    "channel": "cash",
    "channel_transaction_no": "A1",
    "amount_fen": 200_000,
    "paid_at": "2026-11-20T18:42:15+08:00",
    "store": "S001",
}


@pytest.mark.parametrize("role", list(Role.values))
def test_report_sale_when_a_person_does_it_is_forbidden(role: str) -> None:
    merchant = make_merchant()

    answer = _posted(session_for(make_staff(merchant, role)), "transactions", SALE)

    assert (answer.status_code, answer.json().get("code")) == (403, "key_required")
    assert not Transaction.objects.exists()


def test_report_sale_tells_for_good_which_key_did_it() -> None:
    merchant = make_merchant()
    api = api_for(merchant)
    made = api.post("transactions", SALE).json()

    found = api.get(f"transactions/{made['id']}").json()

    assert found.get("reported_by", {}).get("kind") == "api_key"
    assert found["reported_by"]["name"] == "till"
    page = session_for(make_staff(merchant, Role.CASHIER)).client.get(f"/desk/transactions/{made['id']}")
    assert "Reported by" in page.content.decode() or "上报者" in page.content.decode()
    assert "till" in page.content.decode()


# --- whose sale it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["{}", " {} ", "upper", "wide"])
def test_approve_when_one_rang_the_sale_up_and_the_body_names_another_is_forbidden(written: str) -> None:
    merchant = make_merchant()
    reviewer = make_staff(merchant, Role.REVIEWER, username="li.na7")
    cashier = {"upper": "LI.NA7", "wide": "ｌｉ.ｎａ７"}.get(written, written.format("li.na7"))
    request_id = _asked(api_for(merchant), make_sale(merchant, 50_000, cashier=cashier), cashier="C999")

    answer = session_for(reviewer).post(f"refund-requests/{request_id}/approve", {"version": 3})

    assert (answer.status_code, answer.json().get("code")) == (403, "own_request")
    assert _now(request_id) == ("in_review", 3)


def test_submit_when_the_body_names_a_cashier_keeps_both() -> None:
    merchant = make_merchant()
    api = api_for(merchant)
    request_id = _asked(api, make_sale(merchant, 50_000, cashier="C001"), cashier="C999")

    body = api.get(f"refund-requests/{request_id}").json()

    assert (body["cashier"], body.get("sale_cashier")) == ("C999", "C001")


def test_approve_when_the_sale_is_under_ones_code_at_the_till_is_forbidden() -> None:
    merchant = make_merchant()
    reviewer = make_staff(merchant, Role.REVIEWER)
    Staff.objects.filter(pk=reviewer.pk).update(till_codes=["C017"])
    for where in ({"sale": "c017 "}, {"request": "Ｃ017"}):
        sale = make_sale(merchant, 50_000, cashier=where.get("sale", "C001"))
        request_id = _asked(api_for(merchant), sale, cashier=where.get("request", "C999"))
        answer = session_for(reviewer).post(f"refund-requests/{request_id}/approve", {"version": 3})
        assert (answer.status_code, answer.json().get("code")) == (403, "own_request")
        assert _now(request_id) == ("in_review", 3)


# --- which stores -----------------------------------------------------------------------------------------------------


def _of_one_store(merchant: Merchant, role: str) -> Staff:
    staff = make_staff(merchant, role)
    staff.all_stores = False
    staff.save()
    staff.stores.set([merchant.stores.order_by("pk")[0]])
    return staff


def test_list_when_the_last_store_was_taken_away_is_empty() -> None:
    merchant = make_merchant()
    request_id = _asked(api_for(merchant), make_sale(merchant, 50_000))
    reviewer = _of_one_store(merchant, Role.REVIEWER)
    client = session_for(reviewer).client
    assert len(client.get("/api/v1/refund-requests").json()["results"]) == 1

    reviewer.stores.clear()

    assert client.get("/api/v1/refund-requests").json()["results"] == []
    assert client.get("/api/v1/transactions").json()["results"] == []
    assert client.get(f"/api/v1/refund-requests/{request_id}").status_code == 404
    number = RefundRequest.objects.get().number
    assert client.get(f"/desk/refunds/{number}").status_code == 404
    desk = client.get("/desk")
    assert desk.status_code == 200
    assert number not in desk.content.decode()
    assert client.get("/desk/analytics").status_code == 200


@pytest.mark.parametrize("store", ["S999", "", "theirs", "none", " "])
def test_issue_key_when_the_store_is_not_known_is_refused_and_makes_none(store: str) -> None:
    merchant = make_merchant()
    make_merchant().stores.create(code="theirs", name="别家")
    form = {"name": "till", "scopes": ["refunds:read"], **({} if store == "none" else {"store": store})}

    client = Client()
    client.force_login(make_staff(merchant, Role.OWNER), backend="django.contrib.auth.backends.ModelBackend")
    answer = client.post("/desk/api-keys", form)

    assert answer.status_code == 422
    assert not ApiKey.objects.exists()


# --- what lies on whose desk ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["own", "rung up", "above the tier"])
def test_claim_when_one_could_not_decide_it_is_forbidden(why: str) -> None:
    merchant = make_merchant()
    reviewer = make_staff(merchant, Role.REVIEWER)
    amount = 150_000 if why == "above the tier" else 30_000
    sale = make_sale(merchant, 200_000, cashier=reviewer.username if why == "rung up" else "C001")
    request_id = _asked(session_for(reviewer) if why == "own" else api_for(merchant), sale, amount)

    answer = session_for(reviewer).post(f"refund-requests/{request_id}/claim", {})

    assert answer.status_code == 403
    assert RefundRequest.objects.get().claimed_by_id is None
    colleague = session_for(make_staff(merchant, Role.MANAGER))
    assert colleague.post(f"refund-requests/{request_id}/claim", {}).status_code == 200
    assert colleague.post(f"refund-requests/{request_id}/release", {}).status_code == 200
    assert RefundRequest.objects.get().claimed_by_id is None


# --- sessions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["switched off and on", "another role and back", "password"])
def test_session_when_its_account_changed_is_over_for_good(what: str) -> None:
    reviewer = make_staff(make_merchant(), Role.REVIEWER)
    client = session_for(reviewer).client
    assert client.get("/desk").status_code == 200
    row = Staff.objects.filter(pk=reviewer.pk)

    if what == "switched off and on":
        row.update(is_active=False)
        assert client.get("/desk").status_code == 302
        row.update(is_active=True)
    elif what == "another role and back":
        row.update(role=Role.CASHIER)
        row.update(role=Role.REVIEWER)
    else:
        changed = row.get()
        changed.set_password("a new one, of some length")
        changed.save()

    assert client.get("/desk").status_code == 302
    assert client.get("/api/v1/refund-requests").status_code in (401, 403)
    again = session_for(row.get()).client
    assert again.get("/desk").status_code == 200


def test_session_when_nothing_of_the_account_changed_goes_on() -> None:
    reviewer = make_staff(make_merchant(), Role.REVIEWER)
    client = session_for(reviewer).client
    Staff.objects.filter(pk=reviewer.pk).update(name="另一个名字", last_login=timezone.now())
    assert client.get("/desk").status_code == 200
