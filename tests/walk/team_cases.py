"""Every act of the team, of one's own account, and of the ways in."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from merchants import second_factor, team
from merchants.models import AccessReset, Merchant, Role, Staff, StaffSession
from merchants.principals import of_staff
from merchants.team import Place
from refunds.models import Reviewer
from refunds.review import assigning, presence
from tests.passkeys import with_passkey
from tests.second_factors import code_of, with_app
from tests.walk.cases import case
from tests.walk.stage import PASSWORD, Stage, text_of

_ANNA = {"login": "anna", "role": "reviewer", "all_stores": "1", "limit": "500", "till_codes": ""}
_NEW = "another long password"


def _invited(stage: Stage) -> tuple[Staff, str]:
    place = Place(role=Role.CASHIER, store_ids=frozenset(), all_stores=True, limit_fen=None, till_codes=())
    return team.invite(login="anna", place=place, by=of_staff(stage.person(Role.OWNER)), at=stage.now())


def _asked(stage: Stage) -> AccessReset:
    of = stage.person(Role.CASHIER).pk
    return team.ask_reset(staff_id=of, kind="password", by=of_staff(stage.person(Role.OWNER)), at=stage.now())


def _typed_in(stage: Stage, role: str, *, required: bool = False) -> tuple[Client, Any]:
    """A browser after the password."""
    Merchant.objects.filter(pk=stage.merchant.pk).update(requires_second_factor=required)
    client = stage.nobody()
    return client, client.post("/login", {"username": stage.person(role).username, "password": PASSWORD})


# --- the team ---------------------------------------------------------------------------------------------------------


@case("GET", "/desk/team")
def team_list(stage: Stage) -> None:
    assert stage.person(Role.MANAGER).name in stage.get(Role.OWNER, "/desk/team")


@case("POST", "/desk/team")
def invite(stage: Stage) -> None:
    page = text_of(stage.post(Role.OWNER, "/desk/team", expect=200, **_ANNA))
    assert "/join/" in page
    assert Staff.objects.get(username__endswith=".anna").limit_fen == 50_000


@case("GET", "/desk/team/<int:staff_id>")
def member(stage: Stage) -> None:
    staff = stage.person(Role.MANAGER)
    assert staff.username in stage.get(Role.OWNER, f"/desk/team/{staff.pk}")


@case("POST", "/desk/team/<int:staff_id>")
def place(stage: Stage) -> None:
    staff = stage.person(Role.MANAGER)
    stage.post(Role.OWNER, f"/desk/team/{staff.pk}", role="reviewer", all_stores="1", limit="", till_codes="C7")
    staff.refresh_from_db()
    assert (staff.role, staff.till_codes) == ("reviewer", ["C7"])


@case("POST", "/desk/team/<int:staff_id>/invite")
def invite_again(stage: Stage) -> None:
    staff, _ = _invited(stage)
    page = text_of(stage.post(Role.OWNER, f"/desk/team/{staff.pk}/invite", expect=200))
    assert "/join/" in page


@case("POST", "/desk/team/<int:staff_id>/switch")
def switch(stage: Stage) -> None:
    staff = stage.person(Role.CASHIER)
    browser = stage.browser(Role.CASHIER)
    stage.post(Role.OWNER, f"/desk/team/{staff.pk}/switch", confirmed="1")
    assert browser.get("/desk/account").status_code == 302


@case("GET", "/desk/team/work")
def team_work(stage: Stage) -> None:
    assert stage.person(Role.REVIEWER).name in stage.get(Role.OWNER, "/desk/team/work")


@case("POST", "/desk/team/work")
def set_team_work(stage: Stage) -> None:
    stage.post(Role.OWNER, "/desk/team/work", form="desk", assigns="1", second_looks_percent="10")
    assert assigning.settings_of(stage.merchant.pk).assigns
    person = stage.person(Role.REVIEWER)
    stage.post(Role.OWNER, f"/desk/team/work?person={person.pk}", form="reviewer", most_on_desk="4", reasons="quality")
    kept = Reviewer.objects.get(staff=person)
    assert (kept.most_on_desk, kept.reasons, kept.takes_work) == (4, ["quality"], False)


@case("POST", "/desk/presence")
def presence_at_the_desk(stage: Stage) -> None:
    person = stage.person(Role.REVIEWER)
    stage.post(Role.REVIEWER, "/desk/presence", expect=204)
    assert presence.here([person.pk]) == {person.pk}
    stage.post(Role.REVIEWER, "/desk/presence", left="1", expect=204)
    assert presence.here([person.pk]) == frozenset()


@case("POST", "/desk/team/second-factor")
def require_second_factor(stage: Stage) -> None:
    stage.post(Role.OWNER, "/desk/team/second-factor", confirmed="1")
    assert Merchant.objects.get(pk=stage.merchant.pk).requires_second_factor


@case("POST", "/desk/team/passkeys")
def require_passkeys(stage: Stage) -> None:
    with_passkey(stage.person(Role.OWNER))
    stage.post(Role.OWNER, "/desk/team/passkeys", confirmed="1")
    assert Merchant.objects.get(pk=stage.merchant.pk).requires_passkeys_since


@case("POST", "/desk/team/resets")
def ask_reset(stage: Stage) -> None:
    stage.post(Role.MANAGER, "/desk/team/resets", staff=stage.person(Role.CASHIER).pk, kind="password")
    assert AccessReset.objects.get().staff == stage.person(Role.CASHIER)


@case("POST", "/desk/team/resets/<int:reset_id>/confirm")
def confirm_reset(stage: Stage) -> None:
    row = _asked(stage)
    page = text_of(stage.post(Role.MANAGER, f"/desk/team/resets/{row.pk}/confirm", expect=200, confirmed="1"))
    assert "/join/" in page


@case("POST", "/desk/team/resets/<int:reset_id>/withdraw")
def withdraw_reset(stage: Stage) -> None:
    row = _asked(stage)
    stage.post(Role.MANAGER, f"/desk/team/resets/{row.pk}/withdraw")
    assert AccessReset.objects.get().withdrawn_at


# --- one's own account ------------------------------------------------------------------------------------------------


@case("GET", "/desk/account")
def account(stage: Stage) -> None:
    assert stage.person(Role.CASHIER).username in stage.get(Role.CASHIER, "/desk/account")


@case("POST", "/desk/account/password")
def password(stage: Stage) -> None:
    stage.post(Role.CASHIER, "/desk/account/password", current=PASSWORD, password=_NEW, again=_NEW)
    assert Staff.objects.get(pk=stage.person(Role.CASHIER).pk).check_password(_NEW)


@case("POST", "/desk/account/language")
def language(stage: Stage) -> None:
    stage.post(Role.CASHIER, "/desk/account/language", language="en")
    assert Staff.objects.get(pk=stage.person(Role.CASHIER).pk).language == "en"


@case("POST", "/desk/account/sessions/end")
def end_others(stage: Stage) -> None:
    other, _ = _typed_in(stage, Role.CASHIER)
    stage.post(Role.CASHIER, "/desk/account/sessions/end")
    assert other.get("/desk/account").status_code == 302


@case("POST", "/desk/account/sessions/<int:session_id>/end")
def end_session(stage: Stage) -> None:
    other, _ = _typed_in(stage, Role.CASHIER)
    stage.post(Role.CASHIER, f"/desk/account/sessions/{StaffSession.objects.get().pk}/end")
    assert other.get("/desk/account").status_code == 302


@case("GET", "/desk/account/second-factor")
def offered(stage: Stage) -> None:
    assert "data-secret" in stage.get(Role.CASHIER, "/desk/account/second-factor")


@case("POST", "/desk/account/second-factor")
def add_factor(stage: Stage) -> None:
    browser, path = stage.browser(Role.CASHIER), "/desk/account/second-factor"
    (secret,) = re.findall(r"<code data-secret>(\w+)</code>", text_of(browser.get(path)))
    answer = browser.post(path, {"kind": "totp", "code": code_of(secret), "current": PASSWORD})
    assert (answer.status_code, len(second_factor.factors(stage.person(Role.CASHIER)))) == (200, 1)


@case("POST", "/desk/account/second-factor/<int:factor_id>/remove")
def remove_factor(stage: Stage) -> None:
    staff = stage.person(Role.CASHIER)
    with_app(staff)
    (factor,) = second_factor.factors(staff)
    stage.post(Role.CASHIER, f"/desk/account/second-factor/{factor.pk}/remove", current=PASSWORD)
    assert second_factor.factors(staff) == []


@case("POST", "/desk/account/recovery-codes")
def recovery_codes(stage: Stage) -> None:
    with_app(stage.person(Role.CASHIER))
    stage.post(Role.CASHIER, "/desk/account/recovery-codes", expect=200, current=PASSWORD)
    assert second_factor.recovery_codes_left(stage.person(Role.CASHIER)) == 10


# --- ways in ----------------------------------------------------------------------------------------------------------


@case("GET", "/login/second")
def second_form(stage: Stage) -> None:
    with_app(stage.person(Role.MANAGER))
    client, answer = _typed_in(stage, Role.MANAGER)
    assert 'name="code"' in text_of(client.get(answer["Location"]))


@case("POST", "/login/second")
def second(stage: Stage) -> None:
    secret = with_app(stage.person(Role.MANAGER))
    client, answer = _typed_in(stage, Role.MANAGER)
    assert client.post(answer["Location"], {"code": code_of(secret)})["Location"] == "/desk/start"


@case("GET", "/login/enrol")
def enrol_form(stage: Stage) -> None:
    client, answer = _typed_in(stage, Role.MANAGER, required=True)
    assert "data-secret" in text_of(client.get(answer["Location"]))


@case("POST", "/login/enrol")
def enrol(stage: Stage) -> None:
    client, answer = _typed_in(stage, Role.MANAGER, required=True)
    (secret,) = re.findall(r"<code data-secret>(\w+)</code>", text_of(client.get(answer["Location"])))
    done = client.post(answer["Location"], {"kind": "totp", "code": code_of(secret)})
    assert (done.status_code, client.get("/desk/account").status_code) == (200, 200)


@case("GET", "/join/<str:token>")
def join_form(stage: Stage) -> None:
    staff, token = _invited(stage)
    assert staff.username in text_of(stage.nobody().get(f"/join/{token}"))


@case("POST", "/join/<str:token>")
def join(stage: Stage) -> None:
    staff, token = _invited(stage)
    stage.nobody().post(f"/join/{token}", {"name": "Anna", "password": _NEW, "again": _NEW, "language": "en"})
    assert Staff.objects.get(pk=staff.pk).is_active
