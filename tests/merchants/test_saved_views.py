"""Views of lists as they are kept."""

from __future__ import annotations

import pytest

from core.errors import Invalid
from merchants import saved_views
from merchants.models import SavedView
from merchants.principals import of_staff
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


def test_keep_when_the_name_is_there_takes_its_place_and_beyond_the_most_keeps_nothing() -> None:
    by = of_staff(make_staff(make_merchant(), "cashier"))
    for number in range(saved_views.MOST):
        saved_views.keep(page="refunds", name=f"v{number}", query="days=7", by=by)
    saved_views.keep(page="refunds", name="v0", query="days=today", by=by)
    assert SavedView.objects.get(name="v0").query == "days=today"
    with pytest.raises(Invalid):
        saved_views.keep(page="refunds", name="one more", query="", by=by)
    assert len(saved_views.of(page="refunds", by=by)) == saved_views.MOST
