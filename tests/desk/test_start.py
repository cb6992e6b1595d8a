"""Where a person starts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from merchants.models import Staff
from tests.desk.conftest import Shop

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("role", "place"),
    [
        ("reviewer", "/desk"),
        ("manager", "/desk"),
        ("finance", "/desk?view=trouble"),
        ("cashier", "/desk/new"),
    ],
)
def test_start_when_somebody_signs_in_is_at_the_work_of_their_role(
    shop: Shop, as_staff: Callable[[Staff], Client], role: str, place: str
) -> None:
    answer = as_staff(getattr(shop, role)).get("/desk/start")
    assert (answer.status_code, answer.headers.get("Location")) == (302, place)


def test_desk_when_somebody_has_no_queue_leads_to_the_work_of_their_own(
    shop: Shop, as_staff: Callable[[Staff], Client]
) -> None:
    answer = as_staff(shop.cashier).get("/desk", follow=True)
    assert ([to for to, _ in answer.redirect_chain], answer.status_code) == (["/desk/start", "/desk/new"], 200)


def test_start_when_it_is_posted_to_is_refused(reviewer: Client) -> None:
    assert reviewer.post("/desk/start").status_code == 405
