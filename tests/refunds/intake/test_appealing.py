"""A rejection is appealed against once, and another reviewer decides."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from core.errors import Forbidden, Invalid
from merchants.principals import of_staff
from refunds import lifecycle
from refunds.evidence import files
from refunds.intake import appealing
from refunds.models import Approval, CustomerReport, RefundRequest
from refunds.review import deciding
from tests import pictures
from tests.customer.conftest import in_state
from tests.factories import make_staff
from tests.reconciliation.test_arrivals import customer_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


def appeal(request: RefundRequest, words: str = "外壳出厂就有划痕") -> RefundRequest:
    read = [files.read_picture(upload=pictures.upload())]
    return appealing.appeal(
        request_id=request.pk, words=words, pictures=read, by=customer_of(request), at=timezone.now()
    )


def test_appeal_goes_to_a_person_with_words_and_pictures() -> None:
    request = in_state("rejected")

    again = appeal(request, "<i>外壳</i>\u202e出厂就有划痕")

    assert again.state == "in_review"
    fresh = RefundRequest.objects.get(pk=request.pk)
    assert fresh.description.endswith("<i>外壳</i>出厂就有划痕")
    assert fresh.evidence.count() == 1
    assert not appealing.may_appeal(fresh, by=customer_of(request))


def test_appeal_is_never_decided_by_who_rejected_it() -> None:
    request = in_state("rejected")
    rejecter = Approval.objects.get(request=request).staff
    again = appeal(request)

    for decide in (deciding.approve, deciding.claim):
        with pytest.raises(Forbidden):
            decide(request_id=request.pk, by=of_staff(rejecter), at=timezone.now(), version=again.version)
    with pytest.raises(Forbidden):
        deciding.reject(
            request_id=request.pk,
            by=of_staff(rejecter),
            at=timezone.now(),
            version=again.version,
            reason="no_proof",
            message="?",
        )

    another = of_staff(make_staff(request.merchant, "owner"))
    decided = deciding.approve(request_id=request.pk, by=another, at=timezone.now(), version=again.version)
    assert decided.state == "approved"


def test_appeal_when_rejected_again_is_over() -> None:
    request = in_state("rejected")
    again = appeal(request)
    another = of_staff(make_staff(request.merchant, "owner"))
    deciding.reject(
        request_id=request.pk, by=another, at=timezone.now(), version=again.version, reason="no_proof", message="?"
    )

    with pytest.raises(appealing.AppealedBefore):
        appeal(request)

    assert RefundRequest.objects.get(pk=request.pk).state == "rejected"
    assert CustomerReport.objects.count() == 1


def test_appeal_without_words_is_refused_and_not_used_up() -> None:
    request = in_state("rejected")
    with pytest.raises(Invalid):
        appeal(request, " ")
    assert not CustomerReport.objects.exists()
    assert appealing.may_appeal(request, by=customer_of(request))


@pytest.mark.parametrize("state", ["in_review", "refunded", "cancelled"])
def test_appeal_when_nothing_is_rejected_is_refused(state: str) -> None:
    request = in_state(state)
    with pytest.raises(lifecycle.WrongState):
        appeal(request)
    assert not CustomerReport.objects.exists()
    assert request.evidence.count() == 0
