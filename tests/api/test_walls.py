"""Every address at once: whose it is, which scope it needs, that nothing says more than it must."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone

from api.caller import Caller
from api.urls import urlpatterns
from core import tenant_wall
from core.personal_data import seal_bytes
from integrations.models import WebhookDelivery, WebhookEndpoint
from merchants.models import KeyScope, Merchant, Staff
from merchants.principals import Principal, of_staff
from reconciliation import days
from reconciliation.models import Difference
from reconciliation.models.bill import MatchOutcome
from refunds.follow_up import incidents
from refunds.follow_up.incidents import Problem
from refunds.intake import batches, without_receipt
from refunds.intake.batches import Wish
from refunds.models import ImportFile, RefundRequest, Shift
from refunds.payouts import shifts
from refunds.review import at_the_till
from refunds.rules.candidates import Told
from refunds.telling import tracking
from tests import after_each
from tests.api.conftest import api_for, session_for
from tests.factories import make_merchant, make_request, make_sale, make_staff, till, works_in
from tests.integrations.rig import make_endpoint
from tests.together import asked_together

pytestmark = pytest.mark.django_db


def _calls() -> Iterator[tuple[str, str, str | None]]:
    """(method, path with names in angle brackets, scope or None for staff alone) of every call."""
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        callback: Any = pattern.callback
        view = callback.view_class
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if hasattr(view, method.lower()):
                yield method, str(pattern.pattern), view.scopes.get(method)


_CALLS = sorted(_calls())
_ABOUT_ONE = [call for call in _CALLS if "<id:" in call[1]]


def _send(method: str, path: str, *, key: str = "", client: Client | None = None, **headers: str) -> Any:
    if key:
        headers["Authorization"] = f"Bearer {key}"
    headers["Idempotency-Key"] = uuid4().hex
    is_form = path.endswith(("evidence", "portal-findings", "document", "payment-results"))
    form = "multipart/form-data; boundary=x" if is_form else "application/json"
    body = _PICTURE if is_form else b'{"version": 3}'
    for end, more in _BODIES.items():
        body = more if path.endswith(end) else body
    if method == "GET":
        return (client or Client()).get(f"/api/v1/{path}", headers=headers)
    return (client or Client()).generic(method, f"/api/v1/{path}", body, content_type=form, headers=headers)


_BODIES = {
    "/tasks": b'{"kind": "complaint", "words": "?"}',
    "returned-transfer": b'{"trouble": "payee_wrong"}',
    "corrections": b'{"cashier": "C9", "reason": "x"}',
    "wechat-consent": b'{"openid": "o", "events": ["refunded"]}',
    "end-hold": b'{"finding": "paid", "note": "x"}',
    "move": b'{"version": 3, "route": "cash", "customer_consent": true}',
}
_PICTURE = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nx\r\n--x--\r\n'


#: Of a refund or a policy the first of its kind; drafts and what is made of them have walls of their own (test_policy_drafts).
_NUMBERS = (
    *("<int:case_id>", "<int:sequence>", "<int:number>", "<int:draft_id>", "<int:trial_id>", "<int:shadow_id>"),
    *("<int:delegation_id>", "<int:grace_id>", "<int:task_id>", "<int:staff_id>", "<int:address_id>"),
    "<int:difference_id>",
)


def _numbered(path: str) -> str:
    for name in _NUMBERS:
        path = path.replace(name, "1")
    return path


def _named(path: str, request: RefundRequest, by: Principal | None = None) -> str:
    """The path with real things in it, which ``by`` has made where only who made them sees them."""
    by = by or of_staff(make_staff(request.merchant, "manager"))
    at = timezone.now()
    if "<int:batch_id>" in path:
        batch = batches.file(name="x", wishes=[Wish(label="x", amount_fen=1)], by=by, at=at)
        ImportFile.objects.create(batch=batch, content=seal_bytes(b"a,b\n1,2\n", purpose="import_file.content"))
        path = path.replace("<int:batch_id>", str(batch.pk))
    if "<int:key_id>" in path:
        path = path.replace("<int:key_id>", str(api_for(request.merchant).by.key_id))
    if "<int:shift_id>" in path:
        shift = Shift.objects.first() or shifts.begin(terminal="POS-01", float_fen=0, by=till(request.merchant), at=at)
        path = path.replace("<int:shift_id>", str(shift.pk))
    if "<id:authorisation_id>" in path:
        shown = at_the_till.show(
            request_id=request.pk,
            terminal="POS-01",
            by=till(request.merchant),
            asked_by=Caller(by).principal,
            at=at,
            version=request.version,
            amount_fen=request.amount_fen,
        )
        path = path.replace("<id:authorisation_id>", str(shown.authorisation.pk))
    if "<int:case_id>" in path:
        told = Told(amount_fen=1, sku="A", store=request.store.code)
        case = without_receipt.open_case(kind="lost_receipt", told=told, note="", by=till(request.merchant), at=at)
        path = path.replace("<int:case_id>", str(case.pk))
    if "<int:incident_id>" in path:
        problem = Problem(title="?", began_at=timezone.now(), store=request.store.code)
        incident = incidents.open_incident(problem=problem, by=till(request.merchant), at=timezone.now())
        path = path.replace("<int:incident_id>", str(incident.pk))
    if "<int:endpoint_id>" in path:
        endpoint = WebhookEndpoint.objects.first() or make_endpoint(
            request.merchant, types=["webhook_endpoint.disabled"]
        )
        delivery = WebhookDelivery.objects.first() or WebhookDelivery.objects.create(
            merchant=request.merchant, endpoint=endpoint, webhook_id="x", sequence=1, created_at=request.created_at
        )
        path = path.replace("<int:endpoint_id>", str(endpoint.pk)).replace("<int:delivery_id>", str(delivery.pk))
    if "<int:difference_id>" in path:
        account = request.transaction.channel_account
        assert account is not None
        difference = Difference.objects.first() or Difference.objects.create(
            merchant=request.merchant,
            channel_account=account,
            day=days.day_made(account=account, day=at.date()),
            number="R1",
            kind=MatchOutcome.OURS_ONLY,
            ours_fen=100,
            opened_at=at,
        )
        path = path.replace("<int:difference_id>", str(difference.pk))
    return (
        _numbered(path)
        .replace("<id:request_id>", str(request.pk))
        .replace("<id:transaction_id>", str(request.transaction_id))
        .replace("<str:order_no>", request.transaction.order_no)
        .replace("terminals/<str:code>", "terminals/POS-01")
    )


def _nobodys(path: str) -> str:
    for name in (
        "<id:request_id>",
        "<id:transaction_id>",
        "<id:authorisation_id>",
        "<str:order_no>",
        "<str:code>",
    ):
        path = path.replace(name, str(uuid4()))
    return _numbered(path)


def test_the_list_of_calls_is_that_of_the_contract() -> None:
    assert len(_CALLS) >= 18
    assert {path for _, path, scope in _CALLS if scope is None} >= {
        f"refund-requests/<id:request_id>/{action}" for action in ("claim", "approve", "reject", "request-info")
    }


def _whoever_may(scope: str | None, *, staff: Staff, key: str) -> dict[str, Any]:
    """How ``_send`` comes as the key, or as the person where no key may."""
    if scope:
        return {"key": key}
    session = session_for(staff)
    session.client.cookies["csrftoken"] = "t" * 32
    return {"client": session.client, "X-CSRFToken": "t" * 32}


def test_what_belongs_to_another_merchant_is_not_there() -> None:
    theirs = make_request(make_sale(make_merchant(), 50_000), 26_800)
    stranger = make_merchant()
    owner, key = make_staff(stranger, "owner"), api_for(stranger).key
    with asked_together() as asked:
        for method, path, scope in _ABOUT_ONE:
            with asked(method, path):
                by = _whoever_may(scope, staff=owner, key=key)
                answers = [_send(method, name, **by) for name in (_named(path, theirs), _nobodys(path))]
                assert [answer.status_code for answer in answers] == [404, 404], answers[0].content
                assert answers[0].content == answers[1].content
                assert RefundRequest.objects.get().version == theirs.version


#: What is read or written of merchants' rows before it is known whose call it is.
_NAMED = (
    "api_key_by_hash",
    'UPDATE "merchants_apikey" SET "last_used_at"',
    'FROM "django_session"',
    'FROM "merchants_staff" WHERE "merchants_staff"."id" =',
    'INNER JOIN "merchants_staff_stores"',
)
#: The sandbox is another merchant to the wall.
_OF_SANDBOX = ('"merchants_merchant"."sandbox_of_id" =', 'WHERE "merchants_merchant"."sandbox_of_id"')
_CUSTOMERS = (
    "",
    "rate",
    "evidence",
    "answer",
    "arrived",
    "missing",
    "appeal",
    "account",
    "code",
    "erase",
    "help",
    "parcel",
    "offer",
)


@pytest.mark.parametrize("stands", [True, False])
def test_second_wall_holds_at_every_address_when_no_query_asks_for_the_merchant(
    stands: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who calls is whose rows they are, so that each filter of ours lets them pass, and the wall is another merchant's."""
    theirs, elsewhere = make_request(make_sale(make_merchant(), 50_000), 26_800), make_merchant()
    api, session = api_for(theirs.merchant), session_for(make_staff(theirs.merchant, "owner"))
    session.client.cookies["csrftoken"], session.client.raise_request_exception = "t" * 32, False
    paths = {path: _named(path, theirs, None if scope is None else api.by) for _, path, scope in _CALLS}
    within, walled = tenant_wall.within, re.compile("|".join(table for table, _ in tenant_wall.policies()))
    monkeypatch.setattr(tenant_wall, "within", lambda _merchant_id: within(elsewhere.pk))
    if not stands:
        monkeypatch.setattr(tenant_wall, "stands", lambda: False)
    passed: list[tuple[str, str, int]] = []
    unwalled: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        behind = context["connection"].wall.merchant_id
        if behind != str(elsewhere.pk) and walled.search(sql) and not any(name in sql for name in named):
            unwalled.append(sql)
        return execute(sql, params, many, context)

    named: tuple[str, ...] = (*_NAMED, *_OF_SANDBOX)
    with connection.execute_wrapper(watch):
        for method, path, scope in _CALLS:
            by: dict[str, Any] = {"client": session.client, "X-CSRFToken": "t" * 32}
            if scope:
                by = {"client": Client(raise_request_exception=False), "key": api.key}
            answer = _send(method, paths[path], **by)
            about_one = "<" in path and "<str:" not in path.replace("<str:order_no>", "")
            if (about_one and answer.status_code < 400) or theirs.number.encode() in answer.content:
                passed.append((method, path, answer.status_code))
        # By the link; the page itself shows what the link alone found.
        named = (*_NAMED, 'FROM "refunds_refundrequest" INNER JOIN "merchants_merchant"')
        for end in _CUSTOMERS:
            address = f"/r/{tracking.token_for(theirs.pk)}"
            Client(raise_request_exception=False).generic(
                "POST" if end else "GET", f"{address}/{end}" if end else address
            )
    if not stands:
        assert len(passed) > 10
        assert len(unwalled) > 100
        return
    assert (passed, unwalled) == ([], [])
    assert RefundRequest.objects.get().version == theirs.version


def test_what_belongs_to_another_store_is_not_there() -> None:
    request = make_request(make_sale(make_merchant(), 50_000), 26_800)
    elsewhere = request.merchant.stores.create(code="S002", name="二号店")
    # Whose role may do everything.
    owner = make_staff(request.merchant, "owner")
    works_in(owner, elsewhere)
    key = api_for(request.merchant, store=elsewhere).key
    with asked_together() as asked:
        for method, path, scope in _ABOUT_ONE:
            with asked(method, path):
                answer = _send(method, _named(path, request), **_whoever_may(scope, staff=owner, key=key))
                # Who does not see all stores may not adopt at all.
                assert answer.status_code == (403 if path.endswith("/adopt") else 404)
                assert RefundRequest.objects.get().version == request.version


def test_a_call_needs_its_scope_and_no_other_will_do() -> None:
    request = make_request(make_sale(make_merchant(), 50_000), 26_800)
    others = {
        scope: api_for(request.merchant, scopes=[name for name in KeyScope.values if name != scope]).key
        for scope in {scope for *_, scope in _CALLS}
    }
    alone = {scope: api_for(request.merchant, scopes=[scope]) for scope in others if scope}
    grown_up = make_merchant()
    with asked_together() as asked:
        for method, path, scope in _CALLS:
            with asked(method, path):
                refused = _send(method, _named(path, request), key=others[scope])
                assert (refused.status_code, refused.json()["code"]) == (
                    403,
                    "missing_scope" if scope else "staff_only",
                )
                if scope:
                    api = alone[scope]
                    if path.startswith("test/"):
                        # A key of the sandbox is made there.
                        Merchant.objects.filter(pk=request.merchant_id).update(sandbox_of=grown_up)
                        api = api_for(Merchant.objects.get(pk=request.merchant_id), scopes=[scope])
                    RefundRequest.objects.update(api_key=api.by.key_id)
                    taken = _send(method, _named(path, request, api.by), key=api.key)
                    assert taken.status_code not in (401, 403, 404, 405), taken.content
                    assert not after_each.breaches()


def test_nobody_is_let_in_without_a_name() -> None:
    request = make_request(make_sale(make_merchant(), 50_000), 26_800)
    revoked = api_for(request.merchant)
    request.merchant.api_keys.update(revoked_at="2026-01-01T00:00:00Z")
    with asked_together() as asked:
        for method, path, _ in _CALLS:
            with asked(method, path):
                named = _named(path, request)
                for key in ("", "rdk_nothing", "rdk_" + "x" * 5_000):
                    answer = _send(method, named, key=key)
                    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
                assert _send(method, named, key=revoked.key).status_code == 401


def test_a_browser_session_without_its_token_changes_nothing() -> None:
    request = make_request(make_sale(make_merchant(), 50_000), 26_800)
    owner = make_staff(request.merchant, "owner")
    with asked_together() as asked:
        for method, path, _ in _CALLS:
            if method != "GET":
                with asked(method, path):
                    answer = _send(method, _named(path, request), client=session_for(owner).client)
                    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
                    assert RefundRequest.objects.get().version == request.version


def test_somebody_who_has_left_is_out_at_once() -> None:
    request = make_request(make_sale(make_merchant(), 50_000), 26_800)
    leaver = make_staff(request.merchant, "owner")
    signed_in = session_for(leaver).client.cookies
    leaver.is_active = False
    leaver.save()
    with asked_together() as asked:
        for method, path, _ in _CALLS:
            with asked(method, path):
                client = Client(enforce_csrf_checks=True)
                client.cookies = deepcopy(signed_in)
                assert _send(method, _named(path, request), client=client).status_code == 401
