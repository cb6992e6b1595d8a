"""Second factors: who needs one, that a code works once, and how they come and go."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import time_machine
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import get_totp_secret
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone

from config.cache import ForgetfulCache
from core.audit.models import AuditEvent
from core.errors import Conflict, Invalid, NotFound
from merchants import second_factor
from merchants.models import Merchant, Staff
from merchants.principals import of_staff
from tests.factories import make_merchant, make_staff
from tests.passkeys import SoftKey
from tests.refunds.limited import at_once
from tests.second_factors import code_of, with_app, with_recovery_codes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(1_800_000_010, tick=False) as traveller:
        yield traveller


@pytest.fixture
def owner() -> Staff:
    return make_staff(make_merchant(), "owner")


@pytest.fixture
def browser() -> Iterator[HttpRequest]:
    """A request with a session, as allauth finds it."""
    request = RequestFactory().get("/", HTTP_HOST="testserver", secure=True)
    request.session = SessionStore()
    with context.request_context(request):
        yield request


def _check(staff: Staff, code: str) -> str:
    return second_factor.check_code(staff=staff, code=code, at=timezone.now())


@pytest.mark.parametrize(
    ("role", "needed"), [("cashier", False), ("reviewer", True), ("manager", True), ("finance", True), ("owner", True)]
)
def test_is_required_where_the_merchant_says_so_of_who_decides_or_pays(role: str, needed: bool) -> None:
    merchant = make_merchant()
    staff = make_staff(merchant, role)
    assert not second_factor.is_required(staff)
    Merchant.objects.filter(pk=merchant.pk).update(requires_second_factor=True)
    assert second_factor.is_required(Staff.objects.get(pk=staff.pk)) is needed


def test_check_code_takes_a_code_once(owner: Staff, clock: time_machine.Traveller) -> None:
    secret = with_app(owner)
    now = code_of(secret)
    assert (_check(owner, now), _check(owner, now)) == ("totp", "")
    # Nor one from before the one that was used.
    assert _check(owner, code_of(secret, periods=-1)) == ""
    clock.shift(30)
    assert _check(owner, code_of(secret)) == "totp"


def test_check_code_of_a_clock_that_is_one_period_off_is_taken_and_no_more(owner: Staff) -> None:
    secret = with_app(owner)
    assert _check(owner, code_of(secret, periods=-2)) == _check(owner, code_of(secret, periods=2)) == ""
    assert _check(owner, code_of(secret, periods=1)) == "totp"


def test_check_code_of_another_person_or_of_nobody_is_wrong(owner: Staff) -> None:
    colleague = make_staff(owner.merchant, "manager")
    secret = with_app(owner)
    assert _check(colleague, code_of(secret)) == ""
    with_app(colleague)
    assert _check(colleague, code_of(secret)) == ""
    assert _check(owner, "") == _check(owner, "abc") == ""


def test_check_code_without_redis_remembers_all_the_same(owner: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = with_app(owner)
    monkeypatch.setattr(ForgetfulCache, "add", lambda *_args, **_kwargs: True)
    assert (_check(owner, code_of(secret)), _check(owner, code_of(secret))) == ("totp", "")


def test_recovery_code_works_once_and_beside_the_app(owner: Staff) -> None:
    with_app(owner)
    codes = with_recovery_codes(owner)
    assert second_factor.recovery_codes_left(owner) == len(codes) == 10
    assert (_check(owner, codes[3]), _check(owner, codes[3])) == ("recovery_codes", "")
    assert second_factor.recovery_codes_left(owner) == 9


@pytest.mark.django_db(transaction=True)
def test_check_code_of_ten_at_once_is_taken_once() -> None:
    owner = make_staff(make_merchant(), "owner")
    secret = with_app(owner)
    code = code_of(secret)
    answers = at_once([lambda: _check(owner, code)] * 10)
    assert sorted(answers) == [""] * 9 + ["totp"]


def test_secrets_are_sealed_in_the_database(owner: Staff) -> None:
    secret = with_app(owner)
    with_recovery_codes(owner)
    with connection.cursor() as cursor:
        cursor.execute("SELECT data::text FROM mfa_authenticator")
        stored = " ".join(row[0] for row in cursor.fetchall())
    assert secret not in stored
    assert "seed" in stored


def test_add_app_is_proven_by_a_code_and_gives_recovery_codes_once(owner: Staff, browser: HttpRequest) -> None:
    by, now = of_staff(owner), timezone.now()
    offered = second_factor.offer(request=browser, staff=owner)
    assert offered.secret in offered.address
    with pytest.raises(Invalid, match="code"):
        second_factor.add_app(request=browser, code="000000", by=by, at=now)
    assert second_factor.factors(owner) == []
    code = code_of(offered.secret)
    codes = second_factor.add_app(request=browser, code=code, by=by, at=now)
    assert len(codes) == 10
    assert [one.kind for one in second_factor.factors(owner)] == ["totp"]
    # What proved the secret lets nobody in.
    assert _check(owner, code) == ""
    assert _check(owner, codes[0]) == "recovery_codes"
    with pytest.raises(Conflict):
        second_factor.add_app(request=browser, code=code_of(get_totp_secret()), by=by, at=now)
    assert second_factor.offer(request=browser, staff=owner).secret == ""
    assert AuditEvent.objects.filter(action="staff.second_factor_add").count() == 1


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "[::1]:8000"])
def test_offer_at_an_address_without_a_name_is_an_app_only(owner: Staff, browser: HttpRequest, host: str) -> None:
    browser.META["HTTP_HOST"] = host
    offered = second_factor.offer(request=browser, staff=owner)
    assert (bool(offered.secret), offered.passkey) == (True, "")


def test_passkey_answers_its_own_challenge_once(owner: Staff, browser: HttpRequest) -> None:
    key, by, now = SoftKey(), of_staff(owner), timezone.now()
    made = key.make(second_factor.offer(request=browser, staff=owner).passkey)
    assert len(second_factor.add_passkey(name="phone", answer=made, by=by, at=now)) == 10
    with pytest.raises(Invalid):
        second_factor.add_passkey(name="again", answer=made, by=by, at=now)
    shown = key.show(second_factor.passkey_request(owner))
    assert second_factor.check_passkey(staff=owner, answer=shown, at=now)
    assert not second_factor.check_passkey(staff=owner, answer=shown, at=now)
    # An answer to another challenge is none to this one.
    second_factor.passkey_request(owner)
    assert not second_factor.check_passkey(staff=owner, answer=shown, at=now)
    (factor,) = second_factor.factors(owner)
    assert (factor.kind, factor.name, factor.used_at) == ("webauthn", "phone", now)


def test_passkey_of_another_site_person_or_key_is_refused(owner: Staff, browser: HttpRequest) -> None:
    key, colleague = SoftKey(), make_staff(owner.merchant, "manager")
    for staff, made in ((owner, key), (colleague, SoftKey())):
        answer = made.make(second_factor.offer(request=browser, staff=staff).passkey)
        second_factor.add_passkey(name="k", answer=answer, by=of_staff(staff), at=timezone.now())

    def shows(staff: Staff, with_key: SoftKey, **more: str) -> bool:
        answer = with_key.show(second_factor.passkey_request(staff), **more)
        return second_factor.check_passkey(staff=staff, answer=answer, at=timezone.now())

    assert not shows(owner, key, origin="https://refunddesk.example")
    assert not shows(owner, key, origin="http://testserver")
    assert not shows(colleague, key)
    assert not shows(owner, SoftKey())
    assert shows(owner, key)


@pytest.mark.parametrize("answer", ["", "x", "null", "[]", "{}", '{"id": 1}', json.dumps({"id": "a", "response": {}})])
def test_passkey_answer_that_is_none_is_wrong_and_no_fault(owner: Staff, browser: HttpRequest, answer: str) -> None:
    second_factor.add_passkey(
        name="k",
        answer=SoftKey().make(second_factor.offer(request=browser, staff=owner).passkey),
        by=of_staff(owner),
        at=timezone.now(),
    )
    second_factor.passkey_request(owner)
    assert not second_factor.check_passkey(staff=owner, answer=answer, at=timezone.now())
    second_factor.offer(request=browser, staff=owner)
    with pytest.raises(Invalid):
        second_factor.add_passkey(name="k", answer=answer, by=of_staff(owner), at=timezone.now())


def test_remove_of_the_last_where_one_is_required_is_refused(owner: Staff, browser: HttpRequest) -> None:
    with_app(owner)
    with_recovery_codes(owner)
    by, now = of_staff(owner), timezone.now()
    (app,) = second_factor.factors(owner)
    Merchant.objects.filter(pk=owner.merchant_id).update(requires_second_factor=True)
    with pytest.raises(Conflict):
        second_factor.remove(factor_id=app.pk, by=by, at=now)
    assert second_factor.factors(owner) == [app]
    second_factor.add_passkey(
        name="k", answer=SoftKey().make(second_factor.offer(request=browser, staff=owner).passkey), by=by, at=now
    )
    second_factor.remove(factor_id=app.pk, by=by, at=now)
    assert [one.kind for one in second_factor.factors(owner)] == ["webauthn"]
    assert second_factor.recovery_codes_left(owner) == 10


def test_remove_of_the_last_takes_the_recovery_codes_along(owner: Staff) -> None:
    with_app(owner)
    with_recovery_codes(owner)
    (app,) = second_factor.factors(owner)
    second_factor.remove(factor_id=app.pk, by=of_staff(owner), at=timezone.now())
    assert not Authenticator.objects.exists()


def test_remove_of_anothers_is_like_one_that_is_not_there(owner: Staff) -> None:
    with_app(owner)
    (app,) = second_factor.factors(owner)
    for stranger in (make_staff(owner.merchant, "owner"), make_staff(make_merchant(), "owner")):
        with pytest.raises(NotFound):
            second_factor.remove(factor_id=app.pk, by=of_staff(stranger), at=timezone.now())
    assert second_factor.factors(owner) == [app]


def test_new_recovery_codes_make_the_old_ones_void(owner: Staff) -> None:
    by, now = of_staff(owner), timezone.now()
    with pytest.raises(Conflict):
        second_factor.new_recovery_codes(by=by, at=now)
    with_app(owner)
    old = with_recovery_codes(owner)
    new = second_factor.new_recovery_codes(by=by, at=now)
    assert (_check(owner, old[0]), _check(owner, new[0])) == ("", "recovery_codes")


@pytest.mark.parametrize("answer", ["[" * 100_000, "[]", "null", "{"])
def test_an_answer_of_a_browser_that_is_none_is_a_wrong_value(answer: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        second_factor._json(answer)
