"""What the team's pages show, and offer."""

from __future__ import annotations

import pytest
from django.utils import timezone

from desk.access import scope_of
from desk.team.page import EMPTY, MemberPage, TeamPage, member_page, team_page
from merchants import team
from merchants.models import Merchant, Role, Staff
from merchants.principals import of_staff
from merchants.team import Place
from tests.factories import make_merchant, make_staff
from tests.second_factors import with_app

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Staff:
    return make_staff(make_merchant(), "owner")


def _team(staff: Staff) -> TeamPage:
    return team_page(scope=scope_of(staff), at=timezone.now(), form=EMPTY, form_error="", link=None)


def _member(viewer: Staff, staff: Staff) -> MemberPage:
    return member_page(scope=scope_of(viewer), staff=staff, at=timezone.now(), form=None, form_error="", link=None)


def test_rows_say_who_is_in_and_whose_second_factor_is_missing(owner: Staff) -> None:
    with_one, off = make_staff(owner.merchant, "manager"), make_staff(owner.merchant, "finance", password="a password")
    with_app(with_one)
    place = Place(role=Role.CASHIER, store_ids=frozenset(), all_stores=False, limit_fen=None, till_codes=())
    invited, _ = team.invite(login="anna", place=place, by=of_staff(owner), at=timezone.now())
    team.switch(staff_id=off.pk, on=False, by=of_staff(owner), at=timezone.now())
    Merchant.objects.update(requires_second_factor=True)
    owner.merchant.refresh_from_db()
    rows = {row.staff.pk: (row.state, row.factor) for row in _team(owner).rows}
    assert rows[with_one.pk] == ("in", "yes")
    assert rows[owner.pk] == ("in", "missing")
    assert rows[invited.pk] == ("invited", "no")
    assert rows[off.pk] == ("off", "missing")


def test_team_of_three_hundred_is_read_by_a_fixed_number_of_queries(
    owner: Staff, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    for _ in range(30):
        make_staff(owner.merchant, "cashier", stores=[owner.merchant.stores.get()])
    scope = scope_of(owner)
    with django_assert_max_num_queries(10):  # type: ignore[operator]
        page = team_page(scope=scope, at=timezone.now(), form=EMPTY, form_error="", link=None)
        assert [row.stores for row in page.rows if row.staff.role == "cashier"] == [["一号店"]] * 30


def test_member_offers_what_the_viewer_may(owner: Staff) -> None:
    manager, staff = make_staff(owner.merchant, "manager"), make_staff(owner.merchant, "reviewer")
    seen = _member(owner, staff)
    assert (seen.may_manage, seen.may_delegate, [one.value for one in seen.resets]) == (
        *(True, True),
        ["password", "second_factor"],
    )
    seen = _member(manager, staff)
    assert (seen.may_manage, len(seen.resets)) == (False, 2)
    team.ask_reset(staff_id=staff.pk, kind="password", by=of_staff(manager), at=timezone.now())
    seen = _member(owner, staff)
    assert ([one.value for one in seen.resets], seen.waiting[0].mine) == (["second_factor"], False)
    seen = _member(owner, owner)
    assert (seen.is_self, seen.may_manage, list(seen.resets)) == (True, False, [])
