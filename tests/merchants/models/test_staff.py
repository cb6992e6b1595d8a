"""Staff, and when their sessions end."""

from __future__ import annotations

import pytest

from merchants.models import Role, Staff
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": Role.REVIEWER}])
def test_session_when_the_account_is_switched_off_or_has_another_role_is_over(change: dict[str, object]) -> None:
    staff = make_staff(make_merchant(), Role.MANAGER)
    before = staff.get_session_auth_hash()
    for name, value in change.items():
        setattr(staff, name, value)
    staff.save()
    assert staff.get_session_auth_hash() != before
    assert Staff.objects.get(pk=staff.pk).get_session_auth_hash() == staff.get_session_auth_hash()


def test_session_when_only_the_name_changes_goes_on() -> None:
    staff = make_staff(make_merchant(), Role.MANAGER)
    before = staff.get_session_auth_hash()
    staff.name = "another"
    staff.save()
    assert staff.get_session_auth_hash() == before
