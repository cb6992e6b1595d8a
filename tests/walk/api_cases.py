"""Every call of the API, by a till's key or, where only staff may, out of a browser's session."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from merchants.models import Role
from refunds.models import RefundRequest
from terminals.models import Deposit, Terminal, Transaction
from tests import pictures
from tests.reconciliation.world import DAY
from tests.walk.cases import case
from tests.walk.stage import Stage, fresh

_API = "/api/v1/"
_REQUEST = f"{_API}refund-requests/<id:request_id>"


def _body(sale: Transaction, amount_fen: int = 1_200) -> dict[str, Any]:
    return {
        "transaction": str(sale.pk),
        "amount_fen": amount_fen,
        "reason": "quality",
        "description": "面板开裂",
        "lines": [{"sku": "SKU-1", "quantity": 1}],
        "customer": {"name": "王敏", "phone": "13800006021", "email": "wangmin@example.com", "locale": "zh-Hans"},
        "customer_consent": True,
    }


def _as(stage: Stage, role: str, request: RefundRequest, act: str, **body: Any) -> RefundRequest:
    stage.call_as(role, f"refund-requests/{request.pk}/{act}", {"version": request.version, **body})
    return fresh(request)


@case("GET", f"{_API}transactions")
def list_transactions(stage: Stage) -> None:
    sale = stage.sale()
    (found,) = stage.call("GET", "transactions", order_no=sale.order_no)["results"]
    assert found["id"] == str(sale.pk)


@case("POST", f"{_API}transactions")
def report_transaction(stage: Stage) -> None:
    sale = {
        "order_no": "A20261121000001",
        "channel": "wechat",
        "channel_transaction_no": f"4200{uuid4().int % 10**24:024d}",
        "amount_fen": 9_800,
        "paid_at": (timezone.now() - timedelta(minutes=5)).isoformat(),
        "store": "S001",
        "terminal": "POS-01",
        "cashier": "C001",
        "payer": {"phone": "13800006021", "card_last4": "1234", "funding": "debit_card"},
        "lines": [{"sku": "SKU-9", "name": "保温杯", "quantity": 2, "unit_price_fen": 4_900, "amount_fen": 9_800}],
    }
    answer = stage.call("POST", "transactions", sale, expect=201)
    assert Transaction.objects.get(pk=answer["id"]).lines.get().name == "保温杯"


@case("POST", f"{_API}reconciliations")
def upload_statement(stage: Stage) -> None:
    stage.moved_on_the_day()
    form = {"account": stage.account.code, "date": DAY.isoformat(), "file": stage.statement()}
    answer = stage.call_as(Role.FINANCE, "reconciliations", form)
    assert answer["statement"]["n"] == 1


@case("POST", f"{_API}transactions/<id:transaction_id>/corrections")
def correct_transaction(stage: Stage) -> None:
    sale = stage.sale()
    answer = stage.call("POST", f"transactions/{sale.pk}/corrections", {"cashier": "C009", "reason": "录错收银员"})
    assert answer["cashier"] == "C009"


@case("POST", f"{_API}transactions/<id:transaction_id>/trade-queries")
def ask_channel(stage: Stage) -> None:
    answer = stage.call("POST", f"transactions/{stage.sale().pk}/trade-queries", {})
    assert (answer["outcome"], answer["payment_check"]["outcome"]) == ("paid", "paid")


@case("POST", f"{_API}transactions/<id:transaction_id>/end-hold")
def end_hold(stage: Stage) -> None:
    sale = stage.sale()
    Transaction.objects.filter(pk=sale.pk).update(held_at=timezone.now())
    found = {"finding": "not_paid", "note": "已与渠道核对"}
    assert stage.call_as(Role.FINANCE, f"transactions/{sale.pk}/end-hold", found)["held_at"] is None


@case("POST", f"{_API}transactions/<id:transaction_id>/adopt")
def adopt_portal_refund(stage: Stage) -> None:
    # Nothing was refunded in the stand-in's portal.
    refused = stage.call_as(Role.FINANCE, f"transactions/{stage.sale().pk}/adopt", {}, expect=409)
    assert refused["code"] == "nothing_to_adopt"


@case("POST", f"{_API}reconciliations/differences/<int:difference_id>/adopt")
def adopt_difference(stage: Stage) -> None:
    body = {"note": "店长在商户平台退的"}
    adopted = stage.call_as(Role.FINANCE, f"reconciliations/differences/{stage.difference().pk}/adopt", body)
    assert (adopted["state"], adopted["refunded_fen"]) == ("refunded", 2_000)


@case("GET", f"{_API}transactions/<id:transaction_id>")
def get_transaction(stage: Stage) -> None:
    request = stage.in_review()
    answer = stage.call("GET", f"transactions/{request.transaction_id}")
    assert [row["number"] for row in answer["refund_requests"]] == [request.number]


@case("POST", f"{_API}transactions/<id:transaction_id>/deposit")
def record_deposit_terms(stage: Stage) -> None:
    sale = stage.sale(kind="deposit")
    said = {"kind": "earnest", "contract_amount_fen": 10 * sale.amount_fen, "terms": "婚宴 12 桌"}
    answer = stage.call("POST", f"transactions/{sale.pk}/deposit", said)
    assert (answer["kind"], Deposit.objects.get().terms) == ("earnest", "婚宴 12 桌")


@case("GET", f"{_API}orders/<str:order_no>")
def get_order(stage: Stage) -> None:
    sale = stage.sale()
    answer = stage.call("GET", f"orders/{sale.order_no}")
    assert [payment["id"] for payment in answer["payments"]] == [str(sale.pk)]


@case("POST", f"{_API}refund-quotes")
def quote(stage: Stage) -> None:
    answer = stage.call("POST", "refund-quotes", _body(stage.sale(), 26_800))
    assert answer["verdict"]["decision"] == "review"


@case("GET", f"{_API}refund-requests")
def list_refund_requests(stage: Stage) -> None:
    request = stage.in_review()
    (found,) = stage.call("GET", "refund-requests", number=request.number)["results"]
    assert found["id"] == str(request.pk)


@case("POST", f"{_API}refund-requests")
def submit(stage: Stage) -> None:
    answer = stage.call("POST", "refund-requests", _body(stage.sale()), expect=201)
    assert (answer["state"], fresh(RefundRequest.objects.get()).description) == ("approved", "面板开裂")


@case("GET", _REQUEST)
def get_refund_request(stage: Stage) -> None:
    request = stage.paid()
    assert stage.call("GET", f"refund-requests/{request.pk}")["state"] == "refunded"


@case("GET", f"{_REQUEST}/events")
def events(stage: Stage) -> None:
    request = stage.in_review()
    found = stage.call("GET", f"refund-requests/{request.pk}/events")["results"]
    assert found[-1]["to_state"] == "in_review"


@case("POST", f"{_API}evidence")
def send_evidence_ahead(stage: Stage) -> None:
    ahead = stage.call("POST", "evidence", pictures.upload(), expect=201)
    assert ahead["refund_request"] is None
    stage.call("POST", "refund-requests", {**_body(stage.sale()), "evidence": [ahead["id"]]}, expect=201)
    assert RefundRequest.objects.get().evidence.count() == 1


@case("POST", f"{_REQUEST}/evidence")
def add_evidence(stage: Stage) -> None:
    asked = stage.call("POST", "refund-requests", _body(stage.sale(), 26_800), expect=201)
    stage.call("POST", f"refund-requests/{asked['id']}/evidence", pictures.upload(), expect=201)
    assert RefundRequest.objects.get().evidence.count() == 1


@case("POST", f"{_REQUEST}/cancel")
def cancel(stage: Stage) -> None:
    # A till withdraws what it asked for.
    asked = stage.call("POST", "refund-requests", _body(stage.sale(), 26_800), expect=201)
    path = f"refund-requests/{asked['id']}/cancel"
    assert stage.call("POST", path, {"version": asked["version"], "note": "顾客不退了"})["state"] == "cancelled"


@case("POST", f"{_REQUEST}/resubmit")
def resubmit(stage: Stage) -> None:
    asked = stage.call("POST", "refund-requests", _body(stage.sale(), 26_800), expect=201)
    request = RefundRequest.objects.get(pk=asked["id"])
    asked_for_more = stage.asked_for_more(request)
    body = {"version": asked_for_more.version, "description": "照片已补", "amount_fen": 25_000}
    answer = stage.call("POST", f"refund-requests/{request.pk}/resubmit", body)
    assert (answer["amount_fen"], fresh(request).description) == (25_000, "照片已补")


@case("POST", f"{_REQUEST}/claim")
def claim(stage: Stage) -> None:
    assert _as(stage, Role.REVIEWER, stage.in_review(), "claim").claimed_by == stage.person(Role.REVIEWER)


@case("POST", f"{_REQUEST}/release")
def release(stage: Stage) -> None:
    request = stage.claimed()
    stage.call_as(Role.REVIEWER, f"refund-requests/{request.pk}/release", {})
    assert fresh(request).claimed_by is None


@case("POST", f"{_REQUEST}/approve")
def approve(stage: Stage) -> None:
    done = _as(stage, Role.REVIEWER, stage.in_review(), "approve", amount_fen=20_000, note="少退一件")
    assert (done.state, done.approved_fen) == ("approved", 20_000)


@case("POST", f"{_REQUEST}/reject")
def reject(stage: Stage) -> None:
    done = _as(stage, Role.REVIEWER, stage.in_review(), "reject", reason_code="no_proof", message="没有小票")
    assert done.state == "rejected"


@case("POST", f"{_REQUEST}/request-info")
def request_info(stage: Stage) -> None:
    done = _as(stage, Role.REVIEWER, stage.in_review(), "request-info", message="请补一张照片")
    assert done.state == "needs_info"


@case("POST", f"{_REQUEST}/extend")
def extend(stage: Stage) -> None:
    until = (timezone.now() + timedelta(days=3)).isoformat()
    done = _as(stage, Role.REVIEWER, stage.in_review(), "extend", until=until, reason="送检", consent=True)
    assert done.extended_until == done.due_at


@case("POST", f"{_REQUEST}/goods-return")
def ask_for_goods(stage: Stage) -> None:
    assert _as(stage, Role.REVIEWER, stage.in_review(), "goods-return", message="请带包装").state == "waiting_goods"


@case("POST", f"{_REQUEST}/goods-return/call-off")
def call_off_goods(stage: Stage) -> None:
    done = _as(stage, Role.REVIEWER, stage.asked_for_goods(), "goods-return/call-off")
    assert done.goods_returns.get().state == "called_off"


def _goods(stage: Stage, role: str, request: RefundRequest, act: str, **body: Any) -> RefundRequest:
    """An act that asks for no version: what came, came."""
    stage.call_as(role, f"refund-requests/{request.pk}/{act}", body)
    return fresh(request)


@case("POST", f"{_REQUEST}/goods-return/parcel")
def send_goods(stage: Stage) -> None:
    parcel = {"carrier": "顺丰", "parcel_no": "SF12345"}
    done = _goods(stage, Role.CASHIER, stage.asked_for_goods(), "goods-return/parcel", **parcel)
    assert done.goods_returns.get().state == "on_its_way"


@case("POST", f"{_REQUEST}/received")
def receive_goods(stage: Stage) -> None:
    done = _goods(stage, Role.CASHIER, stage.asked_for_goods(), "received")
    assert done.goods_returns.get().state == "received"


@case("POST", f"{_REQUEST}/inspection")
def inspect_goods(stage: Stage) -> None:
    found = [{"quantity": 1, "condition": "as_described", "disposition": "restock"}]
    done = _goods(stage, Role.REVIEWER, stage.goods_here(), "inspection", found=found)
    assert (done.state, done.goods_returns.get().state) == ("verifying", "inspected")


@case("POST", f"{_REQUEST}/exchange-offer")
def offer_exchange(stage: Stage) -> None:
    done = _as(stage, Role.REVIEWER, stage.in_review(), "exchange-offer", kind="reship", message="补发")
    assert done.offers.get().kind == "reship"


@case("POST", f"{_REQUEST}/exchange-answer")
def answer_exchange_offer(stage: Stage) -> None:
    assert _goods(stage, Role.REVIEWER, stage.offered(), "exchange-answer", accepted=True).state == "cancelled"


@case("POST", f"{_REQUEST}/exchange-order")
def name_exchange_order(stage: Stage) -> None:
    done = _goods(stage, Role.REVIEWER, stage.offered(taken=True), "exchange-order", new_order_no="B0001")
    assert done.offers.get().new_order_no == "B0001"


@case("POST", f"{_REQUEST}/confirm-payout")
def confirm_payout(stage: Stage) -> None:
    request = stage.by_hand()
    paid = {"reference_no": "0042", "paid_at": timezone.now().isoformat(), "drawer": "POS-01"}
    assert _as(stage, Role.FINANCE, request, "confirm-payout", **paid).state == "refunded"


@case("POST", f"{_REQUEST}/payout-failed")
def payout_failed(stage: Stage) -> None:
    request = stage.by_hand()
    assert _as(stage, Role.FINANCE, request, "payout-failed", reason_code="no_means", note="抽屉没钱").state == "failed"


@case("POST", f"{_REQUEST}/portal-findings")
def portal_finding(stage: Stage) -> None:
    request = stage.lost()
    form = {"version": request.version, "shows": "nothing", "file": pictures.upload()}
    client = stage.browser(Role.FINANCE)
    answer = client.post(f"/api/v1/refund-requests/{request.pk}/portal-findings", form)
    assert answer.status_code == 200, answer.content
    assert request.evidence.count() == 1


@case("POST", f"{_REQUEST}/confirm-portal-finding")
def confirm_portal_finding(stage: Stage) -> None:
    request = stage.found_in_portal(paid=False)
    assert _as(stage, Role.OWNER, request, "confirm-portal-finding").state == "failed"


@case("POST", f"{_REQUEST}/legs/<int:sequence>/retry")
def retry_leg(stage: Stage) -> None:
    done = _as(stage, Role.FINANCE, stage.half_paid(), "legs/2/retry")
    assert (done.state, done.executions.filter(sequence=2, state="ready").count()) == ("partially_refunded", 1)


@case("POST", f"{_REQUEST}/legs/<int:sequence>/move")
def move_leg(stage: Stage) -> None:
    payee = {"holder_name": "王敏", "account_no": "6222000012345678", "bank_name": "工商银行"}
    moved = {"route": "bank_transfer", "customer_consent": True, "payee": payee}
    done = _as(stage, Role.FINANCE, stage.half_paid(), "legs/2/move", **moved)
    assert done.legs.get(sequence=2).route == "bank_transfer"


@case("POST", f"{_REQUEST}/legs/<int:sequence>/give-up")
def give_up_leg(stage: Stage) -> None:
    done = _as(stage, Role.FINANCE, stage.half_paid(), "legs/2/give-up", note="顾客不要了")
    assert (done.state, done.refunded_fen) == ("refunded", 20_000)


@case("GET", f"{_API}analytics/summary")
def analytics_summary(stage: Stage) -> None:
    stage.paid()
    assert stage.call("GET", "analytics/summary")["current"]["refunded"]["amount_fen"] == 26_800


@case("GET", f"{_API}reconciliations")
def reconciliations(stage: Stage) -> None:
    stage.compared()
    (day,) = stage.call("GET", "reconciliations", date=DAY.isoformat())["results"]
    assert day["counts"]["matched"] == 1


@case("GET", f"{_API}policy")
def policy(stage: Stage) -> None:
    assert stage.call("GET", "policy")["auto_approve_limit_fen"] == 20_000


_DRAFT = f"{_API}policy/drafts/<int:draft_id>"


@case("GET", f"{_API}policy/versions")
def list_policy_versions(stage: Stage) -> None:
    assert [row["version"] for row in stage.call("GET", "policy/versions")["results"]] == [1]


@case("GET", f"{_API}policy/versions/<int:number>")
def get_policy_version(stage: Stage) -> None:
    assert stage.call("GET", "policy/versions/1")["sections"]


@case("GET", f"{_API}policy/drafts")
def list_policy_drafts(stage: Stage) -> None:
    draft = stage.draft()
    (found,) = stage.call_as(Role.OWNER, "policy/drafts", None, method="GET")["results"]
    assert found["id"] == draft.pk


@case("POST", f"{_API}policy/drafts")
def start_policy_draft(stage: Stage) -> None:
    assert stage.call_as(Role.OWNER, "policy/drafts", {"from_version": 1}, expect=201)["revision"] == 1


@case("GET", _DRAFT)
def get_policy_draft(stage: Stage) -> None:
    assert stage.call_as(Role.OWNER, f"policy/drafts/{stage.draft().pk}", None, method="GET")["changes"]


@case("PATCH", _DRAFT)
def change_policy_draft(stage: Stage) -> None:
    change = {"revision": 2, "name": "新策略"}
    assert stage.call_as(Role.OWNER, f"policy/drafts/{stage.draft().pk}", change, method="PATCH")["name"] == "新策略"


@case("POST", f"{_DRAFT}/ask")
def ask_to_publish(stage: Stage) -> None:
    draft, colleague = stage.draft(), stage.person(Role.OWNER)
    body = {"revision": 2, "reason": "客诉", "colleague": colleague.username}
    assert stage.call_as(Role.MANAGER, f"policy/drafts/{draft.pk}/ask", body)["asked_of"] == colleague.name


@case("POST", f"{_DRAFT}/publish")
def publish_policy_draft(stage: Stage) -> None:
    draft = stage.draft(asked=True)
    assert stage.call_as(Role.OWNER, f"policy/drafts/{draft.pk}/publish", {"revision": 2})["version"] == 2


@case("POST", f"{_DRAFT}/discard")
def discard_policy_draft(stage: Stage) -> None:
    path = f"policy/drafts/{stage.draft().pk}/discard"
    assert stage.call_as(Role.MANAGER, path, {"revision": 2})["state"] == "discarded"


def _period() -> dict[str, str]:
    now = timezone.now()
    return {"since": (now - timedelta(days=1)).isoformat(), "until": now.isoformat()}


@case("GET", f"{_DRAFT}/proof")
def prove_policy_draft(stage: Stage) -> None:
    assert stage.call_as(Role.OWNER, f"policy/drafts/{stage.draft().pk}/proof", None, method="GET")["exposure"]


@case("POST", f"{_DRAFT}/trials")
@case("GET", f"{_DRAFT}/trials")
@case("GET", f"{_API}policy/trials/<int:trial_id>")
@case("POST", f"{_API}policy/trials/<int:trial_id>/cancel")
def try_policy_draft(stage: Stage) -> None:
    stage.in_review()
    path = f"policy/drafts/{stage.draft().pk}/trials"
    trial = stage.call_as(Role.OWNER, path, _period(), expect=201)
    assert stage.call_as(Role.OWNER, path, None, method="GET")["results"][0]["id"] == trial["id"]
    one = f"policy/trials/{trial['id']}"
    assert stage.call_as(Role.OWNER, one, None, method="GET")["id"] == trial["id"]
    assert stage.call_as(Role.OWNER, f"{one}/cancel", {})["state"] == "cancelled"


@case("POST", f"{_DRAFT}/shadows")
@case("GET", f"{_DRAFT}/shadows")
@case("POST", f"{_API}policy/shadows/<int:shadow_id>/stop")
def let_policy_draft_ride_along(stage: Stage) -> None:
    path = f"policy/drafts/{stage.draft().pk}/shadows"
    shadow = stage.call_as(Role.OWNER, path, {"days": 3}, expect=201)
    assert stage.call_as(Role.OWNER, path, None, method="GET")["results"][0]["id"] == shadow["id"]
    assert stage.call_as(Role.OWNER, f"policy/shadows/{shadow['id']}/stop", {})["id"] == shadow["id"]


@case("POST", f"{_DRAFT}/catch-up")
def catch_up_policy_draft(stage: Stage) -> None:
    path = f"policy/drafts/{stage.draft().pk}/catch-up"
    assert stage.call_as(Role.MANAGER, path, {"revision": 2})["state"] == "open"


@case("GET", f"{_API}terminals/<str:code>")
def get_terminal(stage: Stage) -> None:
    assert stage.call("GET", "terminals/POS-01")["refunds_enabled"] is True


@case("POST", f"{_API}terminals/<str:code>/heartbeat")
def report_terminal(stage: Stage) -> None:
    body = {"version": "4.2.1", "checks": {"display": True, "keyboard": True, "printer": True}, "missing_slips": 0}
    assert stage.call("POST", "terminals/POS-01/heartbeat", body)["is_current"] is True
    assert Terminal.objects.get().software_version == "4.2.1"


@case("POST", f"{_REQUEST}/till-authorisations")
@case("GET", f"{_REQUEST}/till-authorisations/<id:authorisation_id>")
def show_till_authorisation(stage: Stage) -> None:
    request = stage.in_review()
    path = f"refund-requests/{request.pk}/till-authorisations"
    body = {"terminal": "POS-01", "version": request.version, "amount_fen": request.amount_fen}
    shown = stage.call("POST", path, body, expect=201)
    assert "/desk/at-till/" in shown["url"]
    heard = stage.call("GET", f"{path}/{shown['id']}")
    assert (heard["state"], heard["request_state"], "url" in heard) == ("waiting", "in_review", False)


@case("POST", f"{_API}shifts")
@case("GET", f"{_API}shifts/<int:shift_id>")
@case("POST", f"{_API}shifts/<int:shift_id>/close")
def run_shift(stage: Stage) -> None:
    opened = stage.call("POST", "shifts", {"terminal": "POS-01", "float_fen": 10_000}, expect=201)
    assert stage.call("GET", f"shifts/{opened['id']}")["expected_fen"] == 10_000
    closed = stage.call("POST", f"shifts/{opened['id']}/close", {"counted_fen": 10_000})
    assert (closed["counted_fen"], closed["paid"], closed["unknown"]) == (10_000, [], [])


_BATCH = f"{_API}refund-batches/<int:batch_id>"


@case("GET", f"{_API}refund-batches")
def list_refund_batches(stage: Stage) -> None:
    batch = stage.batch()
    (found,) = stage.call_as(Role.FINANCE, "refund-batches", None, method="GET")["results"]
    assert found["id"] == batch.pk


@case("POST", f"{_API}refund-batches")
def file_refund_batch(stage: Stage) -> None:
    rows = [_body(stage.sale()), {"amount_fen": 1}]
    assert stage.call("POST", "refund-batches", {"rows": rows}, expect=201)["checked"]["bad"]["rows"] == 1


@case("GET", _BATCH)
def get_refund_batch(stage: Stage) -> None:
    found = stage.call_as(Role.FINANCE, f"refund-batches/{stage.batch().pk}", None, method="GET")
    assert found["state"] == "ready"


@case("GET", f"{_BATCH}/rows")
def list_refund_batch_rows(stage: Stage) -> None:
    (row,) = stage.call_as(Role.FINANCE, f"refund-batches/{stage.batch().pk}/rows", None, method="GET")["results"]
    assert row["amount_fen"] == 1_200


@case("POST", f"{_BATCH}/confirm")
def confirm_refund_batch(stage: Stage) -> None:
    assert stage.call_as(Role.OWNER, f"refund-batches/{stage.batch().pk}/confirm", {})["state"] == "confirmed"


_IMPORT = f"{_API}imports/<int:batch_id>"


@case("POST", f"{_API}imports")
def bring_import(stage: Stage) -> None:
    sent = {"file": SimpleUploadedFile("w.csv", "单号,金额\n1,2\n".encode()), "kind": "sales"}
    found = stage.call_as(Role.FINANCE, "imports", sent, expect=201)
    assert found["guess"] == {"order_no": "单号", "amount": "金额"}


@case("GET", _IMPORT)
def get_import(stage: Stage) -> None:
    found = stage.call_as(Role.FINANCE, f"imports/{stage.import_file().pk}", None, method="GET")
    assert found["columns"] == ["order", "number", "paid", "at"]


@case("POST", f"{_IMPORT}/columns")
def name_import_columns(stage: Stage) -> None:
    columns = {"order_no": "order", "channel_transaction_no": "number", "amount": "paid", "paid_at": "at"}
    said = {"columns": columns, "same": {"channel": "wechat", "store": "S001"}}
    assert stage.call_as(Role.FINANCE, f"imports/{stage.import_file().pk}/columns", said)["state"] == "reading"


@case("GET", f"{_IMPORT}/failed")
def list_import_failures(stage: Stage) -> None:
    path = f"imports/{stage.import_file(read=True).pk}/failed"
    (row,) = stage.call_as(Role.FINANCE, path, None, method="GET")["rows"]
    assert row[1:3] == ["W-2", "4.2E+27"]


@case("POST", f"{_BATCH}/cancel")
def cancel_refund_batch(stage: Stage) -> None:
    assert stage.call_as(Role.OWNER, f"refund-batches/{stage.batch().pk}/cancel", {})["state"] == "cancelled"


@case("GET", f"{_API}api-keys")
def list_api_keys(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    (found,) = stage.call_as(Role.OWNER, "api-keys", None, method="GET")["results"]
    assert found["id"] == row.pk


@case("GET", f"{_API}api-keys/current")
def get_current_key(stage: Stage) -> None:
    assert "refunds:read" in stage.call("GET", "api-keys/current")["scopes"]


@case("GET", f"{_API}api-keys/<int:key_id>/mandate")
def get_mandate(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    assert stage.call_as(Role.OWNER, f"api-keys/{row.pk}/mandate", None, method="GET")["mandate"] == {}


@case("PUT", f"{_API}api-keys/<int:key_id>/mandate")
def set_mandate(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    limits = {"max_fen": 20_000}
    assert stage.call_as(Role.OWNER, f"api-keys/{row.pk}/mandate", limits, method="PUT")["mandate"] == limits


@case("POST", f"{_API}key-stops")
def stop_api_keys(stage: Stage) -> None:
    stopped = {"store": "S001", "stopped": True}
    assert stage.call_as(Role.OWNER, "key-stops", stopped)["stopped_stores"] == ["S001"]


@case("GET", f"{_API}audit/checkpoints")
def read_checkpoints(stage: Stage) -> None:
    answer = stage.browser(Role.OWNER).get("/api/v1/audit/checkpoints").json()
    assert (answer["results"], len(answer["public_key"])) == ([], 64)
