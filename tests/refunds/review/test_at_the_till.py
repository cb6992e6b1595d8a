"""A code at the till: good for 60 seconds, one person, one decision, of the refund as it was shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.utils import timezone

from core.errors import DomainError
from merchants.models import Merchant, Role, Store
from merchants.principals import Principal, of_staff
from refunds.models import Approval, RefundRequest, TillAuthorisation
from refunds.review import agreeing, at_the_till, deciding
from refunds.review.agreeing import Consent
from refunds.review.at_the_till import LASTS, Stand
from terminals.models import Terminal
from tests.factories import make_merchant, make_request, make_sale, make_staff, till

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _now() -> None:
    # Minutes after this file was read an approval of then would be overdue.
    globals()["NOW"] = timezone.now()


@pytest.fixture
def manager(merchant: Merchant) -> Principal:
    return of_staff(make_staff(merchant, Role.MANAGER))


def show(request: RefundRequest, *, at: datetime | None = None, amount_fen: int = 0, version: int = 0) -> str:
    return at_the_till.show(
        request_id=request.pk,
        terminal="POS-01",
        by=till(request.merchant),
        asked_by="key:1",
        at=at or NOW,
        version=version or request.version,
        amount_fen=amount_fen or request.amount_fen,
    ).token


def fresh(request: RefundRequest) -> RefundRequest:
    return RefundRequest.objects.get(pk=request.pk)


def refused(act: Callable[[], object], request: RefundRequest, code: str) -> None:
    """It is refused with this code, and nothing was decided."""
    before = (request.state, request.version)
    with pytest.raises(DomainError) as error:
        act()
    assert error.value.code == code
    now = fresh(request)
    assert (now.state, now.version) == before
    assert not Approval.objects.exists()
    assert not TillAuthorisation.objects.exclude(decided_at=None).exists()


def test_approve_when_scanned_in_time_approves_what_the_till_showed(waiting: RefundRequest, manager: Principal) -> None:
    token = show(waiting)
    row = at_the_till.scan(token=token, by=manager, at=NOW + 59 * SECOND)
    assert at_the_till.stand(row, at=NOW + 59 * SECOND) is Stand.OPENED
    approved = at_the_till.approve(token=token, by=manager, at=NOW + 100 * SECOND)
    assert (approved.state, approved.approved_fen) == ("approved", 30_000)
    row.refresh_from_db()
    assert (at_the_till.stand(row, at=NOW + 10 * LASTS), row.decision) == (Stand.DECIDED, "approve")


def test_reject_tells_the_customer_why(waiting: RefundRequest, manager: Principal) -> None:
    token = show(waiting)
    at_the_till.scan(token=token, by=manager, at=NOW)
    rejected = at_the_till.reject(token=token, reason="goods_used", message="已使用", by=manager, at=NOW)
    assert (rejected.state, rejected.message_to_customer) == ("rejected", "已使用")


def test_token_is_kept_as_a_hash_only(waiting: RefundRequest) -> None:
    token = show(waiting)
    assert token.encode() not in bytes(TillAuthorisation.objects.get().token_hash)


def test_scan_when_60_seconds_are_over_is_refused(waiting: RefundRequest, manager: Principal) -> None:
    token = show(waiting)
    refused(lambda: at_the_till.scan(token=token, by=manager, at=NOW + LASTS), waiting, "till_code_expired")
    assert at_the_till.stand(TillAuthorisation.objects.get(), at=NOW + LASTS) is Stand.EXPIRED


def test_approve_when_never_scanned_or_too_late_is_refused(waiting: RefundRequest, manager: Principal) -> None:
    token = show(waiting)
    refused(lambda: at_the_till.approve(token=token, by=manager, at=NOW), waiting, "till_code_expired")
    at_the_till.scan(token=token, by=manager, at=NOW)
    refused(lambda: at_the_till.approve(token=token, by=manager, at=NOW + LASTS), waiting, "till_code_expired")


def test_scan_when_a_colleague_opened_it_is_refused(
    waiting: RefundRequest, manager: Principal, merchant: Merchant
) -> None:
    token, other = show(waiting), of_staff(make_staff(merchant, Role.MANAGER))
    at_the_till.scan(token=token, by=manager, at=NOW)
    refused(lambda: at_the_till.scan(token=token, by=other, at=NOW), waiting, "till_code_used")
    refused(lambda: at_the_till.approve(token=token, by=other, at=NOW), waiting, "till_code_used")


def test_code_when_used_is_of_no_more_use(waiting: RefundRequest, manager: Principal) -> None:
    token = show(waiting)
    at_the_till.scan(token=token, by=manager, at=NOW)
    at_the_till.approve(token=token, by=manager, at=NOW)
    for act in (at_the_till.scan, at_the_till.approve):
        with pytest.raises(DomainError) as error:
            act(token=token, by=manager, at=NOW)
        assert error.value.code == "till_code_used"
    assert Approval.objects.count() == 1


@pytest.mark.parametrize("role", [Role.CASHIER, Role.FINANCE])
def test_scan_by_who_may_not_decide_is_refused_and_leaves_the_code_to_others(
    waiting: RefundRequest, manager: Principal, merchant: Merchant, role: Role
) -> None:
    token, by = show(waiting), of_staff(make_staff(merchant, role))
    refused(lambda: at_the_till.scan(token=token, by=by, at=NOW), waiting, "role_required")
    assert at_the_till.scan(token=token, by=manager, at=NOW).opened_by_id == manager.staff_id


def test_scan_by_who_rang_it_up_is_refused(merchant: Merchant) -> None:
    mine = make_staff(merchant, Role.MANAGER, till_codes=["C007"])
    request = make_request(make_sale(merchant, 50_000, cashier="C007"), 30_000)
    token = show(request)
    refused(lambda: at_the_till.scan(token=token, by=of_staff(mine), at=NOW), request, "own_request")


def test_scan_by_a_key_is_refused(waiting: RefundRequest, merchant: Merchant) -> None:
    token = show(waiting)
    refused(lambda: at_the_till.scan(token=token, by=till(merchant), at=NOW), waiting, "role_required")


def test_scan_by_another_merchant_or_store_finds_nothing(waiting: RefundRequest, merchant: Merchant) -> None:
    token, other = show(waiting), make_merchant()
    store = Store.objects.create(merchant=merchant, code="S002", name="二号店")
    for by in (
        of_staff(make_staff(other, Role.OWNER)),
        of_staff(make_staff(merchant, Role.MANAGER, stores=[store])),
    ):
        refused(partial(at_the_till.scan, token=token, by=by, at=NOW), waiting, "not_found")
    assert TillAuthorisation.objects.get().opened_by_id is None


def test_scan_when_the_request_has_moved_on_is_refused(waiting: RefundRequest, manager: Principal) -> None:
    token = show(waiting)
    asked = deciding.request_info(
        request_id=waiting.pk, by=manager, at=NOW, version=waiting.version, message="请补小票"
    )
    with pytest.raises(DomainError) as error:
        at_the_till.scan(token=token, by=manager, at=NOW)
    assert error.value.code == "till_code_changed"
    assert fresh(waiting).version == asked.version


def test_approve_when_another_amount_was_agreed_meanwhile_is_refused(
    waiting: RefundRequest, manager: Principal
) -> None:
    token = show(waiting)
    at_the_till.scan(token=token, by=manager, at=NOW)
    consent = Consent(agreed_by="王女士", means="in_store", agreed_at=NOW)
    agreeing.agree_amount(request_id=waiting.pk, amount_fen=20_000, consent=consent, by=manager, at=NOW)
    refused(lambda: at_the_till.approve(token=token, by=manager, at=NOW), waiting, "till_code_changed")


def test_approve_when_the_till_was_switched_off_is_refused(waiting: RefundRequest, manager: Principal) -> None:
    token = show(waiting)
    at_the_till.scan(token=token, by=manager, at=NOW)
    Terminal.objects.update(refunds_enabled=False)
    refused(lambda: at_the_till.approve(token=token, by=manager, at=NOW), waiting, "till_takes_no_refunds")


@pytest.mark.parametrize(
    ("fields", "code"), [({"amount_fen": 29_999}, "till_code_changed"), ({"version": 99}, "version_conflict")]
)
def test_show_when_the_till_shows_something_else_is_refused(
    waiting: RefundRequest, fields: dict[str, int], code: str
) -> None:
    refused(lambda: show(waiting, **fields), waiting, code)  # type: ignore[arg-type]
    assert not TillAuthorisation.objects.exists()


def test_heard_by_another_key_finds_nothing(waiting: RefundRequest) -> None:
    show(waiting)
    row = TillAuthorisation.objects.get()
    assert at_the_till.heard(request=waiting, authorisation_id=row.pk, asked_by="key:1") == row
    refused(lambda: at_the_till.heard(request=waiting, authorisation_id=row.pk, asked_by="key:2"), waiting, "not_found")
