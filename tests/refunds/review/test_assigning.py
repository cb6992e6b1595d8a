"""Work handed out by itself: to whom, to whom never, and that it comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Forbidden
from merchants.models import Delegation, Merchant, Role, Staff
from merchants.principals import of_staff
from refunds.models import RefundRequest, Reviewer, ReviewSettings
from refunds.review import assigning, deciding, presence
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def merchant() -> Merchant:
    merchant = make_merchant()
    ReviewSettings.objects.create(merchant=merchant, assigns=True)
    return merchant


def _waiting(merchant: Merchant, amount_fen: int = 30_000, **fields: object) -> RefundRequest:
    return make_request(make_sale(merchant, 500_000), amount_fen, **fields)  # type: ignore[arg-type]


def _at_the_desk(merchant: Merchant, role: Role = Role.REVIEWER, **takes: object) -> Staff:
    staff = make_staff(merchant, role)
    presence.come(staff.pk)
    if takes:
        Reviewer.objects.create(staff=staff, merchant=merchant, **takes)
    return staff


def _owner_of(request: RefundRequest) -> int | None:
    return RefundRequest.objects.get(pk=request.pk).claimed_by_id


def test_work_gives_to_who_knows_the_reason_then_to_who_has_least_and_never_above_their_room(
    merchant: Merchant,
) -> None:
    expert, other = _at_the_desk(merchant, reasons=["goodwill"], most_on_desk=2), _at_the_desk(merchant)
    make_staff(merchant, Role.REVIEWER)  # not at the desk
    special = [_waiting(merchant, reason="goodwill") for _ in range(3)]
    plain = _waiting(merchant)
    assert assigning.work(at=NOW) == 4
    assert [_owner_of(one) for one in special] == [expert.pk, expert.pk, other.pk]
    assert _owner_of(plain) == other.pk
    told = [event.data["to"] for event in AuditEvent.objects.filter(action="refund.assign")]
    assert sorted(told) == sorted([expert.name, other.name] * 2)
    assert assigning.work(at=NOW) == 0


@pytest.mark.parametrize(
    "why", ["switch", "away", "absent", "role", "own", "store", "tier", "reason", "language", "takes"]
)
def test_work_when_there_is_a_reason_against_it_gives_nothing(merchant: Merchant, why: str) -> None:
    role = Role.CASHIER if why == "role" else Role.REVIEWER
    takes: dict[str, dict[str, object]] = {
        "reason": {"reasons": ["goodwill"]},
        "language": {"languages": ["en"]},
        "takes": {"takes_work": False},
    }
    staff = _at_the_desk(merchant, role, **takes.get(why, {}))
    waiting = _waiting(merchant, 200_000 if why == "tier" else 30_000)
    if why == "switch":
        ReviewSettings.objects.update(assigns=False)
    elif why == "away":
        presence.go(staff.pk)
    elif why == "absent":
        Delegation.objects.create(
            merchant=merchant,
            absent=staff,
            deputy=make_staff(merchant, Role.MANAGER),
            made_by=staff,
            made_at=NOW,
            starts_at=NOW - timedelta(hours=1),
            ends_at=NOW + timedelta(hours=1),
        )
    elif why == "own":
        RefundRequest.objects.filter(pk=waiting.pk).update(staff=staff)
    elif why == "store":
        Staff.objects.filter(pk=staff.pk).update(all_stores=False)
    assert assigning.work(at=NOW) == 0
    assert _owner_of(waiting) is None
    assert not AuditEvent.objects.filter(action="refund.assign").exists()


def test_work_when_it_is_not_opened_in_two_minutes_takes_it_back_and_gives_it_to_another(merchant: Merchant) -> None:
    staff = _at_the_desk(merchant)
    left, looked_at = _waiting(merchant), _waiting(merchant)
    assigning.work(at=NOW)
    assigning.opened(request_id=looked_at.pk, by=of_staff(staff), at=NOW)
    assigning.work(at=NOW + timedelta(seconds=119))
    assert _owner_of(left) == staff.pk
    # What one was given comes first.
    first = deciding.claim_next(by=of_staff(staff), at=NOW)
    assert first is not None
    assert first.pk == left.pk
    assert assigning.work(at=NOW + timedelta(seconds=120)) == 0
    assert (_owner_of(left), _owner_of(looked_at)) == (None, staff.pk)
    assert AuditEvent.objects.get(action="refund.assignment_lapsed").data == {"to": staff.name}
    colleague = _at_the_desk(merchant)
    assigning.work(at=NOW + timedelta(seconds=125))
    assert _owner_of(left) == colleague.pk


def test_work_when_there_is_more_than_one_opens_keeps_the_rest_in_the_queue(merchant: Merchant) -> None:
    _at_the_desk(merchant)
    for _ in range(5):
        _waiting(merchant)
    assert (assigning.work(at=NOW), assigning.work(at=NOW)) == (3, 0)


def test_set_reviewer_when_it_is_not_theirs_to_say_changes_nothing(merchant: Merchant) -> None:
    manager, staff = make_staff(merchant, Role.MANAGER), make_staff(merchant, Role.REVIEWER)
    with pytest.raises(Forbidden):
        assigning.set_reviewer(
            staff_id=staff.pk,
            takes_work=False,
            most_on_desk=1,
            reasons=[],
            languages=[],
            by=of_staff(manager),
            at=NOW,
        )
    assert not Reviewer.objects.exists()
