"""A file that came with another sale's refund is noticed, however it was saved meanwhile."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from tests import papers, pictures
from tests.api.conftest import api_for
from tests.refunds.evidence.test_looks import photo, saved
from tests.refunds.intake.test_evidence import send
from tests.refunds.limited import body, failing, sales, shop

pytestmark = pytest.mark.django_db


def scene(seed: int, quality: int = 90, *, turned: bool = False) -> Any:
    file = io.BytesIO()
    whole = photo(seed).transpose(Image.Transpose.ROTATE_90) if turned else photo(seed)
    saved(whole, quality).save(file, "JPEG", quality=quality)
    return pictures.upload(file.getvalue())


def test_submit_when_a_photo_came_with_another_sale_a_person_looks() -> None:
    api = api_for(shop())
    first, second, third = sales(api.merchant, 3)
    one, again, other = (
        send(api, key, scene(seed, quality)).json()["id"]
        for key, seed, quality in (("a", 1, 90), ("b", 1, 50), ("c", 2, 90))
    )
    before = api.post("refund-requests", body(first, 1_000, evidence=[one])).json()
    assert before["state"] == "approved"
    found = api.post("refund-requests", body(second, 1_000, evidence=[again])).json()
    assert failing(found) == {"new_evidence": (before["number"], "new")}
    assert api.post("refund-requests", body(third, 1_000, evidence=[other])).json()["state"] == "approved"


def test_submit_when_a_photo_came_with_another_sale_and_was_turned_since_a_person_looks() -> None:
    api = api_for(shop())
    first, second = sales(api.merchant, 2)
    one, turned = (send(api, key, scene(1, turned=key == "b")).json()["id"] for key in "ab")
    before = api.post("refund-requests", body(first, 1_000, evidence=[one])).json()
    found = api.post("refund-requests", body(second, 1_000, evidence=[turned])).json()
    assert failing(found) == {"new_evidence": (before["number"], "new")}


def test_submit_when_a_photo_came_with_the_same_order_or_another_merchant_is_no_signal() -> None:
    api = api_for(shop())
    (sale,) = sales(api.merchant, 1)
    stranger = api_for(shop())
    stranger_id = send(stranger, "a", scene(1)).json()["id"]
    (theirs,) = sales(stranger.merchant, 1)
    stranger.post("refund-requests", body(theirs, 1_000, evidence=[stranger_id]))
    for number in range(2):
        evidence = send(api, str(number), scene(1)).json()["id"]
        found = api.post("refund-requests", body(sale, 1_000 + number, evidence=[evidence])).json()
        assert found["state"] == "approved", found


def test_submit_when_a_receipt_is_the_same_file_a_person_looks() -> None:
    api = api_for(shop())
    first, second = sales(api.merchant, 2)
    one, again = (send(api, key, papers.upload(), "receipt").json()["id"] for key in "ab")
    before = api.post("refund-requests", body(first, 1_000, evidence=[one])).json()
    found = api.post("refund-requests", body(second, 1_000, evidence=[again])).json()
    assert failing(found) == {"new_evidence": (before["number"], "new")}
