"""A customer's score."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from refunds.models import Survey
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("score", [0, 6])
def test_score_when_it_is_not_one_to_five_is_refused_by_the_database(score: int) -> None:
    request = make_request(make_sale(make_merchant()))
    with pytest.raises(IntegrityError, match="survey_score_1_to_5"), transaction.atomic():
        Survey.objects.create(request=request, score=score, at=timezone.now())
    assert not Survey.objects.exists()


def test_score_when_there_is_one_a_second_is_refused_by_the_database() -> None:
    request = make_request(make_sale(make_merchant()))
    Survey.objects.create(request=request, score=5, at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Survey.objects.create(request=request, score=1, at=timezone.now())
    assert Survey.objects.get().score == 5
