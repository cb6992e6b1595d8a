"""What customers report is kept once, and a case has an owner and a time until it is closed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.errors import Forbidden, Invalid, NotFound
from merchants.principals import of_staff
from refunds.follow_up import reports, survey
from refunds.models import CustomerReport, RefundRequest
from tests.customer.conftest import in_state
from tests.factories import make_merchant, make_staff
from tests.reconciliation.test_arrivals import customer_of

pytestmark = pytest.mark.django_db


def asked(request: RefundRequest, words: str = "发票怎么办？") -> CustomerReport:
    return reports.help_wanted(request_id=request.pk, words=words, by=customer_of(request), at=timezone.now())


def test_help_wanted_opens_one_case_for_who_decided_it() -> None:
    request = in_state("refunded", reason="goodwill")
    report = asked(request, "<b>发票</b>\u202e怎么办？")

    assert asked(request) == report
    assert report.words == "<b>发票</b>怎么办？"
    assert report.owner is not None
    assert report.due_at is not None


@pytest.mark.parametrize("words", ["", "  ", "\u202e"])
def test_help_wanted_without_words_is_refused(words: str) -> None:
    with pytest.raises(Invalid):
        asked(in_state("refunded"), words)
    assert not CustomerReport.objects.exists()


def test_arrived_ends_the_case_that_it_is_missing() -> None:
    request = in_state("refunded")
    by, at = customer_of(request), timezone.now()
    missing = reports.keep(request_id=request.pk, kind="not_arrived", is_case=True, by=by, at=at)

    reports.arrived(request_id=request.pk, by=by, at=at + timedelta(hours=1))

    missing.refresh_from_db()
    assert not missing.is_open
    assert reports.newest(request_id=request.pk, kind="arrived") is not None


def test_arrived_before_it_is_paid_is_refused() -> None:
    request = in_state("in_review")
    with pytest.raises(reports.NotPaidYet):
        reports.arrived(request_id=request.pk, by=customer_of(request), at=timezone.now())
    assert not CustomerReport.objects.exists()


def test_close_keeps_the_answer_and_is_done_once() -> None:
    request = in_state("refunded")
    report = asked(request)
    owner = of_staff(make_staff(request.merchant, "owner"))
    assert list(reports.open_reports(by=owner)) == [report]

    taken = reports.take(report_id=report.pk, by=owner, at=timezone.now())
    closed = reports.close(report_id=report.pk, outcome=" 发票已\n作废 ", by=owner, at=timezone.now())

    assert taken.owner_id == owner.staff_id
    assert (closed.outcome, closed.closed_by) == ("发票已 作废", owner.name)
    assert not reports.open_reports(by=owner).exists()
    with pytest.raises(reports.ReportClosed):
        reports.close(report_id=report.pk, outcome="x", by=owner, at=timezone.now())


def test_close_when_nothing_is_answered_or_asked_by_others_changes_nothing() -> None:
    request = in_state("refunded")
    report = asked(request)
    with pytest.raises(Invalid):
        reports.close(
            report_id=report.pk, outcome=" ", by=of_staff(make_staff(request.merchant, "owner")), at=timezone.now()
        )
    with pytest.raises(NotFound):
        reports.close(
            report_id=report.pk, outcome="x", by=of_staff(make_staff(make_merchant(), "owner")), at=timezone.now()
        )
    with pytest.raises(Forbidden):
        reports.take(report_id=report.pk, by=of_staff(make_staff(request.merchant, "cashier")), at=timezone.now())
    report.refresh_from_db()
    assert report.is_open


def test_rating_when_it_is_low_is_a_task_and_a_good_one_is_none() -> None:
    good, bad = in_state("refunded"), in_state("refunded")
    survey.rate(request_id=good.pk, score=5, comment="", by=customer_of(good), at=timezone.now())
    assert not CustomerReport.objects.exists()
    survey.rate(request_id=bad.pk, score=1, comment="太慢", by=customer_of(bad), at=timezone.now())
    task = CustomerReport.objects.get()
    assert (task.kind, task.words, task.is_open, task.request) == ("low_score", "1/5 太慢", True, bad)


def test_task_when_noted_again_while_open_is_one_with_the_new_time() -> None:
    request, now = in_state("refunded"), timezone.now()
    by = of_staff(make_staff(request.merchant, "reviewer"))
    for days in (1, 3):
        due = now + timedelta(days=days)
        reports.note_task(request_id=request.pk, kind="complaint", words="?", due_at=due, by=by, at=now)
    assert CustomerReport.objects.get().due_at == now + timedelta(days=3)
    with pytest.raises(Invalid):
        reports.note_task(request_id=request.pk, kind="arrived", words="?", by=by, at=now)
    cashier = of_staff(make_staff(request.merchant, "cashier"))
    with pytest.raises(Forbidden):
        reports.note_task(request_id=request.pk, kind="call_back", words="?", by=cashier, at=now)
    assert CustomerReport.objects.count() == 1
