"""One's own account, as the domain has it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from core.errors import Invalid, NotFound
from merchants import account
from merchants.invitations import WeakPassword
from merchants.models import Staff, StaffSession
from merchants.principals import of_staff
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Staff:
    return make_staff(make_merchant(), "reviewer", password="an old long password")


def _session(staff: Staff, key: str, **more: object) -> StaffSession:
    now = timezone.now()
    Session.objects.create(session_key=key, session_data="", expire_date=now + timedelta(hours=1))
    fields = {"epoch": staff.session_epoch, "signed_in_at": now, **more}
    return StaffSession.objects.create(merchant=staff.merchant, staff=staff, session_key=key, **fields)


def _keys(staff: Staff) -> list[str]:
    found = account.sessions(by=of_staff(staff), session_key="a", at=timezone.now())
    return [one.row.session_key for one in found]


def test_sessions_are_those_that_still_work(staff: Staff) -> None:
    for key in "abcd":
        _session(staff, key)
    _session(make_staff(staff.merchant, "reviewer"), "e")
    assert _keys(staff) == ["d", "c", "b", "a"]
    Session.objects.filter(session_key="d").delete()
    Session.objects.filter(session_key="c").update(expire_date=timezone.now())
    old = timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE + 1)
    StaffSession.objects.filter(session_key="b").update(signed_in_at=old)
    assert _keys(staff) == ["a"]
    # Another role: the database has ended them all.
    Staff.objects.filter(pk=staff.pk).update(role="cashier")
    assert _keys(staff) == []


def test_end_sessions_leaves_the_one_that_asks_and_others_people(staff: Staff) -> None:
    for key in "abc":
        _session(staff, key)
    others = _session(make_staff(staff.merchant, "reviewer"), "e")
    by, now = of_staff(staff), timezone.now()
    with pytest.raises(NotFound):
        account.end_sessions(session_id=others.pk, by=by, session_key="a", at=now)
    assert account.end_sessions(session_id=None, by=by, session_key="a", at=now) == 2
    assert set(Session.objects.values_list("session_key", flat=True)) == {"a", "e"}


def test_change_password_to_one_that_others_would_guess_ends_nothing(staff: Staff) -> None:
    _session(staff, "b")
    with pytest.raises(WeakPassword):
        account.change_password(password="password", by=of_staff(staff), at=timezone.now(), session_key="a")
    assert Session.objects.filter(session_key="b").exists()
    assert Staff.objects.get(pk=staff.pk).check_password("an old long password")


def test_check_password_takes_the_right_one_alone(staff: Staff) -> None:
    by = of_staff(staff)
    account.check_password(by=by, password="an old long password", address="198.51.100.7")
    with pytest.raises(Invalid):
        account.check_password(by=by, password="another", address="198.51.100.7")
