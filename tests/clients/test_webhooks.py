"""Webhooks in the Python client: what is genuine, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from refunddesk.webhooks import NotGenuine, signed_headers, verified
from tests.integrations.rig import SECRET

_OTHER = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXI="
_BODY = '{"id":"evt_1","data":{"store":"总店"}}'.encode()


def _headers(**options: datetime) -> dict[str, str]:
    return signed_headers(_BODY, event_id="evt_1", secret=SECRET, **{"at": datetime.now(UTC), **options})


def test_verified_when_any_of_the_secrets_signed_it_gives_the_event() -> None:
    upper = {name.upper(): value for name, value in _headers().items()}
    assert verified(_BODY, upper, _OTHER, SECRET)["data"] == {"store": "总店"}


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        (_BODY + b" ", {}),
        (b"\xff", {}),
        (_BODY, {"webhook-id": "evt_2"}),
        (_BODY, {"webhook-signature": "v1"}),
        (_BODY, {"webhook-signature": "v1,*"}),
        (_BODY, {"webhook-timestamp": "soon"}),
        (_BODY, {"webhook-timestamp": ""}),
    ],
)
def test_verified_when_anything_was_changed_refuses(body: bytes, changed: dict[str, str]) -> None:
    with pytest.raises(NotGenuine):
        verified(body, {**_headers(), **changed}, SECRET)


def test_verified_when_it_is_old_or_of_another_secret_refuses() -> None:
    with pytest.raises(NotGenuine):
        verified(_BODY, _headers(at=datetime.now(UTC) - timedelta(minutes=6)), SECRET)
    with pytest.raises(NotGenuine):
        verified(_BODY, _headers(), _OTHER)
