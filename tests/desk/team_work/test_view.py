"""Who is given which work, at the desk."""

from __future__ import annotations

import pytest

from merchants.models import Role
from refunds.models import Reviewer, ReviewSettings
from refunds.review import presence
from tests.desk.conftest import Shop
from tests.desk.refund.test_second import SignIn
from tests.factories import make_staff

pytestmark = pytest.mark.django_db
_PATH = "/desk/team/work"


@pytest.mark.parametrize(
    ("form", "typed", "status"),
    [
        ("desk", {"second_looks_percent": "101"}, 422),
        ("desk", {"second_looks_percent": "many"}, 422),
        ("reviewer", {"most_on_desk": "0"}, 422),
        ("reviewer", {"most_on_desk": "10", "reasons": "mood"}, 422),
        ("reviewer", {"most_on_desk": "10", "languages": "fr"}, 422),
    ],
)
def test_team_work_when_what_is_typed_is_wrong_says_so_and_changes_nothing(
    shop: Shop, as_staff: SignIn, form: str, typed: dict[str, str], status: int
) -> None:
    owner = as_staff(make_staff(shop.merchant, Role.OWNER))
    answer = owner.post(f"{_PATH}?person={shop.reviewer.pk}", {"form": form, **typed})
    assert (answer.status_code, "is-error" in answer.content.decode() or 'role="alert"' in answer.content.decode()) == (
        status,
        True,
    )
    assert not Reviewer.objects.exists()
    assert not ReviewSettings.objects.exists()


def test_team_work_shows_who_is_at_the_desk_and_a_manager_has_no_business_there(shop: Shop, as_staff: SignIn) -> None:
    presence.come(shop.reviewer.pk)
    page = as_staff(make_staff(shop.merchant, Role.OWNER)).get(_PATH).content.decode()
    assert page.count("at the desk</span>") == 1
    assert as_staff(shop.manager).get(_PATH).status_code == 403
