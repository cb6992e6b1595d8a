"""The page of alerts: what is typed is kept, or refused with a sentence."""

from __future__ import annotations

import pytest
from django.test import Client

from integrations.models import AlertAddress

_PATH = "/desk/settings/alerts"
_GIVEN = {"kind": "email", "name": "x", "address": "a@example.com", "language": "en", "events": ["channel_down"]}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"address": "nobody"}, "This is no e-mail address."),
        ({"kind": "feishu", "address": "https://127.0.0.1/open-apis/bot/v2/hook/x"}, "address"),
        ({"quiet_from": "25:00"}, "quiet"),
    ],
)
def test_address_when_wrong_is_refused_and_not_shown_again(owner: Client, wrong: dict[str, str], said: str) -> None:
    answer = owner.post(_PATH, {**_GIVEN, **wrong})
    page = answer.content.decode()
    assert (answer.status_code, said in page, "127.0.0.1" in page) == (422, True, False)
    assert not AlertAddress.objects.exists()


def test_address_when_not_ticked_stays(owner: Client) -> None:
    owner.post(_PATH, _GIVEN)
    one = f"{_PATH}/{AlertAddress.objects.get().pk}"
    assert owner.post(f"{one}/remove", {}).status_code == 422
    assert AlertAddress.objects.exists()
    assert owner.get(f"{_PATH}/999999").status_code == 404
