"""Second looks: who is asked, who may answer, and that the refund stays as it is."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.errors import Forbidden, Invalid
from merchants.models import Merchant, Role, Staff
from merchants.principals import of_staff
from refunds.models import RefundRequest, SecondLook
from refunds.review import deciding, second_look
from tests.factories import make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(merchant: Merchant) -> list[Staff]:
    return [make_staff(merchant, Role.REVIEWER) for _ in range(2)]


@pytest.fixture(autouse=True)
def _all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every decision is picked."""
    monkeypatch.setattr(second_look, "SECOND_LOOKS_PERCENT", 100)


def _approved(merchant: Merchant, by: Staff, **fields: object) -> RefundRequest:
    request = make_request(make_sale(merchant, 50_000), 30_000, **fields)  # type: ignore[arg-type]
    return deciding.approve(request_id=request.pk, by=of_staff(by), at=timezone.now(), version=request.version)


def test_pick_when_nothing_is_left_to_chance_takes_what_goes_beyond_the_policy(
    merchant: Merchant, people: list[Staff], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_look, "SECOND_LOOKS_PERCENT", 0)
    _approved(merchant, people[0])
    assert not SecondLook.objects.exists()
    # No more than half is given for this reason.
    beyond = _approved(merchant, people[0], reason="service_failure")
    look = SecondLook.objects.get()
    assert (look.request_id, look.is_override) == (beyond.pk, True)


def test_next_for_is_never_who_decided_it_and_answer_changes_nothing_about_the_refund(
    merchant: Merchant, people: list[Staff]
) -> None:
    request, now = _approved(merchant, people[0]), timezone.now()
    first, second = map(of_staff, people)
    assert second_look.next_for(by=first, at=now) is None
    look = second_look.next_for(by=second, at=now)
    assert look is not None
    with pytest.raises(Forbidden):
        second_look.answer(look_id=look.pk, decision="approve", note="", by=first, at=now)
    with pytest.raises(Invalid):
        second_look.answer(look_id=look.pk, decision="reject", note=" ", by=second, at=now)
    assert SecondLook.objects.get().answered_at is None
    answered = second_look.answer(look_id=look.pk, decision="reject", note="照片看不清", by=second, at=now)
    assert (answered.disagrees, answered.staff_id) == (True, people[1].pk)
    with pytest.raises(second_look.LookedAlready):
        second_look.answer(look_id=look.pk, decision="approve", note="", by=second, at=now)
    fresh = RefundRequest.objects.get(pk=request.pk)
    assert (fresh.state, fresh.version, fresh.approvals.count()) == ("approved", request.version, 1)
    assert second_look.next_for(by=second, at=now) is None


def test_figures_say_how_far_people_and_rules_agree(merchant: Merchant, people: list[Staff]) -> None:
    now, second, manager = timezone.now(), of_staff(people[1]), of_staff(make_staff(merchant, Role.MANAGER))
    for decision in ("approve", "approve", "reject"):
        _approved(merchant, people[0])
        look = second_look.next_for(by=second, at=timezone.now())
        assert look is not None
        second_look.answer(look_id=look.pk, decision=decision, note="-", by=second, at=timezone.now())
    figures = second_look.figures(by=manager, stores=None, at=timezone.now())
    assert figures.whole is not None
    assert (figures.whole.n, round(figures.whole.share, 2)) == (3, 0.67)
    assert [(name, one.n) for name, one in figures.by_reviewer.items()] == [(people[0].name, 3)]
    assert "auto_approve_limit" in figures.by_rule
    with pytest.raises(Forbidden):
        second_look.figures(by=of_staff(people[0]), stores=None, at=now)
