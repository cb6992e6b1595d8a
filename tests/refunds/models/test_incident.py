"""What the database keeps of an incident, and of who was written to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from refunds.models import Apology, Incident
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "closed"},
        {"state": "closed", "closed_at": timezone.now(), "cause": "till", "prevention": ""},
        {"closed_at": timezone.now()},
        {"ended_at": timezone.now() - timedelta(days=900)},
        {"cost_fen": -1},
    ],
)
def test_incident_when_it_contradicts_itself_is_not_stored(wrong: dict[str, Any]) -> None:
    now = timezone.now()
    said = {"title": "?", "began_at": now, "opened_at": now, "due_at": now, "opened_by": "?"}
    with pytest.raises(IntegrityError), transaction.atomic():
        Incident.objects.create(merchant=make_merchant(), **{**said, **wrong})
    assert not Incident.objects.exists()


def test_apology_when_it_is_a_persons_second_is_not_stored() -> None:
    request, now = make_request(make_sale(make_merchant())), timezone.now()
    incident = Incident.objects.create(
        merchant=request.merchant, title="?", began_at=now, opened_at=now, due_at=now, opened_by="?"
    )
    assert str(incident) == f"IN-{incident.pk:06d}"
    Apology.objects.create(incident=incident, request=request, person=b"x", at=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Apology.objects.create(incident=incident, request=request, person=b"x", at=now)
    assert Apology.objects.count() == 1
