"""Who decides what comes to the review desk, over REST."""

from __future__ import annotations

import pytest

from core.audit.models import AuditEvent
from merchants.models import Merchant
from tests.api.conftest import Session, session_for
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(merchant: Merchant) -> Session:
    return session_for(make_staff(merchant, "owner"))


def test_work_is_handed_out_as_it_is_said_and_never_beyond_all_of_it(owner: Session) -> None:
    said = owner.put("review-settings", {"assigns": True, "second_looks_percent": 20})
    assert (said.status_code, said.json()) == (200, {"assigns": True, "second_looks_percent": 20}), said.content

    assert owner.put("review-settings", {"assigns": True, "second_looks_percent": 101}).status_code == 400

    assert owner.get("review-settings").json() == said.json()


def test_reviewer_takes_what_is_said_and_another_merchants_is_not_there(merchant: Merchant, owner: Session) -> None:
    reviewer = make_staff(merchant, "reviewer")
    foreign = make_staff(make_merchant(), "reviewer")
    takes = {"reasons": ["quality"], "languages": ["en"], "most_on_desk": 3}

    said = owner.put(f"reviewers/{reviewer.pk}", takes)

    assert said.status_code == 200, said.content
    assert {name: said.json()[name] for name in takes} == takes
    assert said.json() in owner.get("reviewers").json()["results"]
    before = AuditEvent.objects.count()
    assert owner.put(f"reviewers/{foreign.pk}", takes).status_code == 404
    assert owner.put(f"reviewers/{reviewer.pk}", {**takes, "most_on_desk": 101}).status_code == 400
    assert AuditEvent.objects.count() == before


def test_reviewer_may_not_say_what_colleagues_take(merchant: Merchant) -> None:
    local = session_for(make_staff(merchant, "reviewer"))
    for path in ("review-settings", "reviewers"):
        assert local.get(path).status_code == 403, path
