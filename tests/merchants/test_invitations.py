"""Links that set a password: once, for a time, and silent about everything else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Invalid, NotFound
from merchants import invitations, team
from merchants.invitations import WeakPassword
from merchants.models import Invitation, Role, Staff
from merchants.principals import of_staff
from merchants.team import Place
from tests.factories import make_merchant, make_staff
from tests.refunds.limited import at_once

pytestmark = pytest.mark.django_db

GOOD = "a long password of hers"
PLACE = Place(role=Role.REVIEWER, store_ids=frozenset(), all_stores=True, limit_fen=None, till_codes=())


def invited() -> tuple[Staff, str]:
    owner = make_staff(make_merchant(), "owner")
    return team.invite(login="anna", place=PLACE, by=of_staff(owner), at=timezone.now())


def _accept(token: str, password: str = GOOD, name: str = "安娜", language: str = "en") -> Staff:
    return invitations.accept(token=token, name=name, password=password, language=language, at=timezone.now())


def test_accept_sets_name_password_and_language_and_lets_in_once() -> None:
    staff, token = invited()
    assert (staff.is_active, staff.has_usable_password()) == (False, False)
    in_now = _accept(token)
    assert (in_now.pk, in_now.name, in_now.language, in_now.is_active) == (staff.pk, "安娜", "en", True)
    assert in_now.check_password(GOOD)
    with pytest.raises(NotFound):
        _accept(token, "another long password")
    assert Staff.objects.get(pk=staff.pk).check_password(GOOD)
    assert AuditEvent.objects.get(action="staff.join").actor_id == str(staff.pk)


def test_only_a_hash_of_the_token_is_stored() -> None:
    _, token = invited()
    row = Invitation.objects.get()
    assert token.encode() not in bytes(row.token_hash)
    assert AuditEvent.objects.filter(data__icontains=token).count() == 0
    assert invitations.link(token).endswith(f"/join/{token}")


@pytest.mark.parametrize("why", ["expired", "used", "revoked", "unknown", "replaced", "switched off"])
def test_link_that_does_not_work_is_always_the_same_to_who_follows_it(why: str) -> None:
    staff, token = invited()
    now, owner = timezone.now(), make_staff(staff.merchant, "owner")
    if why == "expired":
        Invitation.objects.update(expires_at=now)
    elif why == "used":
        _accept(token)
    elif why == "revoked":
        invitations.revoke(staff=staff, at=now)
    elif why == "replaced":
        team.invite_again(staff_id=staff.pk, by=of_staff(owner), at=now)
    elif why == "switched off":
        team.switch(staff_id=staff.pk, on=False, by=of_staff(owner), at=now)
    before = Staff.objects.values().get(pk=staff.pk)
    tried = "nonsense" if why == "unknown" else token
    with pytest.raises(NotFound) as refused:
        _accept(tried, "another long password")
    assert (refused.value.code, refused.value.message) == ("invitation_gone", "this link does not work")
    assert invitations.found(token=tried, at=now) is None
    assert Staff.objects.values().get(pk=staff.pk) == before


@pytest.mark.parametrize("password", ["short", "password1234", "", "anna anna"])
def test_accept_with_a_password_that_others_would_guess_changes_nothing(password: str) -> None:
    staff, token = invited()
    with pytest.raises(WeakPassword) as refused:
        _accept(token, password)
    assert refused.value.reasons
    assert not Staff.objects.get(pk=staff.pk).is_active
    assert _accept(token).is_active


def test_accept_without_a_name_or_with_an_unknown_language() -> None:
    _, token = invited()
    with pytest.raises(Invalid, match="name"):
        _accept(token, name=" \u200e")
    assert _accept(token, language="xx").language == ""


def test_link_works_until_it_expires() -> None:
    _, token = invited()
    soon = timezone.now() + invitations.GOOD_FOR
    assert invitations.found(token=token, at=soon - timedelta(minutes=1)) is not None
    assert invitations.found(token=token, at=soon + timedelta(seconds=1)) is None


def test_database_keeps_one_open_link_a_person() -> None:
    staff, _ = invited()
    row = Invitation.objects.get()
    row.pk, row.token_hash = None, b"x" * 32
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()
    assert staff.invitations.count() == 1


@pytest.mark.django_db(transaction=True)
def test_accept_while_the_owner_switches_the_account_off_ends_in_one_of_both() -> None:
    staff, token = invited()
    owner = make_staff(staff.merchant, "owner")

    def accept() -> str:
        try:
            _accept(token)
        except NotFound as error:
            return error.code
        return "in"

    def off() -> str:
        team.switch(staff_id=staff.pk, on=False, by=of_staff(owner), at=timezone.now())
        return "off"

    answers = at_once([accept, off])
    assert answers[1] == "off"
    assert not Staff.objects.get(pk=staff.pk).is_active


@pytest.mark.django_db(transaction=True)
def test_accept_of_ten_at_once_lets_one_set_the_password() -> None:
    staff, token = invited()

    def accept(n: int) -> str:
        try:
            _accept(token, f"{GOOD} number {n}")
        except NotFound as error:
            return error.code
        return str(n)

    answers = at_once([lambda n=n: accept(n) for n in range(10)])  # type: ignore[misc]
    (winner,) = [answer for answer in answers if answer != "invitation_gone"]
    assert Staff.objects.get(pk=staff.pk).check_password(f"{GOOD} number {winner}")
