"""One's own account: what a stolen session must not do asks for the password."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from core.audit.models import AuditEvent
from merchants import second_factor
from merchants.models import Staff, StaffSession
from tests.desk.conftest import Shop
from tests.factories import make_staff
from tests.second_factors import code_of, with_app

OLD, NEW = "an old long password", "a new long password"


@pytest.fixture
def anna(shop: Shop) -> Staff:
    return make_staff(shop.merchant, "reviewer", username="anna", password=OLD)


def _signed_in(**headers: str) -> Client:
    client = Client(REMOTE_ADDR="198.51.100.7", headers={"accept-language": "en", **headers})
    client.post("/login", {"username": "anna", "password": OLD})
    return client


def _is_in(client: Client) -> bool:
    return client.get("/desk/account").status_code == 200


def _change(client: Client, **more: str) -> Any:
    return client.post("/desk/account/password", {"current": OLD, "password": NEW, "again": NEW, **more})


def test_new_password_signs_out_every_other_browser_and_keeps_this_one(anna: Staff) -> None:
    here, there = _signed_in(), _signed_in()
    assert _change(here).status_code == 302
    assert (_is_in(here), _is_in(there)) == (True, False)
    assert Staff.objects.get(pk=anna.pk).check_password(NEW)
    assert StaffSession.objects.get().session_key == here.session.session_key
    assert here.get("/desk/account").content.decode().count("this one") == 1
    assert AuditEvent.objects.get(action="staff.password").actor_id == str(anna.pk)


@pytest.mark.parametrize(
    "more", [{"current": "wrong"}, {"again": "different"}, {"password": "short", "again": "short"}, {"current": ""}]
)
def test_new_password_that_is_not_right_changes_nothing(anna: Staff, more: dict[str, str]) -> None:
    here, there = _signed_in(), _signed_in()
    assert _change(here, **more).status_code == 422
    assert Staff.objects.get(pk=anna.pk).check_password(OLD)
    assert _is_in(there)


def test_guessing_the_password_in_a_stolen_session_is_slowed_down(anna: Staff) -> None:
    client = _signed_in()
    answers = [_change(client, current=f"guess {n}").status_code for n in range(9)]
    assert answers[-1] == 429
    assert _change(client).status_code == 429
    assert Staff.objects.get(pk=anna.pk).check_password(OLD)


def test_browsers_are_listed_and_ended_one_by_one_or_all_others(anna: Staff) -> None:
    here, phone, tablet = _signed_in(), _signed_in(**{"user-agent": "Phone"}), _signed_in()
    page = here.get("/desk/account").content.decode()
    assert "Phone" in page
    assert page.count("198.51.100.7") == 3
    row = StaffSession.objects.get(browser="Phone")
    here.post(f"/desk/account/sessions/{row.pk}/end")
    assert [_is_in(one) for one in (here, phone, tablet)] == [True, False, True]
    here.post("/desk/account/sessions/end")
    assert [_is_in(one) for one in (here, tablet)] == [True, False]
    assert AuditEvent.objects.filter(action="staff.sessions_end").count() == 2


def test_browser_of_somebody_else_is_none_of_ours(anna: Staff, shop: Shop, as_staff: Callable[[Staff], Client]) -> None:
    here = _signed_in()
    row = StaffSession.objects.get()
    assert as_staff(shop.manager).post(f"/desk/account/sessions/{row.pk}/end").status_code == 404
    assert _is_in(here)
    assert Session.objects.filter(session_key=row.session_key).exists()


def test_language_is_kept_and_spoken(anna: Staff) -> None:
    client = _signed_in()
    client.post("/desk/account/language", {"language": "zh-hans"})
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == "zh-hans"
    assert "我的账号" in client.get("/desk/account").content.decode()
    assert client.post("/desk/account/language", {"language": "xx"}).status_code == 422
    assert Staff.objects.get(pk=anna.pk).language == "zh-hans"


def test_app_is_added_with_the_password_and_removed_with_it(anna: Staff) -> None:
    client = _signed_in()
    page = client.get("/desk/account/second-factor").content.decode()
    (secret,) = re.findall(r"<code data-secret>(\w+)</code>", page)
    form = {"kind": "totp", "code": code_of(secret), "current": "wrong"}
    assert client.post("/desk/account/second-factor", form).status_code == 422
    assert second_factor.factors(anna) == []
    done = client.post("/desk/account/second-factor", {**form, "current": OLD})
    assert len(re.findall(r"<li><code>\d+</code>", done.content.decode())) == 10
    (factor,) = second_factor.factors(anna)
    path = f"/desk/account/second-factor/{factor.pk}/remove"
    assert client.post(path, {"current": "wrong"}).status_code == 422
    assert second_factor.factors(anna) == [factor]
    assert client.post(path, {"current": OLD}).status_code == 302
    assert second_factor.factors(anna) == []


def test_recovery_codes_are_made_anew_with_the_password(anna: Staff, as_staff: Callable[[Staff], Client]) -> None:
    client = _signed_in()
    assert client.post("/desk/account/recovery-codes", {"current": OLD}).status_code == 409
    with_app(anna)
    assert client.post("/desk/account/recovery-codes", {"current": "wrong"}).status_code == 422
    assert second_factor.recovery_codes_left(anna) == 0
    done = client.post("/desk/account/recovery-codes", {"current": OLD})
    assert len(re.findall(r"<li><code>\d+</code>", done.content.decode())) == 10
    assert done["Cache-Control"] == "private, no-store"
