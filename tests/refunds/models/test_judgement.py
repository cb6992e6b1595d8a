"""What is kept of a judgement."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from refunds.models import Judgement
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("act", ["update", "delete"])
def test_judgement_is_never_changed(act: str) -> None:
    request = make_request(make_sale(make_merchant()), 1_000)
    kept = Judgement.objects.filter(request_id=request.pk)
    before = kept.get().digest
    with pytest.raises(DatabaseError), transaction.atomic():
        kept.update(digest="0") if act == "update" else kept.delete()
    assert kept.get().digest == before
