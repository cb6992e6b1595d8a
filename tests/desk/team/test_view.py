"""The team's pages: a link shown once, ways in reset by two, and nothing for who may not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from pytest_django.fixtures import Settings

from merchants.models import Invitation, Merchant, Role, Staff
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_staff

Browser = Callable[[Staff], Client]
FORM = {"login": "anna", "role": "reviewer", "all_stores": "1", "limit": "500", "till_codes": "C1，C2"}


@pytest.fixture
def owner(shop: Shop) -> Staff:
    return make_staff(shop.merchant, Role.OWNER, password="a long password")


@pytest.fixture
def desk(owner: Staff, as_staff: Browser) -> Client:
    return as_staff(owner)


def _link(answer: Any) -> str:
    (url,) = re.findall(r"<code data-link>([^<]+)</code>", answer.content.decode())
    return str(url)


def test_invite_shows_the_link_once(desk: Client, owner: Staff) -> None:
    answer = desk.post("/desk/team", FORM)
    assert answer.status_code == 200
    url = _link(answer)
    staff = Staff.objects.get(username__endswith=".anna")
    assert (staff.role, staff.limit_fen, staff.till_codes, staff.all_stores) == ("reviewer", 50_000, ["C1", "C2"], True)
    assert url not in desk.get("/desk/team").content.decode()
    assert Client().get(url[url.index("/join/") :]).status_code == 200
    assert "invited" in desk.get(f"/desk/team/{staff.pk}").content.decode()
    assert mail.outbox == []


def test_invite_is_mailed_where_somebody_says_to_whom(desk: Client) -> None:
    url = _link(desk.post("/desk/team", {**FORM, "mail": "anna@example.com"}))
    (message,) = mail.outbox
    assert (message.to, url in message.body) == (["anna@example.com"], True)


def test_invite_whose_mail_fails_still_shows_the_link(desk: Client, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    answer = desk.post("/desk/team", {**FORM, "mail": "anna@example.com"})
    assert _link(answer)
    assert "could not be mailed" in answer.content.decode()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"role": "king"}, "one of the roles"),
        ({"limit": "-1"}, ""),
        ({"limit": "many"}, ""),
        ({"stores": "1"}, "not both"),
        ({"mail": "no mail"}, "no mail address"),
        ({"login": "../x"}, "letters"),
    ],
)
def test_invite_with_a_form_that_is_not_right_makes_nobody(desk: Client, more: dict[str, str], said: str) -> None:
    before = Staff.objects.count()
    answer = desk.post("/desk/team", {**FORM, **more})
    assert (answer.status_code, Staff.objects.count(), Invitation.objects.count()) == (422, before, 0)
    assert said in answer.content.decode()
    # What was typed stays.
    assert 'value="C1，C2"' in answer.content.decode()


def test_place_without_any_store_is_none(desk: Client, shop: Shop) -> None:
    answer = desk.post(f"/desk/team/{shop.reviewer.pk}", {"role": "reviewer", "till_codes": ""})
    assert answer.status_code == 302
    staff = Staff.objects.get(pk=shop.reviewer.pk)
    assert (staff.all_stores, staff.stores.count()) == (False, 0)


def test_switch_off_needs_its_second_step(desk: Client, shop: Shop, as_staff: Browser) -> None:
    theirs, path = as_staff(shop.manager), f"/desk/team/{shop.manager.pk}/switch"
    assert desk.post(path).status_code == 422
    assert theirs.get("/desk").status_code == 200
    assert desk.post(path, {"confirmed": "1"}).status_code == 302
    assert theirs.get("/desk").status_code == 302
    assert theirs.get("/api/v1/refund-requests").status_code == 401


def test_reset_by_two_at_the_desk(desk: Client, shop: Shop, as_staff: Browser) -> None:
    second = as_staff(shop.manager)
    form = {"staff": shop.reviewer.pk, "kind": "password"}
    assert desk.post("/desk/team/resets", form).status_code == 302
    assert "Waiting for a second person" in second.get("/desk/team").content.decode()
    (path,) = re.findall(r'action="(/desk/team/resets/\d+/confirm)"', second.get("/desk/team").content.decode())
    assert "/confirm" not in desk.get("/desk/team").content.decode()
    assert desk.post(path, {"confirmed": "1"}).status_code == 403
    assert second.post(path).status_code == 422
    assert not Invitation.objects.exists()
    answer = second.post(path, {"confirmed": "1"})
    page = Client().get(_link(answer)[_link(answer).index("/join/") :]).content.decode()
    assert 'name="name"' not in page
    assert second.post(path, {"confirmed": "1"}).status_code == 404


def test_requirement_of_a_second_factor_is_put_and_given_up(
    desk: Client, shop: Shop, owner: Staff, as_staff: Browser
) -> None:
    assert desk.post("/desk/team/second-factor").status_code == 422
    assert desk.post("/desk/team/second-factor", {"confirmed": "1"}).status_code == 302
    assert Merchant.objects.get(pk=shop.merchant.pk).requires_second_factor
    # The owner has none either: they are out.
    assert desk.get("/desk/team").status_code == 302
    desk, second = as_staff(Staff.objects.get(pk=owner.pk)), as_staff(Staff.objects.get(pk=shop.manager.pk))
    desk.post("/desk/team/resets", {"kind": "requirement"})
    (path,) = re.findall(r'action="(/desk/team/resets/\d+/confirm)"', second.get("/desk/team").content.decode())
    assert second.post(path, {"confirmed": "1"}).status_code == 302
    assert not Merchant.objects.get(pk=shop.merchant.pk).requires_second_factor


@pytest.mark.parametrize("role", ["cashier", "reviewer", "finance"])
def test_team_is_closed_to_who_may_nothing_there(shop: Shop, as_staff: Browser, role: str) -> None:
    client = as_staff(getattr(shop, role))
    for path in ("/desk/team", f"/desk/team/{shop.manager.pk}"):
        assert client.get(path).status_code == 403
    assert 'href="/desk/team"' not in client.get("/desk/account").content.decode()


def test_team_of_another_merchant_is_not_there(desk: Client) -> None:
    theirs = make_staff(make_merchant(), "manager")
    assert theirs.name not in desk.get("/desk/team").content.decode()
    for path in ("", "/invite", "/switch"):
        assert desk.post(f"/desk/team/{theirs.pk}{path}", {**FORM, "confirmed": "1"}).status_code == 404
    assert desk.get(f"/desk/team/{theirs.pk}").status_code == 404
    assert desk.post("/desk/team/resets", {"staff": theirs.pk, "kind": "password"}).status_code == 404


def test_own_entry_is_looked_at_and_not_changed(desk: Client, owner: Staff) -> None:
    page = desk.get(f"/desk/team/{owner.pk}").content.decode()
    assert "This is you" in page
    assert 'name="role"' not in page
    assert desk.post(f"/desk/team/{owner.pk}", {"role": "cashier"}).status_code == 403
    owner.refresh_from_db()
    assert owner.role == "owner"
