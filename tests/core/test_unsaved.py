"""A row made without the library's constructor is the row that the constructor makes."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.apps import apps
from django.db.models import Model
from django.utils import timezone

from core.audit.models import AuditEvent
from core.unsaved import unsaved
from refunds.models import OutboxMessage


@pytest.mark.parametrize(
    "model", [model for model in apps.get_models() if model._meta.managed], ids=lambda m: m.__name__
)
def test_row_when_nothing_is_said_starts_as_the_constructor_says(model: type[Model]) -> None:
    ours, theirs = unsaved(model), model()
    made_new = {field.attname for field in model._meta.concrete_fields if callable(getattr(field, "default", None))}
    for field in model._meta.concrete_fields:
        if field.attname not in made_new and not field.has_db_default():
            assert getattr(ours, field.attname) == getattr(theirs, field.attname), field.attname
        assert field.attname in vars(ours)
    assert (ours._state.adding, ours._state.db) == (True, None)


def test_row_when_a_name_is_no_column_is_refused() -> None:
    with pytest.raises(TypeError, match="no column colour"):
        unsaved(OutboxMessage, colour="red")


@pytest.mark.django_db
@pytest.mark.breaks_invariants
def test_row_is_saved_like_any_other() -> None:
    at = timezone.now()
    row = unsaved(
        OutboxMessage,
        merchant_id=1,
        topic="refund_request.approved",
        request_id=uuid4(),
        version=3,
        due_at=at,
        created_at=at,
    )
    row.save()
    assert OutboxMessage.objects.get(pk=row.pk).topic == "refund_request.approved"


def test_two_rows_do_not_share_what_is_made_for_each() -> None:
    first, second = unsaved(AuditEvent), unsaved(AuditEvent)
    first.data["a"] = 1
    assert second.data == {}
