"""What everybody does with their own account: password, language, sessions. Second factors: ``merchants.second_factor``."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from core.audit.record import record_of
from core.client_address import client_address
from core.errors import Invalid, NotFound
from core.plain_text import one_line
from merchants import invitations, sign_in
from merchants.models import Staff, StaffSession
from merchants.principals import Principal


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser of this person's; ``is_current``: the one that asks."""

    row: StaffSession
    is_current: bool


def check_password(*, by: Principal, password: str, address: str) -> None:
    """The person at the keyboard knows their password: asked before what a stolen session must not do.

    Raises ``Invalid``, or ``core.guessing.TooManyGuesses`` and then it was not looked at.
    """
    staff = Staff.objects.get(pk=by.acting_staff)
    if sign_in.sign_in(username=staff.username, password=password, address=address, device_token="").staff is None:
        raise Invalid("the password is wrong", code="password_wrong")


@transaction.atomic
def change_password(*, password: str, by: Principal, at: datetime, session_key: str) -> Staff:
    """Every other browser is signed out. Raises ``invitations.WeakPassword``; ``check_password`` was asked before."""
    staff = Staff.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=by.acting_staff)
    invitations.set_password(staff, password)
    staff.save()
    _end(StaffSession.objects.filter(staff=staff).exclude(session_key=session_key))
    record_of(staff, by=by.actor, action="staff.password", at=at)
    return staff


@transaction.atomic
def set_language(*, language: str, by: Principal, at: datetime) -> None:
    """Raises ``Invalid`` for one that we do not speak."""
    if language not in dict(settings.LANGUAGES):
        raise Invalid("there is no such language", code="unknown_language")
    staff = Staff.objects.select_for_update().get(pk=by.acting_staff)
    if staff.language != language:
        staff.language = language
        staff.save(update_fields=["language"])
        record_of(staff, by=by.actor, action="staff.language", at=at, data={"language": language})


# --- sessions ---------------------------------------------------------------------------------------------------------


def keep_session(*, request: HttpRequest, staff: Staff, factor: str, at: datetime) -> None:
    """Write down the browser that has just signed in, so that its person can see and end it."""
    StaffSession.objects.filter(staff=staff, signed_in_at__lt=at - _LONGEST).delete()
    assert request.session.session_key
    StaffSession.objects.create(
        merchant_id=staff.merchant_id,
        staff=staff,
        session_key=request.session.session_key,
        epoch=staff.session_epoch,
        address=client_address(request.META)[:60],
        browser=one_line(request.headers.get("User-Agent", ""), limit=200),
        factor=factor,
        signed_in_at=at,
    )


_LONGEST = timedelta(seconds=settings.SESSION_COOKIE_AGE)


def sessions(*, by: Principal, session_key: str | None, at: datetime) -> list[SignedIn]:
    """The browsers in which this person is signed in, the newest first."""
    staff = Staff.objects.get(pk=by.acting_staff)
    rows = StaffSession.objects.filter(staff=staff, epoch=staff.session_epoch, signed_in_at__gt=at - _LONGEST)
    alive = set(
        Session.objects.filter(session_key__in=rows.values("session_key"), expire_date__gt=at).values_list(
            "session_key", flat=True
        )
    )
    return [SignedIn(row, row.session_key == session_key) for row in rows.order_by("-pk") if row.session_key in alive]


@transaction.atomic
def end_sessions(*, session_id: int | None, by: Principal, session_key: str | None, at: datetime) -> int:
    """Sign out one browser, or (None) all but the one that asks. How many; raises ``NotFound`` for another's."""
    rows = StaffSession.objects.filter(staff_id=by.acting_staff).exclude(session_key=session_key)
    if session_id is not None:
        rows = rows.filter(pk=session_id)
        if not rows.exists():
            raise NotFound("there is no such session")
    ended = _end(rows)
    staff = Staff.objects.get(pk=by.acting_staff)
    record_of(staff, by=by.actor, action="staff.sessions_end", at=at, data={"sessions": ended})
    return ended


def moved_session(*, before: str | None, after: str | None, by: Principal) -> None:
    """Django has given this browser's session another key."""
    StaffSession.objects.filter(staff_id=by.acting_staff, session_key=before).update(session_key=after)


def _end(rows: QuerySet[StaffSession]) -> int:
    keys = list(rows.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    return rows.delete()[0]
