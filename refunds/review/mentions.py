"""What colleagues are told at the desk: that a note names them, that their decision did not take effect."""

import re
from datetime import datetime

from django.db.models import Q, QuerySet

from core.errors import existing
from merchants.models import Staff
from merchants.principals import Principal
from refunds.models import RefundRequest, StaffNotice
from refunds.models.staff_notice import StaffNoticeKind

#: What stands behind an ``@`` that is no mail address's, up to the next blank or sign.
_NAMED = re.compile(r"(?<![A-Za-z0-9_.+-])@(\w[\w.-]{0,19})")


def mentioned(text: str, *, request: RefundRequest) -> list[Staff]:
    """The colleagues whom a text names with ``@``, by name or login, of those who work in the refund's store."""
    return _read(text, request)[0]


def missed(text: str, *, request: RefundRequest) -> list[str]:
    """What a text names with ``@`` and no such colleague is called: nobody is told."""
    return _NAMED.findall(_read(text, request)[1])


def _read(text: str, request: RefundRequest) -> tuple[list[Staff], str]:
    """Whom a text names, and the text without their names."""
    if "@" not in text:
        return [], text
    there = Q(all_stores=True) | Q(stores=request.store_id)
    team = Staff.objects.filter(there, merchant_id=request.merchant_id, is_active=True).distinct().order_by("pk")
    names = {name.casefold(): one for one in team for name in (one.username, one.name) if name}
    found, rest = {}, text.casefold()
    # The longest first: @王小敏 does not name 王小 as well.
    for name in sorted(names, key=len, reverse=True):
        if f"@{name}" in rest:
            found[names[name].pk] = names[name]
            rest = rest.replace(f"@{name}", " ")
    return list(found.values()), rest


def tell_mentioned(text: str, *, request: RefundRequest, by: Principal, at: datetime) -> list[Staff]:
    """Tell those whom a note names, its author apart. Returns whom."""
    told = [one for one in mentioned(text, request=request) if one.pk != by.staff_id]
    tell(told, request=request, kind=StaffNoticeKind.MENTION, by_name=by.name, text=text, at=at)
    return told


def tell(
    staff: list[Staff],
    *,
    request: RefundRequest,
    kind: StaffNoticeKind,
    at: datetime,
    by_name: str = "",
    text: str = "",
) -> None:
    """Notices for colleagues about a request; ``by_name`` is who caused them."""
    StaffNotice.objects.bulk_create(
        StaffNotice(
            merchant_id=request.merchant_id, staff=one, request=request, kind=kind, by_name=by_name, text=text, at=at
        )
        for one in staff
    )


def notices(*, by: Principal) -> QuerySet[StaffNotice]:
    """One's own, the newest first."""
    own = StaffNotice.objects.filter(merchant_id=by.acting_for, staff_id=by.acting_staff)
    return own.select_related("request").order_by("-at", "-pk")


def unread(*, by: Principal) -> int:
    """How many notices this person has not read."""
    return StaffNotice.objects.filter(staff_id=by.acting_staff, read_at=None).count()


def read(*, notice_id: int, by: Principal, at: datetime) -> StaffNotice:
    """Note that this person has read one of theirs. Raises ``NotFound``."""
    notice = existing(notices(by=by).filter(pk=notice_id).first(), "notice")
    notices(by=by).filter(pk=notice_id, read_at=None).order_by().update(read_at=at)
    return notice


def read_all(*, by: Principal, at: datetime) -> None:
    """Note that this person has read all of theirs."""
    notices(by=by).filter(read_at=None).order_by().update(read_at=at)
