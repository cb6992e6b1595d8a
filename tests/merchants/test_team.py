"""The team: who places whom, what ends at once, and what takes two people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from merchants import delegations, invitations, second_factor, team
from merchants.models import AccessReset, Invitation, Merchant, Role, Staff
from merchants.principals import of_staff
from merchants.team import Place
from refunds.review import decidable, deciding
from refunds.review.decidable import may_decide
from tests.factories import make_merchant, make_request, make_sale, make_staff, works_in
from tests.refunds.limited import at_once
from tests.second_factors import with_app, with_recovery_codes

pytestmark = pytest.mark.django_db

BACKEND = "django.contrib.auth.backends.ModelBackend"
PLACE = Place(role=Role.REVIEWER, store_ids=frozenset(), all_stores=True, limit_fen=None, till_codes=())


@pytest.fixture
def owner() -> Staff:
    return make_staff(make_merchant(), "owner")


def _invite(owner: Staff, login: str = "anna", **more: Any) -> Staff:
    place = replace(PLACE, **more)
    return team.invite(login=login, place=place, by=of_staff(owner), at=timezone.now())[0]


def _place(staff: Staff, by: Staff, **more: Any) -> Staff:
    return team.place(staff_id=staff.pk, place=replace(PLACE, **more), by=of_staff(by), at=timezone.now())


def _switch(staff: Staff, by: Staff, *, on: bool = False) -> Staff:
    return team.switch(staff_id=staff.pk, on=on, by=of_staff(by), at=timezone.now())


def _ask(staff: Staff | None, by: Staff, kind: str = "password") -> AccessReset:
    staff_id = None if staff is None else staff.pk
    return team.ask_reset(staff_id=staff_id, kind=kind, by=of_staff(by), at=timezone.now())


def _confirm(row: AccessReset, by: Staff) -> str:
    return team.confirm_reset(reset_id=row.pk, by=of_staff(by), at=timezone.now())[1]


def _signed_in(staff: Staff) -> Client:
    client = Client()
    client.force_login(staff, backend=BACKEND)
    return client


def _is_in(client: Client) -> bool:
    return client.get("/desk/account").status_code == 200


# --- inviting and placing ---------------------------------------------------------------------------------------------


def test_invite_places_and_records(owner: Staff) -> None:
    store = owner.merchant.stores.get()
    staff = _invite(owner, all_stores=False, store_ids=frozenset({store.pk}), limit_fen=50_000, till_codes=("C001",))
    assert staff.username == f"{owner.merchant.code.lower()}.anna"
    assert (staff.limit_fen, staff.till_codes, [*staff.stores.all()]) == (50_000, ["C001"], [store])
    event = AuditEvent.objects.get(action="staff.invite")
    assert (event.data["role"], event.data["stores"], event.data["limit_fen"]) == ("reviewer", ["S001"], 50_000)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"role": "king"}, "unknown_role"),
        ({"store_ids": frozenset({1})}, "stores_or_all"),
        ({"all_stores": False, "store_ids": frozenset({0})}, "unknown_store"),
        ({"limit_fen": 0}, "limit_invalid"),
        ({"till_codes": ("x" * 41,)}, "till_codes_invalid"),
        ({"till_codes": ("c001\u200b",)}, "till_code_taken"),
    ],
)
def test_invite_to_a_place_that_is_none_is_refused(owner: Staff, more: dict[str, Any], code: str) -> None:
    make_staff(owner.merchant, "cashier", till_codes=["C001"])
    before = Staff.objects.count()
    with pytest.raises(Invalid) as refused:
        _invite(owner, **more)
    assert (refused.value.code, Staff.objects.count(), Invitation.objects.count()) == (code, before, 0)


def test_invite_to_a_store_of_another_merchant_is_refused(owner: Staff) -> None:
    theirs = make_merchant().stores.get()
    with pytest.raises(Invalid):
        _invite(owner, all_stores=False, store_ids=frozenset({theirs.pk}))


@pytest.mark.parametrize("login", ["", "../x", "a b", "安娜", "x" * 32])
def test_invite_with_a_login_that_is_none_is_refused(owner: Staff, login: str) -> None:
    with pytest.raises(Invalid):
        _invite(owner, login)


def test_login_says_nothing_of_other_merchants(owner: Staff) -> None:
    elsewhere = make_staff(make_merchant(), "owner")
    assert _invite(owner).username != _invite(elsewhere).username
    with pytest.raises(Invalid) as refused:
        _invite(owner)
    assert refused.value.code == "login_taken"


@pytest.mark.parametrize("role", ["cashier", "reviewer", "manager", "finance"])
def test_team_is_the_owners_alone(owner: Staff, role: str) -> None:
    other, victim = make_staff(owner.merchant, role), make_staff(owner.merchant, "reviewer")
    acts: list[Callable[[], Staff]] = [
        lambda: _invite(other),
        lambda: _place(victim, other, role="owner"),
        lambda: _switch(victim, other),
    ]
    for act in acts:
        with pytest.raises(Forbidden):
            act()
    victim.refresh_from_db()
    assert (victim.role, victim.is_active) == ("reviewer", True)


def test_owner_of_some_stores_manages_nobody(owner: Staff) -> None:
    works_in(owner, owner.merchant.stores.get())
    with pytest.raises(Forbidden):
        _invite(owner)


def test_colleague_of_another_merchant_is_nobody(owner: Staff) -> None:
    theirs = make_staff(make_merchant(), "cashier")
    for act in (lambda: _place(theirs, owner), lambda: _switch(theirs, owner), lambda: _ask(theirs, owner)):
        with pytest.raises(NotFound):
            act()
    theirs.refresh_from_db()
    assert (theirs.role, theirs.is_active) == ("cashier", True)


def test_nobody_places_or_switches_off_themselves(owner: Staff) -> None:
    for act in (
        lambda: _place(owner, owner, role="cashier"),
        lambda: _switch(owner, owner),
        lambda: _ask(owner, owner),
    ):
        with pytest.raises(Forbidden) as refused:
            act()
        assert refused.value.code == "own_account"
    owner.refresh_from_db()
    assert (owner.role, owner.is_active) == ("owner", True)


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_switch_each_other_off_at_once_leave_one() -> None:
    merchant = make_merchant()
    Staff.objects.update(is_active=False)
    first, second = make_staff(merchant, "owner"), make_staff(merchant, "owner")

    def off(one: Staff, by: Staff) -> str:
        try:
            _switch(one, by)
        except Forbidden as error:
            return error.code
        return ""

    answers = at_once([lambda: off(first, second), lambda: off(second, first)])
    assert sorted(answers) == ["", "role_required"]
    assert merchant.staff.filter(is_active=True, role="owner").count() == 1


def test_place_records_before_and_after_and_another_role_ends_sessions(owner: Staff) -> None:
    staff = make_staff(owner.merchant, "manager")
    client = _signed_in(staff)
    assert _is_in(client)
    _place(staff, owner, role="cashier", till_codes=("C9",))
    assert not _is_in(client)
    event = AuditEvent.objects.get(action="staff.place")
    assert (event.data["before"]["role"], event.data["after"]["role"]) == ("manager", "cashier")
    # The same again is nothing.
    _place(staff, owner, role="cashier", till_codes=("C9",))
    assert AuditEvent.objects.filter(action="staff.place").count() == 1


def test_switched_off_in_the_middle_of_a_session_it_is_dead_at_once_and_stays_dead(owner: Staff) -> None:
    staff = make_staff(owner.merchant, "manager", password="a long password")
    client = _signed_in(staff)
    assert _is_in(client)
    _switch(staff, owner)
    assert not _is_in(client)
    _switch(staff, owner, on=True)
    assert not _is_in(client)
    assert _is_in(_signed_in(Staff.objects.get(pk=staff.pk)))
    told = AuditEvent.objects.filter(action__in=("staff.deactivate", "staff.activate")).order_by("pk")
    assert [event.action for event in told] == ["staff.deactivate", "staff.activate"]


def test_switch_on_of_who_never_came_in_is_refused(owner: Staff) -> None:
    staff = _invite(owner)
    with pytest.raises(Conflict):
        _switch(staff, owner, on=True)
    staff.refresh_from_db()
    assert not staff.is_active


def test_invite_again_of_who_is_in_is_refused(owner: Staff) -> None:
    staff = make_staff(owner.merchant, "cashier", password="a long password")
    with pytest.raises(Conflict):
        team.invite_again(staff_id=staff.pk, by=of_staff(owner), at=timezone.now())
    assert not Invitation.objects.exists()


def test_invite_owner_of_a_merchant_that_is_there_is_one_more(owner: Staff) -> None:
    for expected in ("owner", "owner2"):
        staff, token = team.invite_owner(merchant=owner.merchant, name="沈岚", at=timezone.now())
        assert staff.username == f"{owner.merchant.code.lower()}.{expected}"
        assert (staff.role, staff.all_stores, staff.is_active) == ("owner", True, False)
        assert invitations.found(token=token, at=timezone.now()) is not None


# --- own limits -------------------------------------------------------------------------------------------------------


def test_own_limit_is_asked_wherever_somebody_decides(owner: Staff) -> None:
    request = make_request(make_sale(owner.merchant, 50_000), 26_800)
    staff, now = make_staff(owner.merchant, "reviewer"), timezone.now()
    _place(staff, owner, limit_fen=26_799)
    by = of_staff(Staff.objects.get(pk=staff.pk))
    acts: list[Callable[[], object]] = [
        lambda: deciding.claim(request_id=request.pk, by=by, at=now),
        lambda: deciding.approve(request_id=request.pk, by=by, at=now, version=request.version),
    ]
    for act in acts:
        with pytest.raises(Forbidden) as refused:
            act()
        assert refused.value.code == "above_own_limit"
    rows = type(request).objects.filter(pk=request.pk)
    assert not rows.filter(decidable.decidable(by=by, at=now)).exists()
    why = decidable.undecidable(requests=list(rows), by=by, at=now)
    assert why[request.pk].code == "above_own_limit"
    assert rows.filter(state="in_review", claimed_by=None).exists()
    _place(staff, owner, limit_fen=26_800)
    by = of_staff(Staff.objects.get(pk=staff.pk))
    assert may_decide(by=by, request=request, at=now)
    assert rows.filter(decidable.decidable(by=by, at=now)).exists()
    assert not decidable.undecidable(requests=list(rows), by=by, at=now)
    assert deciding.approve(request_id=request.pk, by=by, at=now, version=request.version).approved_fen == 26_800


def test_own_limit_is_not_passed_by_a_deputy_or_given_on(owner: Staff) -> None:
    request, now = make_request(make_sale(owner.merchant, 50_000), 26_800), timezone.now()
    absent, deputy = make_staff(owner.merchant, "manager"), make_staff(owner.merchant, "reviewer")
    for one in (absent, deputy):
        _place(one, owner, role=one.role, limit_fen=10_000)
    given: dict[str, Any] = {"starts_at": now, "ends_at": now + timedelta(days=1), "at": now}
    delegations.give(absent=absent.pk, deputy=deputy.pk, limit_fen=None, by=of_staff(owner), **given)
    assert not may_decide(by=of_staff(Staff.objects.get(pk=deputy.pk)), request=request, at=now)
    limited = of_staff(Staff.objects.get(pk=absent.pk))
    unlimited = make_staff(owner.merchant, "reviewer")
    with pytest.raises(Invalid):
        delegations.give(absent=unlimited.pk, deputy=deputy.pk, limit_fen=None, by=limited, **given)
    delegations.give(absent=unlimited.pk, deputy=deputy.pk, limit_fen=10_000, by=limited, **given)


# --- what takes two people --------------------------------------------------------------------------------------------


def test_reset_of_a_password_takes_two_and_gives_a_link(owner: Staff) -> None:
    manager, staff = (
        make_staff(owner.merchant, "manager"),
        make_staff(owner.merchant, "reviewer", password="an old password"),
    )
    with_app(staff)
    client = _signed_in(staff)
    row = _ask(staff, manager)
    assert _ask(staff, owner).pk == row.pk
    assert _is_in(client)
    with pytest.raises(Forbidden) as refused:
        _confirm(row, manager)
    assert refused.value.code == "reset_by_another"
    token = _confirm(row, owner)
    assert not _is_in(client)
    assert not Staff.objects.get(pk=staff.pk).check_password("an old password")
    # Who finds the link does not get past the second factor.
    assert second_factor.factors(staff)
    with pytest.raises(NotFound):
        _confirm(row, owner)
    now_in = invitations.accept(token=token, name="", password="a new long password", language="", at=timezone.now())
    assert (now_in.check_password("a new long password"), now_in.name) == (True, staff.name)
    actions = (
        AuditEvent.objects.filter(action__startswith="staff.reset").order_by("pk").values_list("action", flat=True)
    )
    assert list(actions) == ["staff.reset_ask", "staff.reset_confirm"]


def test_reset_of_a_second_factor_takes_it_and_the_password_away(owner: Staff) -> None:
    manager, staff = (
        make_staff(owner.merchant, "manager"),
        make_staff(owner.merchant, "finance", password="an old password"),
    )
    with_app(staff)
    with_recovery_codes(staff)
    assert _confirm(_ask(staff, owner, "second_factor"), manager)
    assert (second_factor.factors(staff), second_factor.recovery_codes_left(staff)) == ([], 0)
    # Who knows the password alone cannot put their own factor in its place.
    assert not Staff.objects.get(pk=staff.pk).has_usable_password()


def test_reset_of_an_owner_takes_an_owner(owner: Staff) -> None:
    one, two = make_staff(owner.merchant, "manager"), make_staff(owner.merchant, "manager")
    row = _ask(owner, one)
    with pytest.raises(Forbidden) as refused:
        _confirm(row, two)
    assert refused.value.code == "owner_needed"
    assert not Invitation.objects.exists()
    assert _confirm(row, make_staff(owner.merchant, "owner"))


def test_reset_is_confirmed_by_nobody_else_and_not_for_ever(owner: Staff) -> None:
    manager, staff = make_staff(owner.merchant, "manager"), make_staff(owner.merchant, "reviewer")
    row = _ask(staff, owner)
    stranger = make_staff(make_merchant(), "owner")
    refusals: list[tuple[Staff, type[DomainError]]] = [(stranger, NotFound), (staff, Forbidden)]
    for by, kind in refusals:
        with pytest.raises(kind):
            _confirm(row, by)
    # Who has become a manager meanwhile does not confirm their own.
    Staff.objects.filter(pk=staff.pk).update(role="manager")
    with pytest.raises(Forbidden):
        _confirm(row, Staff.objects.get(pk=staff.pk))
    AccessReset.objects.update(expires_at=timezone.now())
    with pytest.raises(NotFound):
        _confirm(row, manager)
    row = _ask(staff, owner)
    team.withdraw_reset(reset_id=row.pk, by=of_staff(manager), at=timezone.now())
    with pytest.raises(NotFound):
        _confirm(row, manager)
    assert not Invitation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_reset_confirmed_by_many_at_once_gives_one_link() -> None:
    owner = make_staff(make_merchant(), "owner")
    staff = make_staff(owner.merchant, "reviewer")
    managers = [make_staff(owner.merchant, "manager") for _ in range(6)]
    row = _ask(staff, owner)

    def confirm(by: Staff) -> str:
        try:
            return _confirm(row, by)
        except NotFound:
            return ""

    tokens = list(filter(None, at_once([lambda by=by: confirm(by) for by in managers])))  # type: ignore[misc]
    assert len(tokens) == Invitation.objects.count() == 1


def test_requirement_ends_the_sessions_of_who_has_no_second_factor(owner: Staff) -> None:
    cashier, with_one, without = (make_staff(owner.merchant, role) for role in ("cashier", "manager", "finance"))
    with_app(with_one)
    clients = [_signed_in(one) for one in (cashier, with_one, without)]
    team.require_second_factor(by=of_staff(owner), at=timezone.now())
    assert [_is_in(client) for client in clients] == [True, True, False]
    assert AuditEvent.objects.filter(action="team.require_second_factor").count() == 1


def test_requirement_is_given_up_by_two_people_only(owner: Staff) -> None:
    manager, now = make_staff(owner.merchant, "manager"), timezone.now()
    with pytest.raises(Conflict):
        _ask(None, owner, "requirement")
    team.require_second_factor(by=of_staff(owner), at=now)
    with pytest.raises(Forbidden):
        _ask(None, manager, "requirement")
    row = _ask(None, owner, "requirement")
    with pytest.raises(Forbidden):
        _confirm(row, owner)
    assert Merchant.objects.get(pk=owner.merchant_id).requires_second_factor
    assert _confirm(row, manager) == ""
    assert not Merchant.objects.get(pk=owner.merchant_id).requires_second_factor


@pytest.mark.parametrize(("of_somebody", "kind"), [(True, "requirement"), (False, "password"), (True, "nonsense")])
def test_reset_of_what_there_is_not_is_refused(owner: Staff, of_somebody: bool, kind: str) -> None:
    staff = make_staff(owner.merchant, "reviewer") if of_somebody else None
    with pytest.raises(Invalid):
        _ask(staff, owner, kind)
    assert not AccessReset.objects.exists()


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "cashier"}, {"all_stores": False}])
def test_confirm_reset_when_who_asked_for_it_may_not_any_more_is_one_person_alone(
    owner: Staff, change: dict[str, object]
) -> None:
    victim, asker = (
        make_staff(owner.merchant, "reviewer", password="a long password"),
        make_staff(owner.merchant, "manager"),
    )
    asked = _ask(victim, asker)
    Staff.objects.filter(pk=asker.pk).update(**change)
    at = timezone.now()
    assert not team.open_resets(merchant_id=owner.merchant_id, at=at).exists()
    with pytest.raises(NotFound):
        team.confirm_reset(reset_id=asked.pk, by=of_staff(owner), at=at)
    assert Staff.objects.get(pk=victim.pk).has_usable_password()
    # The next one who asks is the first of two again.
    assert _ask(victim, owner).asked_by_id == owner.pk
