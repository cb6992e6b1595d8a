"""Deputies: who may name whom, and for how much and how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Forbidden, Invalid, NotFound
from merchants import delegations, policies
from merchants.models import Delegation, Merchant, Staff
from merchants.principals import of_staff
from tests.factories import RULES, make_merchant, make_staff, works_in

pytestmark = pytest.mark.django_db

#: The second tier is the owner's alone.
_RULES = {**RULES, "tiers": [RULES["tiers"][0], {**RULES["tiers"][1], "roles": ["owner"]}]}


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant(rules=_RULES)


def _give(absent: Staff, deputy: Staff, *, by: Staff, **more: Any) -> Delegation:
    now = timezone.now()
    said: dict[str, Any] = {"starts_at": now, "ends_at": now + timedelta(days=3), "limit_fen": None, **more}
    return delegations.give(absent=absent.pk, deputy=deputy.pk, by=of_staff(by), at=now, **said)


def _held(deputy: Staff, at: datetime | None = None) -> list[int | None]:
    found = delegations.in_force(by=of_staff(deputy), at=at or timezone.now())
    return [one.absent.staff_id for one in found]


def test_give_holds_from_start_to_end_and_is_recorded(merchant: Merchant) -> None:
    owner, manager = make_staff(merchant, "owner"), make_staff(merchant, "manager")
    row = _give(owner, manager, by=owner, limit_fen=500_000)
    assert _held(manager) == [owner.pk]
    assert _held(manager, row.ends_at) == _held(manager, row.starts_at - timedelta(seconds=1)) == []
    event = AuditEvent.objects.get(action="delegation.give")
    assert (event.data["absent"], event.data["deputy"], event.data["limit_fen"]) == (owner.name, manager.name, 500_000)


def test_revoke_ends_it_at_once_and_twice_is_once(merchant: Merchant) -> None:
    owner, manager = make_staff(merchant, "owner"), make_staff(merchant, "manager")
    row = _give(owner, manager, by=owner)
    for _ in range(2):
        delegations.revoke(delegation_id=row.pk, by=of_staff(owner), at=timezone.now())
    assert _held(manager) == []
    assert AuditEvent.objects.filter(action="delegation.revoke").count() == 1


def test_in_force_when_the_absent_account_is_off_is_nothing(merchant: Merchant) -> None:
    owner, manager = make_staff(merchant, "owner"), make_staff(merchant, "manager")
    _give(owner, manager, by=owner)
    Staff.objects.filter(pk=owner.pk).update(is_active=False)
    assert _held(manager) == []


@pytest.mark.parametrize(
    ("absent", "deputy", "by", "code"),
    [
        ("manager", "manager", "owner", "delegation_to_oneself"),
        ("owner", "manager", "manager", "delegation_to_oneself"),
        ("owner", "reviewer", "manager", "delegation_too_much"),
        ("manager", "cashier", "owner", "delegation_role"),
        ("finance", "manager", "owner", "delegation_role"),
    ],
)
def test_give_when_it_is_more_than_one_has_or_to_the_wrong_person_is_refused(
    merchant: Merchant, absent: str, deputy: str, by: str, code: str
) -> None:
    people = {role: make_staff(merchant, role) for role in ("cashier", "reviewer", "manager", "finance", "owner")}
    with pytest.raises(Invalid) as refused:
        _give(people[absent], people[deputy], by=people[by])
    assert refused.value.code == code
    assert not Delegation.objects.exists()


def test_give_when_received_oneself_is_not_passed_on(merchant: Merchant) -> None:
    """The manager decides for the owner, and the reviewer for the manager: not for the owner."""
    owner, manager, reviewer = (make_staff(merchant, role) for role in ("owner", "manager", "reviewer"))
    _give(owner, manager, by=owner)
    _give(manager, reviewer, by=owner)
    assert _held(reviewer) == [manager.pk]
    with pytest.raises(Invalid):
        _give(owner, reviewer, by=manager)


def test_give_when_the_absent_works_in_more_stores_is_refused(merchant: Merchant) -> None:
    here, everywhere, deputy = (make_staff(merchant, "manager") for _ in range(3))
    works_in(here, merchant.stores.get())
    here.refresh_from_db()
    with pytest.raises(Invalid) as refused:
        _give(everywhere, deputy, by=here)
    assert refused.value.code == "delegation_too_much"
    assert _give(here, deputy, by=here).absent_id == here.pk


def test_revoke_by_a_manager_of_another_store_is_not_found_and_their_lists_do_not_tell(merchant: Merchant) -> None:
    here, there = merchant.stores.get(), merchant.stores.create(code="S002", name="二号店")
    owner, absent, deputy = (make_staff(merchant, role) for role in ("owner", "manager", "reviewer"))
    works_in(absent, here)
    row = _give(absent, deputy, by=owner)
    near, far = (of_staff(make_staff(merchant, "manager", stores=[store])) for store in (here, there))
    assert (list(delegations.known_to(near)), list(delegations.known_to(far))) == ([row], [])
    with pytest.raises(NotFound):
        delegations.revoke(delegation_id=row.pk, by=far, at=timezone.now())
    assert _held(deputy) == [absent.pk]
    assert delegations.revoke(delegation_id=row.pk, by=near, at=timezone.now()).revoked_at is not None


@pytest.mark.parametrize("days", [(0, 0), (2, 1), (0, 93), (-3, -1)])
def test_give_when_the_time_is_none_is_refused(merchant: Merchant, days: tuple[int, int]) -> None:
    now, owner, manager = timezone.now(), make_staff(merchant, "owner"), make_staff(merchant, "manager")
    start, end = (now + timedelta(days=day) for day in days)
    with pytest.raises(Invalid) as refused:
        _give(owner, manager, by=owner, starts_at=start, ends_at=end)
    assert refused.value.code == "delegation_time"


def test_give_by_who_may_not_or_to_a_stranger_is_refused(merchant: Merchant) -> None:
    reviewer, manager, owner = (make_staff(merchant, role) for role in ("reviewer", "manager", "owner"))
    with pytest.raises(Forbidden):
        _give(reviewer, manager, by=reviewer)
    with pytest.raises(NotFound):
        _give(owner, make_staff(make_merchant(), "manager"), by=owner)
    stranger = make_staff(make_merchant(), "owner")
    with pytest.raises(NotFound):
        delegations.revoke(delegation_id=_give(owner, manager, by=owner).pk, by=of_staff(stranger), at=timezone.now())
    assert not Delegation.objects.exclude(revoked_at=None).exists()


def test_in_force_once_its_giver_may_not_any_more_is_nothing(merchant: Merchant) -> None:
    """Whoever has left, or is a reviewer by now, lets nobody decide for anybody."""
    away, deputy = make_staff(merchant, "manager"), make_staff(merchant, "reviewer")
    gone, put_lower = make_staff(merchant, "manager"), make_staff(merchant, "manager")
    for giver in (gone, put_lower):
        _give(away, deputy, by=giver)
    assert _held(deputy) == [away.pk, away.pk]
    Staff.objects.filter(pk=gone.pk).update(is_active=False)
    assert _held(deputy) == [away.pk]
    Staff.objects.filter(pk=put_lower.pk).update(role="reviewer")
    assert _held(deputy) == []


def test_in_force_once_the_absent_was_promoted_is_no_more_than_was_given(merchant: Merchant) -> None:
    away, deputy, giver = (make_staff(merchant, role) for role in ("manager", "reviewer", "manager"))
    limited = make_staff(merchant, "manager")
    Staff.objects.filter(pk=limited.pk).update(limit_fen=50_000)
    _give(away, deputy, by=giver)
    _give(limited, deputy, by=limited)
    assert _held(deputy) == [away.pk, limited.pk]
    Staff.objects.filter(pk=away.pk).update(role="owner")
    # What one gives for oneself grows and shrinks with oneself.
    Staff.objects.filter(pk=limited.pk).update(limit_fen=90_000)
    assert _held(deputy) == [limited.pk]


def test_in_force_once_the_policy_gives_the_absent_more_is_not_more_than_the_giver_decides(merchant: Merchant) -> None:
    owner, manager, reviewer = (make_staff(merchant, role) for role in ("owner", "manager", "reviewer"))
    deputy = make_staff(merchant, "manager")
    _give(reviewer, deputy, by=manager)
    assert _held(deputy) == [reviewer.pk]
    tiers = [RULES["tiers"][0], {**RULES["tiers"][1], "roles": ["reviewer", "owner"]}]
    at = timezone.now()
    policies.publish(merchant=merchant, name="反着", rules={**_RULES, "tiers": tiers}, by=of_staff(owner), at=at)
    assert _held(deputy, at + timedelta(minutes=1)) == []


def test_state_of_one_that_holds_no_more_is_void_until_it_is_over(merchant: Merchant) -> None:
    owner, away, deputy, giver = (make_staff(merchant, role) for role in ("owner", "manager", "reviewer", "manager"))
    row, kept = _give(away, deputy, by=giver), _give(away, deputy, by=owner)
    now = timezone.now()
    assert {delegations.state_of(one, at=now) for one in (row, kept)} == {"now"}
    Staff.objects.filter(pk=giver.pk).update(role="cashier")
    found = {one.pk: delegations.state_of(one, at=now) for one in Delegation.objects.all()}
    assert found == {row.pk: "void", kept.pk: "now"}
    assert delegations.state_of(Delegation.objects.get(pk=row.pk), at=row.ends_at) == "over"
