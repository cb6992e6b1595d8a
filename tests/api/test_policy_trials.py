"""A draft's proof, trials and rides over REST, for staff in their session alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.models import Shadow, Trial
from analytics.trials import running, shadow
from merchants.models import Merchant, PolicyDraft
from merchants.principals import of_staff
from tests.analytics.trials.conftest import saved_draft
from tests.api.test_policy_drafts import Desk
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(merchant: Merchant) -> Desk:
    return Desk(make_staff(merchant, "manager"))


@pytest.fixture
def draft(merchant: Merchant, writer: Desk) -> PolicyDraft:
    return saved_draft(merchant, of_staff(writer.staff), auto_approve_limit_fen=30_000, four_eyes_above_fen=25_000)


def _period() -> dict[str, str]:
    now = timezone.now()
    return {"since": (now - timedelta(days=1)).isoformat(), "until": (now + timedelta(days=1)).isoformat()}


def test_proof_when_asked_gives_findings_and_exposure(writer: Desk, draft: PolicyDraft) -> None:
    proof = writer.call("GET", f"drafts/{draft.pk}/proof")

    codes = {one["code"]: one for one in proof["findings"]}
    assert codes["approved_past_four_eyes"]["severity"] == "error"
    assert codes["approved_past_four_eyes"]["example"]["amount_fen"] == 25_001
    cashier = proof["exposure"][0]
    assert (cashier["who"], cashier["amount_fen"], len(cashier["steps"])) == ("cashier", 300_000, 10)


def test_trial_when_started_is_read_until_it_is_done(merchant: Merchant, writer: Desk, draft: PolicyDraft) -> None:
    make_request(make_sale(merchant, 50_000), 26_000)
    path, body = f"drafts/{draft.pk}/trials", _period()
    first = writer.call("POST", path, body, expect=201, key="t1")
    assert (first["state"], first["results"]) == ("waiting", None)
    # The same key is the same trial, also while it runs; another one has to wait.
    assert writer.call("POST", path, body, expect=201, key="t1") == first
    assert writer.call("POST", path, body, expect=409, key="t2")["code"] == "trial_running"
    assert Trial.objects.count() == 1

    running.work()

    done = writer.call("GET", f"trials/{first['id']}")
    assert (done["state"], done["total"], done["results"]["plain"]["changed"]) == ("done", 1, 1)
    assert [one["id"] for one in writer.call("GET", path)["results"]] == [first["id"]]
    assert writer.call("POST", f"trials/{first['id']}/cancel", expect=409)["code"] == "trial_ended"


def test_trial_when_cancelled_is_cancelled(writer: Desk, draft: PolicyDraft) -> None:
    trial = writer.call("POST", f"drafts/{draft.pk}/trials", _period(), expect=201, key="t1")
    assert writer.call("POST", f"trials/{trial['id']}/cancel")["state"] == "cancelled"


def test_shadow_when_started_tells_how_it_agrees(merchant: Merchant, writer: Desk, draft: PolicyDraft) -> None:
    path = f"drafts/{draft.pk}/shadows"
    writer.call("POST", path, {"days": 15}, expect=400, key="s0")
    riding = writer.call("POST", path, {"days": 14}, expect=201, key="s1")
    assert writer.call("POST", path, {"days": 3}, expect=409, key="s2")["code"] == "shadow_running"
    make_request(make_sale(merchant, 50_000), 26_000)
    shadow.work(at=timezone.now() + timedelta(minutes=1))

    (told,) = writer.call("GET", path)["results"]
    assert (told["requests"], told["agreed"], told["matrix"]) == (1, 0, {"review > approve": [1, 26_000]})
    assert writer.call("POST", f"shadows/{riding['id']}/stop")["stopped_at"] is not None
    assert writer.call("POST", f"shadows/{riding['id']}/stop", expect=409)["code"] == "shadow_ended"


def test_anything_when_a_stranger_or_a_cashier_asks_is_refused_and_starts_nothing(
    merchant: Merchant, draft: PolicyDraft
) -> None:
    for staff, status in ((make_staff(make_merchant(), "owner"), 404), (make_staff(merchant, "cashier"), 403)):
        desk = Desk(staff)
        desk.call("GET", f"drafts/{draft.pk}/proof", expect=status)
        desk.call("POST", f"drafts/{draft.pk}/trials", _period(), expect=status, key="x")
        desk.call("POST", f"drafts/{draft.pk}/shadows", {"days": 3}, expect=status, key="y")
    assert not Trial.objects.exists()
    assert not Shadow.objects.exists()
