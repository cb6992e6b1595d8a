"""Signing in at the desk: guessing is slowed down by account and by address, and shuts nobody out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import time_machine
from django.test import Client
from pytest_django.fixtures import Settings

from merchants.models import Staff
from tests.desk.conftest import Shop
from tests.factories import make_staff

RIGHT = "a long password"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(1_800_000_000, tick=False) as traveller:
        yield traveller


@pytest.fixture
def anna(shop: Shop) -> Staff:
    return make_staff(shop.merchant, "cashier", username="anna", password=RIGHT)


def _at(address: str) -> Client:
    return Client(REMOTE_ADDR=address, headers={"accept-language": "en"})


def _guess(client: Client, username: str = "anna", password: str = "wrong") -> Any:
    return client.post("/login", {"username": username, "password": password})


def _attack(username: str = "anna", *, addresses: int = 5, each: int = 9) -> list[int]:
    return [_guess(_at(f"203.0.113.{n}"), username).status_code for n in range(addresses) for _ in range(each)]


def test_sign_in_leads_each_role_to_its_work(client: Client, anna: Staff) -> None:
    answer = client.post("/login", {"username": "anna", "password": RIGHT}, follow=True)
    assert answer.redirect_chain[-1][0] == "/desk/new"
    client.post("/logout")
    assert client.get("/desk/new").status_code == 302


def test_guessing_of_one_name_from_five_addresses_is_slowed_down(anna: Staff) -> None:
    answers = _attack()
    assert answers.count(200) <= 10
    assert answers[-1] == 429


def test_guessing_of_fifteen_names_from_one_address_is_slowed_down(shop: Shop) -> None:
    client = _at("203.0.113.9")
    answers = [_guess(client, f"name{n}").status_code for n in range(15) for _ in range(3)]
    assert answers.count(200) <= 20
    assert answers[-1] == 429
    # Whoever comes from elsewhere has nothing to do with it.
    assert _guess(_at("203.0.113.10"), "name0").status_code == 200


def test_guessing_with_other_letters_of_the_name_is_the_same_account(anna: Staff) -> None:
    names = ("anna", "Anna", "ANNA", " anna", "ａｎｎａ")
    answers = [_guess(_at(f"203.0.113.{n}"), names[n % 5]).status_code for n in range(30)]
    assert 429 in answers


def test_guessing_is_slowed_down_alike_whether_the_name_exists_or_not(anna: Staff) -> None:
    def told(username: str) -> list[tuple[int, str, str]]:
        answers = [_guess(_at(f"203.0.{len(username)}.{n}"), username) for n in range(12)]
        return [
            (answer.status_code, answer.headers.get("Retry-After", ""), _said(answer).replace(username, ""))
            for answer in answers
        ]

    assert told("anna") == told("nobody")


def test_password_is_hashed_for_a_name_that_nobody_has(anna: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib.auth.hashers import MD5PasswordHasher  # noqa: PLC0415 - only this test looks at it

    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    for name in ("anna", "nobody"):
        hashed.clear()
        _guess(_at("203.0.113.9"), name)
        assert hashed == ["wrong"], name


def test_owner_after_nine_wrong_guesses_is_let_in_after_the_wait_that_was_told(
    anna: Staff, clock: time_machine.Traveller
) -> None:
    for _ in range(9):
        _guess(_at("203.0.113.9"))
    owner = _at("198.51.100.7")
    refused = _guess(owner, password=RIGHT)
    assert refused.status_code == 429
    wait_s = int(refused["Retry-After"])
    assert 0 < wait_s <= 60
    assert f"Try again in {wait_s} second" in _said(refused)
    assert 'value="anna"' in refused.content.decode()
    clock.shift(wait_s)
    assert _guess(owner, password=RIGHT).status_code == 302


def test_owner_on_a_new_device_is_let_in_after_the_wait_although_guessing_goes_on(
    anna: Staff, clock: time_machine.Traveller
) -> None:
    attackers = [_at(f"203.0.113.{n}") for n in range(5)]
    for _ in range(40):
        for attacker in attackers:
            _guess(attacker)
        clock.shift(30)
    owner = _at("198.51.100.7")
    refused = _guess(owner, password=RIGHT)
    assert refused.status_code == 429
    wait_s = int(refused["Retry-After"])
    assert wait_s <= 900
    for _ in range(wait_s):
        clock.shift(1)
        _guess(attackers[0])
    assert _guess(owner, password=RIGHT).status_code == 302


def test_browser_that_signed_in_before_is_let_in_at_once_while_others_guess(anna: Staff) -> None:
    owner = _at("203.0.113.0")
    assert _guess(owner, password=RIGHT).status_code == 302
    owner.post("/logout")
    assert _attack()[-1] == 429
    # From the very address that guesses, too.
    assert _guess(owner, password=RIGHT).status_code == 302


def test_known_browser_is_slowed_down_by_itself_and_for_its_own_account_only(anna: Staff, shop: Shop) -> None:
    make_staff(shop.merchant, "cashier", username="bert", password=RIGHT)
    browser = _at("198.51.100.7")
    assert _guess(browser, password=RIGHT).status_code == 302
    browser.post("/logout")
    answers = [_guess(browser).status_code for _ in range(9)]
    assert answers[-1] == 429
    # The token of one account is none for another.
    (known,) = (name for name in browser.cookies if name.startswith("known_"))
    token = browser.cookies[known].value
    thief = _at("198.51.100.8")
    _guess(thief, "bert", RIGHT)
    (other,) = (name for name in thief.cookies if name.startswith("known_"))
    thief.post("/logout")
    thief.cookies[other] = token
    for n in range(9):
        _guess(_at(f"203.0.113.{n}"), "bert")
    assert _guess(thief, "bert", RIGHT).status_code == 429


def test_known_browsers_cookie_is_kept_from_scripts_and_other_pages(anna: Staff) -> None:
    browser = _at("198.51.100.7")
    _guess(browser, password=RIGHT)
    (known,) = (cookie for name, cookie in browser.cookies.items() if name.startswith("known_"))
    assert (known["path"], known["httponly"], known["samesite"]) == ("/login", True, "Lax")
    assert "anna" not in known.OutputString()


def test_right_password_in_a_wait_is_not_even_looked_at(anna: Staff) -> None:
    assert _attack()[-1] == 429
    answer = _guess(_at("203.0.113.77"), password=RIGHT)
    assert answer.status_code == 429
    assert "_auth_user_id" not in answer.client.session


def test_many_right_sign_ins_from_one_address_are_never_slowed_down(anna: Staff) -> None:
    for _ in range(40):
        client = _at("198.51.100.7")
        assert _guess(client, password=RIGHT).status_code == 302


def test_addresses_behind_the_proxy_are_told_apart_and_the_proxy_is_nobody(anna: Staff, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1

    def behind(address: str) -> Client:
        # Whatever a caller writes into the header stands before what the proxy appends.
        return Client(REMOTE_ADDR="172.18.0.1", headers={"x-forwarded-for": f"192.0.2.1, {address}"})

    answers = [_guess(behind("203.0.113.9"), f"name{n}").status_code for n in range(20)]
    assert answers[-1] == 429
    assert _guess(behind("198.51.100.7"), password=RIGHT).status_code == 302
    # Other addresses of one IPv6 customer are one.
    answers = [_guess(behind(f"2001:db8::{n:x}"), f"other{n}").status_code for n in range(20)]
    assert answers[-1] == 429


def test_header_of_a_caller_without_a_proxy_counts_for_nothing(shop: Shop, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 0
    answers = [
        Client(REMOTE_ADDR="203.0.113.9", headers={"x-forwarded-for": f"192.0.2.{n}"})
        .post("/login", {"username": f"name{n}", "password": "x"})
        .status_code
        for n in range(30)
    ]
    assert answers[-1] == 429


@pytest.mark.parametrize(
    ("language", "said"), [("zh-CN", "用户名或密码不对"), ("en", "User name or password is wrong")]
)
def test_wrong_password_is_told_in_the_readers_language_alone(anna: Staff, language: str, said: str) -> None:
    client = Client(headers={"accept-language": language})
    told = [_said(_guess(client)) for _ in range(7)]
    assert said in told[0]
    # What the next try costs is told, and changes.
    assert len(set(told)) > 3
    for text in told:
        assert "username" not in text
        assert bool(re.search("[a-z]{3}", text)) is (language == "en")
        assert bool(re.search("[\u4e00-\u9fff]", text)) is (language == "zh-CN")


def test_sign_in_works_while_nobody_can_count(anna: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: object, **_kwargs: object) -> None:
        raise redis.ConnectionError("gone")

    with monkeypatch.context() as without_redis:
        without_redis.setattr(redis.Redis, "execute_command", away)
        assert _guess(_at("198.51.100.7")).status_code == 200
        assert _guess(_at("198.51.100.7"), password=RIGHT).status_code == 302


def _said(answer: Any) -> str:
    """The words of the form's banner."""
    (banner,) = re.findall(r'<p class="banner bad" role="alert">(.*?)</p>', answer.content.decode(), re.S)
    return re.sub(r"<[^>]*>", "", banner).strip()
