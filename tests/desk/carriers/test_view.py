"""The pages of carriers: what is typed is kept or refused with a sentence, by those who may."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from merchants.models import MessageCarrier, Staff
from tests.desk.conftest import Shop

_ONE = "/desk/settings/carriers/wechat"
_CONTRACT = {"appid": "wx1", "secret": "s3cret", "position": "1", "enabled": "1"}


def test_contract_when_refused_is_shown_again_without_its_secret(owner: Client) -> None:
    answer = owner.post(_ONE, {**_CONTRACT, "appid": ""})
    page = answer.content.decode()
    assert (answer.status_code, "It is missing." in page, "s3cret" in page) == (422, True, False)
    assert not MessageCarrier.objects.exists()


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/template", {"event": "refunded", "language": "en", "id": "W", "text": "{phone}"}, 422),
        ("/template", {"event": "code", "language": "en", "id": "W", "text": "{code}"}, 404),
        ("/test", {"key": "refunded/en", "recipient": "o"}, 404),
        ("/remove", {}, 422),
        ("", {**_CONTRACT, "position": "99"}, 422),
    ],
)
def test_form_when_wrong_changes_nothing(owner: Client, path: str, form: dict[str, str], status: int) -> None:
    owner.post(_ONE, _CONTRACT)
    assert owner.post(f"{_ONE}{path}", form).status_code == status
    kept = MessageCarrier.objects.get()
    assert (kept.templates, kept.position, kept.settings["appid"]) == ({}, 1, "wx1")


def test_pages_are_for_owners_and_managers(shop: Shop, as_staff: Callable[[Staff], Client]) -> None:
    reviewer = as_staff(shop.reviewer)
    assert reviewer.get("/desk/settings/carriers").status_code == 403
    assert reviewer.post(_ONE, _CONTRACT).status_code == 403
    assert not MessageCarrier.objects.exists()
