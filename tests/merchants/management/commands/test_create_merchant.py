"""The one step in a shell."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from merchants.models import Merchant, Staff

pytestmark = pytest.mark.django_db


def _create(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("create_merchant", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_create_merchant_prints_the_link_by_which_its_owner_comes_in() -> None:
    *_, url = _create("M009", "--owner", "沈岚", "--name", "鲜禾")
    merchant = Merchant.objects.get(code="M009")
    assert (merchant.name, merchant.requires_second_factor) == ("鲜禾", True)
    password = "a long password of hers"
    answer = Client().post(url[url.index("/join/") :], {"name": "沈岚", "password": password, "again": password})
    assert answer.status_code == 302
    client = Client()
    assert client.post("/login", {"username": "m009.owner", "password": password})["Location"] == "/login/enrol"


def test_owner_of_an_empty_merchant_opens_every_page_of_the_navigation() -> None:
    _create("M009", "--owner", "沈岚")
    Staff.objects.update(is_active=True)
    client = Client()
    client.force_login(Staff.objects.get(), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/desk/team").content.decode()
    paths = set(re.findall(r'<a href="(/desk[^"]*)"', page))
    assert len(paths) > 9
    assert {path: client.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)


def test_create_merchant_again_invites_one_more_owner() -> None:
    _create("M009", "--owner", "沈岚")
    assert "one more owner" in _create("M009", "--owner", "韩松")[0]
    assert set(Staff.objects.values_list("username", flat=True)) == {"m009.owner", "m009.owner2"}
    assert Merchant.objects.count() == 1


@pytest.mark.parametrize(("code", "owner"), [("", "x"), ("M 9", "x"), ("M9", " "), ("M" * 21, "x")])
def test_create_merchant_of_no_code_or_nobody_makes_none(code: str, owner: str) -> None:
    with pytest.raises(CommandError):
        _create(code, "--owner", owner)
    assert not Merchant.objects.exists()
