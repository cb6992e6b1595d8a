"""Where an invitation leads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from merchants import team
from merchants.models import Invitation, Role, Staff
from merchants.principals import of_staff
from merchants.team import Place
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db

PASSWORD = "a long password of hers"
PLACE = Place(role=Role.CASHIER, store_ids=frozenset(), all_stores=True, limit_fen=None, till_codes=())


@pytest.fixture
def invited() -> tuple[Staff, str]:
    owner = make_staff(make_merchant(), "owner")
    return team.invite(login="anna", place=PLACE, by=of_staff(owner), at=timezone.now())


def _client(address: str = "198.51.100.7") -> Client:
    return Client(REMOTE_ADDR=address, headers={"accept-language": "en"})


def _send(token: str, **more: str) -> Any:
    form = {"name": "Anna", "password": PASSWORD, "again": PASSWORD, "language": "zh-hans", **more}
    return _client().post(f"/join/{token}", form)


def test_join_shows_the_login_and_leads_to_the_sign_in(invited: tuple[Staff, str]) -> None:
    staff, token = invited
    page = _client().get(f"/join/{token}")
    assert staff.username in page.content.decode()
    assert '<meta name="referrer" content="same-origin">' in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    answer = _send(token)
    assert (answer.status_code, answer["Location"]) == (302, "/login")
    assert answer.cookies[settings.LANGUAGE_COOKIE_NAME].value == "zh-hans"
    signed_in = _client()
    signed_in.post("/login", {"username": staff.username, "password": PASSWORD})
    assert signed_in.get("/desk/account").status_code == 200


def test_join_by_any_link_that_does_not_work_is_one_page(invited: tuple[Staff, str]) -> None:
    staff, token = invited

    def shown(of: str) -> tuple[int, str]:
        answers = [_client(f"203.0.113.{n}").get(f"/join/{of}") for n in range(1)]
        return answers[0].status_code, answers[0].content.decode().replace(of, "").split("csrfmiddlewaretoken")[-1][90:]

    unknown = shown("x" * 43)
    assert unknown[0] == 404
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    expired = shown(token)
    Invitation.objects.update(expires_at=timezone.now() + timedelta(hours=1), used_at=timezone.now())
    used = shown(token)
    assert unknown == expired == used
    assert staff.username not in used[1]
    assert staff.merchant.name not in used[1]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"again": "different"}, "not the same"),
        ({"password": "short", "again": "short"}, "easy to guess"),
        ({"name": " "}, "your name"),
        ({"password": "", "again": ""}, "not the same"),
    ],
)
def test_join_with_a_form_that_is_not_right_changes_nothing(
    invited: tuple[Staff, str], more: dict[str, str], said: str
) -> None:
    staff, token = invited
    answer = _send(token, **more)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert PASSWORD not in answer.content.decode()
    assert not Staff.objects.get(pk=staff.pk).is_active


def test_join_guessing_links_from_one_address_is_slowed_down_and_a_real_one_works(invited: tuple[Staff, str]) -> None:
    answers = [_client().get(f"/join/guess{n}").status_code for n in range(30)]
    assert (answers[0], answers[-1]) == (404, 429)
    assert _client().get(f"/join/{invited[1]}").status_code == 200
