"""The second step of signing in: nobody is in before it, a code works once, and what is wrong costs time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from core.audit.models import AuditEvent
from merchants import second_factor
from merchants.models import Merchant, Staff, StaffSession
from tests.desk.conftest import Shop
from tests.factories import make_staff
from tests.passkeys import SoftKey
from tests.second_factors import code_of, with_app, with_recovery_codes

PASSWORD = "a long password"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(1_800_000_010, tick=False) as traveller:
        yield traveller


@pytest.fixture
def manager(shop: Shop) -> Staff:
    return make_staff(shop.merchant, "manager", username="mia", password=PASSWORD)


def _browser(address: str = "198.51.100.7") -> Client:
    return Client(REMOTE_ADDR=address, headers={"accept-language": "en"})


def _password(client: Client, username: str = "mia", to: str = "") -> Any:
    return client.post("/login", {"username": username, "password": PASSWORD, "next": to})


def _is_in(client: Client) -> bool:
    return client.get("/desk/account").status_code == 200


def _passkey(answer: Any) -> str:
    """What the page asks of the browser."""
    (asked,) = re.findall(r'data-passkey="([^"]*)"', answer.content.decode())
    return unescape(asked)


def _require(staff: Staff) -> None:
    Merchant.objects.filter(pk=staff.merchant_id).update(requires_second_factor=True)


def test_right_password_alone_opens_no_page_and_no_api(manager: Staff) -> None:
    with_app(manager)
    client = _browser()
    assert _password(client)["Location"] == "/login/second"
    assert not _is_in(client)
    assert client.get("/api/v1/refund-requests").status_code == 401
    assert "_auth_user_id" not in client.session
    assert not StaffSession.objects.exists()


def test_code_lets_in_where_one_wanted_to_go(manager: Staff) -> None:
    secret = with_app(manager)
    client = _browser()
    _password(client, to="/desk/refunds")
    answer = client.post("/login/second", {"code": code_of(secret)})
    assert (answer.status_code, answer["Location"]) == (302, "/desk/refunds")
    assert _is_in(client)
    assert StaffSession.objects.get().factor == "totp"


def test_code_that_was_used_lets_nobody_in_again(manager: Staff, clock: time_machine.Traveller) -> None:
    secret = with_app(manager)
    code = code_of(secret)
    first, thief = _browser(), _browser("203.0.113.9")
    for client in (first, thief):
        _password(client)
        client.post("/login/second", {"code": code})
    assert (_is_in(first), _is_in(thief)) == (True, False)
    clock.shift(30)
    thief.post("/login/second", {"code": code})
    assert not _is_in(thief)


def test_recovery_code_lets_in_once(manager: Staff) -> None:
    with_app(manager)
    code = with_recovery_codes(manager)[0]
    results = []
    for _ in range(2):
        client = _browser()
        _password(client)
        client.post("/login/second", {"code": code})
        results.append(_is_in(client))
    assert results == [True, False]


def test_wrong_codes_are_slowed_down_for_the_account_wherever_they_come_from(
    manager: Staff, clock: time_machine.Traveller
) -> None:
    secret = with_app(manager)
    answers = []
    for n in range(9):
        client = _browser(f"203.0.113.{n}")
        _password(client)
        answers.append(client.post("/login/second", {"code": "000000"}).status_code)
    assert answers.count(200) <= 6
    assert answers[-1] == 429
    owner = _browser()
    _password(owner)
    refused = owner.post("/login/second", {"code": code_of(secret)})
    assert (refused.status_code, _is_in(owner)) == (429, False)
    clock.shift(int(refused["Retry-After"]))
    owner.post("/login/second", {"code": code_of(secret)})
    assert _is_in(owner)


@pytest.mark.parametrize("why", ["late", "switched off", "new password", "none left"])
def test_half_way_in_is_over_when_what_it_rested_on_is(manager: Staff, clock: time_machine.Traveller, why: str) -> None:
    secret = with_app(manager)
    client = _browser()
    _password(client)
    if why == "late":
        clock.shift(601)
    elif why == "switched off":
        Staff.objects.filter(pk=manager.pk).update(is_active=False)
    elif why == "new password":
        manager.set_password("another long password")
        manager.save()
    else:
        second_factor.clear(manager)
    answer = client.post("/login/second", {"code": code_of(secret)})
    assert (answer.status_code, answer["Location"]) == (302, "/login")
    assert not _is_in(client)


def test_second_step_without_a_first_leads_to_the_first(manager: Staff) -> None:
    for path in ("/login/second", "/login/enrol"):
        assert _browser().get(path)["Location"] == "/login"
        assert _browser().post(path, {"code": "1"})["Location"] == "/login"


def test_person_with_a_second_factor_cannot_set_up_another_half_way_in(manager: Staff) -> None:
    _require(manager)
    with_app(manager)
    client = _browser()
    _password(client)
    answer = client.post("/login/enrol", {"kind": "totp", "code": "000000"})
    assert answer["Location"] == "/login"
    assert len(second_factor.factors(manager)) == 1


def test_who_needs_one_sets_it_up_before_they_are_in(manager: Staff) -> None:
    _require(manager)
    client = _browser()
    assert _password(client)["Location"] == "/login/enrol"
    assert not _is_in(client)
    page = client.get("/login/enrol").content.decode()
    (secret,) = re.findall(r"<code data-secret>(\w+)</code>", page)
    wrong = client.post("/login/enrol", {"kind": "totp", "code": "000000"})
    assert (wrong.status_code, _is_in(client)) == (422, False)
    done = client.post("/login/enrol", {"kind": "totp", "code": code_of(secret)})
    codes = re.findall(r"<li><code>(\d+)</code>", done.content.decode())
    assert (done.status_code, len(codes), _is_in(client)) == (200, 10, True)
    assert "no-store" in done["Cache-Control"]
    assert AuditEvent.objects.get(action="staff.second_factor_add").actor_id == str(manager.pk)
    # The code that set it up is used; a recovery code is not.
    again = _browser()
    assert _password(again)["Location"] == "/login/second"
    again.post("/login/second", {"code": code_of(secret)})
    assert not _is_in(again)
    again.post("/login/second", {"code": codes[0]})
    assert _is_in(again)


def test_cashier_needs_none_where_it_is_required(shop: Shop) -> None:
    cashier = make_staff(shop.merchant, "cashier", username="carl", password=PASSWORD)
    _require(cashier)
    client = _browser()
    _password(client, "carl")
    assert _is_in(client)
    assert StaffSession.objects.get().factor == ""


def test_passkey_is_set_up_and_lets_in_and_its_answer_works_once(manager: Staff) -> None:
    _require(manager)
    key, client = SoftKey(), Client(REMOTE_ADDR="198.51.100.7", headers={"accept-language": "en"})
    _password(client)
    made = key.make(_passkey(client.get("/login/enrol")))
    done = client.post("/login/enrol", {"kind": "webauthn", "name": "key", "passkey": made})
    assert (done.status_code, _is_in(client)) == (200, True)
    first, thief = _browser(), _browser("203.0.113.9")
    for one in (first, thief):
        _password(one)
    shown = key.show(_passkey(first.get("/login/second")))
    thief.get("/login/second")
    for one in (first, thief):
        one.post("/login/second", {"passkey": shown})
    assert (_is_in(first), _is_in(thief)) == (True, False)
    assert StaffSession.objects.filter(factor="webauthn").count() == 2


def test_language_of_the_person_follows_them_into_any_browser(manager: Staff) -> None:
    manager.language = "zh-hans"
    manager.save()
    client = _browser()
    _password(client)
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == "zh-hans"
    assert "我的账号" in client.get("/desk/account").content.decode()
