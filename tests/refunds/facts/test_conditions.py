"""Distance is asked of persons, and of everything that leaves a hand in a refund."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import timezone

from core.audit.actors import Actor
from core.audit.record import record
from core.errors import Forbidden, NotFound
from merchants import api_keys, mandates
from merchants.mandates import MandateExceeded
from merchants.models import ApiKey, KeyScope, Merchant, Role, Staff
from merchants.principals import Principal, of_staff
from merchants.rights import Act
from refunds.facts import conditions
from refunds.models import RefundRequest
from tests.factories import make_account, make_request, make_sale, make_staff, of_api_key, of_customer
from tests.refunds import plans

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(merchant: Merchant) -> Staff:
    return make_staff(merchant, Role.MANAGER)


def _key(maker: Staff, **where: object) -> ApiKey:
    options = where or {"all_stores": True}
    by, now = of_staff(maker), timezone.now()
    scopes = [KeyScope.REFUNDS_READ, KeyScope.REFUNDS_WRITE, KeyScope.PAYOUTS_WRITE]
    return api_keys.issue(merchant=maker.merchant, name="k", scopes=scopes, by=by, at=now, **options)[0]  # type: ignore[arg-type]


def _waiting(merchant: Merchant, by: Principal | Staff | None = None, **sale: str) -> RefundRequest:
    return make_request(make_sale(merchant, 50_000, **sale), 30_000, by=by)


def _left_by(actor: Actor, request: RefundRequest, action: str) -> RefundRequest:
    """The request after somebody did this to it."""
    record(
        merchant_id=request.merchant_id,
        by=actor,
        action=action,
        object_type="refund_request",
        object_id=request.pk,
        at=timezone.now(),
    )
    RefundRequest.objects.filter(pk=request.pk).update(version=request.version + 2)
    return RefundRequest.objects.get(pk=request.pk)


@pytest.mark.breaks_invariants
@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize("action", ["refund.resubmit", "refund.send_elsewhere"])
def test_check_when_this_person_changed_where_it_goes_is_forbidden(
    merchant: Merchant, manager: Staff, action: str, by_key: bool
) -> None:
    actor = of_api_key(_key(manager)).actor if by_key else manager.actor
    request = _left_by(actor, _waiting(merchant), action)

    for act in (Act.APPROVE, Act.REJECT, Act.CLAIM):
        with pytest.raises(Forbidden) as refused:
            conditions.check(act, by=of_staff(manager), request=request)
        assert refused.value.code == "own_request"
    with pytest.raises(Forbidden) as refused:
        conditions.check(Act.PAY_BY_HAND, by=of_api_key(_key(manager)), request=request)
    assert refused.value.code == "two_persons_needed"
    conditions.check(Act.APPROVE, by=of_staff(make_staff(merchant, Role.MANAGER)), request=request)


def test_check_when_a_revoked_key_of_theirs_asked_is_forbidden(merchant: Merchant, manager: Staff) -> None:
    key = _key(manager)
    request = _waiting(merchant, of_api_key(key))
    api_keys.revoke(key=key, by=of_staff(manager), at=timezone.now(), typed_name=key.name)
    assert not conditions.may(Act.APPROVE, by=of_staff(manager), request=request)


@pytest.mark.parametrize("code", ["C017", "c017", " Ｃ017 ", "C0\u200b17"])
def test_check_when_the_sale_is_under_ones_code_is_forbidden_also_to_ones_key(
    merchant: Merchant, manager: Staff, code: str
) -> None:
    Staff.objects.filter(pk=manager.pk).update(till_codes=["C017"])
    manager.refresh_from_db()
    request = _waiting(merchant, cashier=code)
    assert not conditions.may(Act.APPROVE, by=of_staff(manager), request=request)
    assert not conditions.may(Act.PAY_BY_HAND, by=of_api_key(_key(manager)), request=request)


def test_check_when_the_orders_other_payment_is_under_ones_code_is_forbidden(merchant: Merchant) -> None:
    first, other = plans.payments_of(merchant, make_account(merchant), cashier="C018")
    request = plans.ask(first)
    mine = make_staff(merchant, Role.OWNER, till_codes=["c018"])
    assert (request.state, request.leg_count, other.cashier) == ("in_review", 2, "C018")
    assert not conditions.may(Act.APPROVE, by=of_staff(mine), request=request)
    assert conditions.may(Act.APPROVE, by=of_staff(make_staff(merchant, Role.OWNER)), request=request)


def test_codes_when_nobody_has_any_keep_nobody_out(merchant: Merchant, manager: Staff) -> None:
    """A sale without a cashier is not everybody's."""
    Staff.objects.filter(pk=manager.pk).update(till_codes=[""])
    manager.refresh_from_db()
    assert conditions.may(Act.APPROVE, by=of_staff(manager), request=_waiting(merchant, cashier=""))


def test_key_when_it_was_rotated_goes_on_with_what_the_old_one_asked_for(merchant: Merchant, manager: Staff) -> None:
    first = _key(manager)
    request = _waiting(merchant, of_api_key(first))
    second, _, _ = api_keys.rotate(key=first, by=of_staff(manager), at=timezone.now(), typed_name=first.name)
    third, _, _ = api_keys.rotate(key=second, by=of_staff(manager), at=timezone.now(), typed_name=second.name)
    assert conditions.may(Act.CANCEL, by=of_api_key(third), request=request)
    assert not conditions.may(Act.CANCEL, by=of_api_key(_key(manager)), request=request), "another till, another key"


def test_customer_reaches_the_one_request_of_their_link(merchant: Merchant) -> None:
    mine, anothers = _waiting(merchant), _waiting(merchant)
    assert conditions.may(Act.RESUBMIT, by=of_customer(mine), request=mine)
    with pytest.raises(NotFound):
        conditions.check(Act.RESUBMIT, by=of_customer(mine), request=anothers)


def test_account_that_is_switched_off_may_nothing(merchant: Merchant, manager: Staff) -> None:
    request = _waiting(merchant)
    off = replace(of_staff(manager), is_active=False)
    assert not any(conditions.may(act, by=off, request=request) for act in Act)


@pytest.mark.parametrize("act", [Act.RECEIVE_GOODS, Act.INSPECT_GOODS])
@pytest.mark.parametrize(
    "limits",
    [{"max_fen": 29_999}, {"reasons": ["goodwill"]}, {"routes": ["cash"]}, {"hours": {"from": "03:00", "to": "03:01"}}],
)
def test_key_does_not_help_along_what_its_mandate_does_not_let_it_ask_for(
    merchant: Merchant, manager: Staff, act: Act, limits: dict[str, object]
) -> None:
    """A word on goods lets others' refunds go on to be paid by rule."""
    request = _waiting(merchant, make_staff(merchant, Role.CASHIER))
    key = of_api_key(_key(manager))
    at = request.created_at.replace(hour=9)
    conditions.check(act, by=key, request=request, at=at)
    wide = replace(
        key, mandate=mandates.read({"max_fen": 30_000, "reasons": ["quality"], "on_behalf_of_required": True})
    )
    conditions.check(act, by=wide, request=request, at=at)
    with pytest.raises(MandateExceeded):
        conditions.check(act, by=replace(key, mandate=mandates.read(limits)), request=request, at=at)
