"""Looking the policy through regularly: when it was last done, when it is due, and saying that it was done."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from core.audit.record import record_of
from core.calendar import SHANGHAI
from core.errors import Invalid
from merchants.models import PolicyReview
from merchants.policies import versions
from merchants.principals import Principal
from merchants.rights import Act, check_may

#: After how many months, until somebody says otherwise.
USUAL_MONTHS = 6
LONGEST_MONTHS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """``reviewed_by`` is "" where only publishing it counts as a review."""

    reviewed_at: datetime
    reviewed_by: str
    months: int
    due_date: date
    is_due: bool


def standing(*, merchant_id: int, at: datetime) -> Standing:
    """When the policy was last looked through: by a person's word, or by being published."""
    version = versions.in_force(merchant_id=merchant_id, at=at)
    last = PolicyReview.objects.filter(merchant_id=merchant_id).select_related("reviewed_by")
    review = last.order_by("-reviewed_at", "-pk").first()
    months = review.months if review else USUAL_MONTHS
    counts = review is not None and review.reviewed_at >= version.published_at
    reviewed_at = review.reviewed_at if review and counts else version.published_at
    due = _months_after(reviewed_at.astimezone(SHANGHAI).date(), months)
    return Standing(
        reviewed_at=reviewed_at,
        reviewed_by=review.reviewed_by.name if review and counts else "",
        months=months,
        due_date=due,
        is_due=due <= at.astimezone(SHANGHAI).date(),
    )


@transaction.atomic
def review(*, by: Principal, at: datetime, months: int = USUAL_MONTHS, note: str = "") -> PolicyReview:
    """Say that the policy in force was looked through, and after how many months it is to be again. Raises ``Invalid``."""
    check_may(Act.REVIEW_POLICY, by=by)
    if not 1 <= months <= LONGEST_MONTHS:
        raise Invalid(f"from 1 to {LONGEST_MONTHS} months", code="months_invalid")
    version = versions.in_force(merchant_id=by.acting_for, at=at)
    row = PolicyReview.objects.create(
        merchant_id=by.acting_for,
        version=version,
        months=months,
        note=note.strip()[:500],
        reviewed_by_id=by.acting_staff,
        reviewed_at=at,
    )
    data = {"number": version.number, "months": months}
    record_of(version, by=by.actor, action="policy.review", at=at, data=data)
    return row


def _months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    # The 31st of a month that has none is its last day.
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - date.resolution).day
    return date(year, month + 1, min(day.day, last))
