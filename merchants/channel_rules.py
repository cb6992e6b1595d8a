"""What changed in the channels' own rules: noted with its day and source, and seen by the staff."""

from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet

from core.audit.record import record_of
from core.errors import Forbidden, Invalid, existing
from core.plain_text import one_line
from merchants import channels
from merchants.models import ChannelRuleChange, ChannelRuleReading
from merchants.principals import Kind, Principal
from merchants.rights import Act, check_may


def changes_of(*, merchant_id: int) -> QuerySet[ChannelRuleChange]:
    """The newest first, each with who has seen it."""
    rows = ChannelRuleChange.objects.filter(merchant_id=merchant_id).select_related("added_by")
    return rows.prefetch_related("readings__staff").order_by("-effective_date", "-pk")


@transaction.atomic
def add(
    *, channel: str, effective_date: date | None, text: str, source: str, by: Principal, at: datetime
) -> ChannelRuleChange:
    """Note a change; whoever notes it has seen it. Raises ``Invalid``."""
    check_may(Act.ADD_CHANNEL_RULE, by=by)
    text, source = " ".join(text.split())[:500], one_line(source, limit=300)
    if channel not in channels.known() or effective_date is None or not text or not source:
        raise Invalid("a change has a channel, a day, what changed and where it says so", code="rule_change_incomplete")
    change = ChannelRuleChange.objects.create(
        merchant_id=by.acting_for,
        channel=channel,
        effective_date=effective_date,
        text=text,
        source=source,
        added_by_id=by.acting_staff,
        added_at=at,
    )
    ChannelRuleReading.objects.create(change=change, staff_id=by.acting_staff, seen_at=at)
    _record(change, "channel_rule.add", by, at)
    return change


@transaction.atomic
def mark_seen(*, change_id: int, by: Principal, at: datetime) -> None:
    """This person has seen it; twice is once. Raises ``NotFound``, and ``Forbidden`` for whoever is no member of staff."""
    check_may(Act.SEE_POLICY, by=by)
    if by.kind is not Kind.STAFF:
        raise Forbidden("this is for staff in the browser", code="staff_only")
    change = existing(ChannelRuleChange.objects.filter(pk=change_id, merchant_id=by.acting_for).first(), "change")
    _, is_new = ChannelRuleReading.objects.get_or_create(
        change=change, staff_id=by.acting_staff, defaults={"seen_at": at}
    )
    if is_new:
        _record(change, "channel_rule.see", by, at)


def _record(change: ChannelRuleChange, action: str, by: Principal, at: datetime) -> None:
    record_of(
        change,
        by=by.actor,
        action=action,
        at=at,
        data={"channel": change.channel, "effective_date": change.effective_date.isoformat()},
    )
