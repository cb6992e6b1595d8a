"""Work handed out by itself, where a merchant wants it: to who is at the desk, may decide it, takes its reason and its language,
and has room. What is not opened within two minutes goes back to the queue, and that person is not given it again.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F

from core.audit.actors import POLICY
from core.audit.record import record
from core.errors import DomainError, Invalid, existing
from merchants import principals, rights
from merchants.models import Delegation, Staff
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.models import Assignment, PendingDecision, RefundRequest, Reviewer, ReviewSettings
from refunds.review import decidable, deciding, presence
from refunds.review.handing_over import DECIDERS
from refunds.states import OPEN_FOR_REVIEW, Reason, State

OPENED_WITHIN: Final = timedelta(minutes=2)
#: Nobody opens more within two minutes.
_UNOPENED_AT_MOST = 3
#: Of the queue so many are looked at in one go, the shortest time first.
_AT_ONCE = 100
_KEPT_FOR = timedelta(days=7)
LANGUAGES: Final = ("zh-Hans", "en")


# --- settings ---------------------------------------------------------------------------------------------------------


def settings_of(merchant_id: int) -> ReviewSettings:
    """How a merchant hands out work; unsaved where nobody has said."""
    return ReviewSettings.objects.filter(pk=merchant_id).first() or ReviewSettings(merchant_id=merchant_id)


@transaction.atomic
def set_settings(*, assigns: bool, second_looks_percent: int, by: Principal, at: datetime) -> ReviewSettings:
    """Say whether work is handed out, and how many decisions are looked at twice. Raises ``Forbidden`` or ``Invalid``."""
    rights.check_may(Act.MANAGE_TEAM, by=by)
    if not 0 <= second_looks_percent <= 100:
        raise Invalid("a share is from 0 to 100 percent", code="share_invalid")
    said = {"assigns": assigns, "second_looks_percent": second_looks_percent}
    before = settings_of(by.acting_for)
    if any(getattr(before, name) != value for name, value in said.items()):
        ReviewSettings.objects.update_or_create(merchant_id=by.acting_for, defaults=said)
        _record("staff.review_settings", "merchant", by.acting_for, by=by, at=at, data=said)
    return settings_of(by.acting_for)


def reviewers(*, merchant_id: int) -> list[Reviewer]:
    """What each of those who decide takes, by name."""
    people = Staff.objects.filter(merchant_id=merchant_id, is_active=True, role__in=DECIDERS)
    return [_reviewer_of(one) for one in people.select_related("reviewer").order_by("name", "pk")]


def _reviewer_of(staff: Staff) -> Reviewer:
    kept = getattr(staff, "reviewer", None)
    return kept or Reviewer(staff=staff, merchant_id=staff.merchant_id)


@transaction.atomic
def set_reviewer(
    *,
    staff_id: int,
    takes_work: bool,
    most_on_desk: int,
    reasons: Collection[str],
    languages: Collection[str],
    by: Principal,
    at: datetime,
) -> Reviewer:
    """Say what a colleague who decides takes. Raises ``Forbidden``, ``NotFound`` or ``Invalid``."""
    rights.check_may(Act.MANAGE_TEAM, by=by)
    people = Staff.objects.filter(merchant_id=by.acting_for, is_active=True, role__in=DECIDERS)
    staff = existing(people.filter(pk=staff_id).first(), "colleague who decides")
    if not 1 <= most_on_desk <= 100:
        raise Invalid("a desk holds from 1 to 100", code="desk_limit_invalid")
    if not set(reasons) <= set(Reason.values) or not set(languages) <= set(LANGUAGES):
        raise Invalid("there is no such reason or language", code="skills_invalid")
    said = {
        "takes_work": takes_work,
        "most_on_desk": most_on_desk,
        "reasons": sorted(set(reasons)),
        "languages": sorted(set(languages)),
    }
    Reviewer.objects.update_or_create(staff=staff, defaults={**said, "merchant_id": staff.merchant_id})
    _record("staff.reviewer", "staff", staff.pk, by=by, at=at, data={"name": staff.name, **said})
    return Reviewer.objects.select_related("staff").get(pk=staff.pk)


def _record(action: str, kind: str, pk: int, *, by: Principal, at: datetime, data: dict[str, Any]) -> None:
    record(merchant_id=by.acting_for, by=by.actor, action=action, object_type=kind, object_id=pk, at=at, data=data)


# --- handing out ------------------------------------------------------------------------------------------------------


def opened(*, request_id: UUID, by: Principal, at: datetime) -> None:
    """Note that who was given it has it before them: it stays on their desk."""
    Assignment.objects.filter(request_id=request_id, staff_id=by.acting_staff, opened_at=None, ended_at=None).update(
        opened_at=at
    )


def work(*, at: datetime) -> int:
    """Take back what nobody opened, then hand out what waits; how many were handed out. Several workers at once are safe."""
    while _take_back(at):
        pass
    Assignment.objects.filter(at__lt=at - _KEPT_FOR).delete()
    merchants = ReviewSettings.objects.filter(assigns=True).order_by("pk").values_list("pk", flat=True)
    return sum(_hand_out(merchant_id, at) for merchant_id in list(merchants))


@transaction.atomic
def _take_back(at: datetime) -> int:
    late = Assignment.objects.filter(opened_at=None, ended_at=None, at__lte=at - OPENED_WITHIN)
    rows = list(
        late.select_for_update(skip_locked=True, of=("self",)).select_related("staff").order_by("pk")[:_AT_ONCE]
    )
    requests = lifecycle.lock_requests([row.request_id for row in rows], lean=True)
    decided = set(PendingDecision.objects.filter(pk__in=requests).values_list("pk", flat=True))
    for row in rows:
        row.ended_at = at
        request = requests[row.request_id]
        untouched = (request.claimed_by_id, request.claimed_at) == (row.staff_id, row.at)
        if untouched and request.state in OPEN_FOR_REVIEW and request.pk not in decided:
            RefundRequest.objects.filter(pk=request.pk).update(claimed_by=None, claimed_at=None)
            data = {"to": row.staff.name}
            lifecycle.record_act(request, "refund.assignment_lapsed", by=POLICY, at=at, data=data)
    Assignment.objects.bulk_update(rows, ["ended_at"])
    return len(rows)


@dataclass(slots=True)
class _Desk:
    """A person at the desk; ``room`` is how many more they are given now, ``load`` what they have."""

    by: Principal
    takes: Reviewer
    room: int
    load: int
    refused: Collection[UUID] = field(default_factory=frozenset)

    def fits(self, request: RefundRequest) -> bool:
        return (
            self.room > 0
            and self.by.works_in(request.store_id)
            and request.pk not in self.refused
            and (not self.takes.reasons or request.reason in self.takes.reasons)
            and (not self.takes.languages or request.customer_locale in self.takes.languages)
        )

    @property
    def rank(self) -> tuple[int, int, int]:
        """Who knows it in particular comes first, then who has least."""
        return -(bool(self.takes.reasons) + bool(self.takes.languages)), self.load, self.by.acting_staff


@transaction.atomic
def _hand_out(merchant_id: int, at: datetime) -> int:
    # One worker a merchant at a time: rooms are counted once.
    rows = ReviewSettings.objects.filter(pk=merchant_id, assigns=True)
    if not rows.select_for_update(skip_locked=True, of=("self",)).exists():
        return 0
    desks = _desks(merchant_id, at)
    if not desks:
        return 0
    unclaimed = RefundRequest.objects.filter(
        merchant_id=merchant_id, state=State.IN_REVIEW, claimed_by=None, pending_decision=None
    )
    read = unclaimed.select_related("transaction").only(*decidable.NEEDS, "reason", "customer_locale")
    waiting = list(read.order_by("due_at", "pk")[:_AT_ONCE])
    given = set(
        Assignment.objects.filter(request__in=waiting, version=F("request__version")).values_list("request", "staff")
    )
    for desk in desks:
        desk.refused = decidable.undecidable(
            requests=[one for one in waiting if desk.by.works_in(one.store_id)], by=desk.by, at=at
        )
    count = 0
    for request in waiting:
        able = (desk for desk in desks if desk.fits(request) and (request.pk, desk.by.staff_id) not in given)
        for desk in sorted(able, key=lambda desk: desk.rank):
            if _give(request, desk.by, at):
                desk.room, desk.load, count = desk.room - 1, desk.load + 1, count + 1
                break
    return count


def _desks(merchant_id: int, at: datetime) -> list[_Desk]:
    """Those who are here, are not away by a delegation, and have room."""
    takers = {one.staff_id: one for one in reviewers(merchant_id=merchant_id) if one.takes_work}
    absent = Delegation.objects.filter(
        merchant_id=merchant_id, starts_at__lte=at, ends_at__gt=at, revoked_at=None
    ).values_list("absent_id", flat=True)
    there = presence.here(takers) - set(absent)
    if not there:
        return []
    on_desk = RefundRequest.objects.filter(
        merchant_id=merchant_id, state__in=OPEN_FOR_REVIEW, claimed_by__in=there, pending_decision=None
    )
    load = dict(on_desk.order_by().values_list("claimed_by").annotate(Count("pk")))
    unopened = Counter(
        Assignment.objects.filter(staff__in=there, opened_at=None, ended_at=None).values_list("staff", flat=True)
    )
    desks = []
    for pk in sorted(there):
        has = load.get(pk, 0)
        room = min(takers[pk].most_on_desk - has, _UNOPENED_AT_MOST - unopened[pk])
        if room > 0:
            desks.append(_Desk(principals.of_staff(takers[pk].staff), takers[pk], room, has))
    return desks


def _give(request: RefundRequest, to: Principal, at: datetime) -> bool:
    """Put it onto this desk, by the rule of claiming; False where it is none for them, or somebody has it meanwhile."""
    free = RefundRequest.objects.filter(pk=request.pk, claimed_by=None, version=request.version)
    try:
        with transaction.atomic():
            if not free.select_for_update(skip_locked=True, of=("self",)).exists():
                return False
            deciding.claim(request_id=request.pk, by=to, at=at, version=request.version, given=True)
            Assignment.objects.create(
                merchant_id=request.merchant_id,
                request=request,
                staff_id=to.acting_staff,
                version=request.version,
                at=at,
            )
    except DomainError:
        return False
    return True
