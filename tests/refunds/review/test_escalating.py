"""What nobody decided in time goes to the next tier: once, whoever sweeps, and nothing is lost where one is killed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from core import failpoints
from core.audit.models import AuditEvent
from core.errors import Forbidden
from merchants.principals import of_staff
from refunds.models import Approval, RefundRequest
from refunds.review import decidable, deciding, escalating
from tests.factories import RULES, make_merchant, make_request, make_sale, make_staff
from tests.refunds.limited import at_once

#: Reviewers decide up to 500 yuan, and managers nothing as small; the rest is the managers'.
_TIERS = [
    {"name": "manager", "limit_fen": 50_000, "roles": ["reviewer"]},
    {"name": "head_office", "limit_fen": None, "roles": ["manager"]},
]


def _waiting() -> RefundRequest:
    return make_request(make_sale(make_merchant(rules={**RULES, "tiers": _TIERS}), 50_000), 30_000)


def _late(request: RefundRequest) -> datetime:
    return request.due_at + timedelta(seconds=1)


@pytest.mark.django_db
def test_work_when_time_ran_out_opens_it_to_the_next_tier_and_says_so() -> None:
    request = _waiting()
    reviewer, manager = (of_staff(make_staff(request.merchant, role)) for role in ("reviewer", "manager"))
    deciding.claim(request_id=request.pk, by=reviewer, at=timezone.now())
    assert escalating.work(at=request.due_at - timedelta(seconds=1)) == 0
    with pytest.raises(Forbidden):
        deciding.claim(request_id=request.pk, by=manager, at=timezone.now())
    at = _late(request)
    assert escalating.work(at=at) == 1
    request = RefundRequest.objects.get(pk=request.pk)
    assert (request.state, request.escalated_at, request.claimed_by_id, request.version) == ("in_review", at, None, 3)
    event = AuditEvent.objects.get(action="refund.escalate")
    assert (event.data["from"], event.data["to"], event.actor_kind) == ("manager", "head_office", "system")
    assert decidable.deciding_roles(request=request, at=at) == {"reviewer", "manager"}
    assert decidable.undecidable(requests=[request], by=manager, at=at) == {}
    deciding.approve(request_id=request.pk, by=manager, at=at, version=3)
    assert Approval.objects.get().tier == "head_office"


@pytest.mark.django_db
def test_work_when_it_is_escalated_lets_the_own_tier_decide_too() -> None:
    request = _waiting()
    escalating.work(at=_late(request))
    reviewer = of_staff(make_staff(request.merchant, "reviewer"))
    deciding.approve(request_id=request.pk, by=reviewer, at=_late(request), version=3)
    assert Approval.objects.get().tier == "manager"


@pytest.mark.django_db
def test_work_when_the_customer_owes_something_leaves_it() -> None:
    request = _waiting()
    reviewer = of_staff(make_staff(request.merchant, "reviewer"))
    deciding.request_info(request_id=request.pk, by=reviewer, at=timezone.now(), version=3, message="photo?")
    assert escalating.work(at=_late(request)) == 0
    assert RefundRequest.objects.get(pk=request.pk).escalated_at is None


@pytest.mark.django_db(transaction=True)
def test_work_when_two_sweep_at_once_escalates_each_once() -> None:
    requests = [_waiting() for _ in range(4)]
    at = max(map(_late, requests))
    assert sum(at_once([lambda: escalating.work(at=at)] * 4, width=4)) == 4
    assert AuditEvent.objects.filter(action="refund.escalate").count() == 4
    assert escalating.work(at=at) == 0


@pytest.mark.django_db
def test_work_when_killed_before_the_commit_leaves_all_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def kill(_name: str) -> None:
        raise Killed

    request = _waiting()
    monkeypatch.setattr(escalating, "failpoint", kill)
    with pytest.raises(Killed):
        escalating.work(at=_late(request))
    assert RefundRequest.objects.get(pk=request.pk).escalated_at is None
    assert not AuditEvent.objects.filter(action="refund.escalate").exists()
    monkeypatch.setattr(escalating, "failpoint", failpoints.failpoint)
    assert escalating.work(at=_late(request)) == 1
