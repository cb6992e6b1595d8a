"""Judging once more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from invariants import inspection
from merchants import policies
from merchants.principals import of_staff
from refunds.facts import judgements
from refunds.intake import resubmitting
from refunds.intake.resubmitting import Correction
from refunds.models import Judgement, RefundRequest
from refunds.review import deciding
from refunds.rules import facts
from tests.factories import RULES, make_merchant, make_request, make_sale, make_staff
from tests.invariants.planting import plant

pytestmark = pytest.mark.django_db


def _requests() -> list[RefundRequest]:
    """One by rule, one by a person, one sent in again after more was asked for."""
    merchant = make_merchant()
    reviewer = of_staff(make_staff(merchant, "reviewer"))
    small, large = make_request(make_sale(merchant), 1_000), make_request(make_sale(merchant, 90_000), 50_000)
    again = make_request(make_sale(merchant, 80_000), 40_000)
    deciding.request_info(
        request_id=again.pk, by=reviewer, at=timezone.now(), version=again.version, message="小票照片?"
    )
    resubmitting.resubmit(
        request_id=again.pk,
        correction=Correction(amount_fen=30_000),
        by=of_staff(make_staff(merchant, "owner")),
        at=timezone.now(),
    )
    return [small, large, again]


def test_rejudged_when_nothing_was_touched_every_verdict_is_the_same() -> None:
    small, _, again = _requests()
    assert list(judgements.rejudged(judgements.kept())) == [""] * 4
    assert [one.occasion for one in again.judgements.order_by("sequence")] == ["submission", "resubmission"]
    assert list(judgements.rejudged(judgements.kept(merchant=small.merchant.code))) == [""] * 4
    assert not judgements.kept(since=timezone.now() + timedelta(hours=1)).exists()
    call_command("rejudge")


def test_rejudged_when_the_version_was_rolled_back_each_is_judged_by_its_own() -> None:
    """What was approved under a limit that is taken back stays as it was judged, and what is asked from then on is not."""
    merchant = make_merchant(rules=RULES)
    by, now = of_staff(make_staff(merchant, "owner")), timezone.now()

    def ask() -> RefundRequest:
        return make_request(make_sale(merchant, 90_000), 30_000, at=timezone.now())

    before = ask()
    higher = {**RULES, "auto_approve_limit_fen": 40_000}
    policies.publish(merchant=merchant, name="higher", rules=higher, by=by, at=now)
    under, half = ask(), make_request(make_sale(merchant, 90_000), 50_000)
    policies.publish(merchant=merchant, name="back", rules=RULES, by=by, at=timezone.now(), rolled_back_to=1)
    after = ask()
    assert [(one.by_rule, one.policy_version.number) for one in (before, under, after)] == [
        (False, 1),
        (True, 2),
        (False, 3),
    ]
    # A person decides, under the rules of now, what was asked for under the others; and it is sent in again.
    approver = of_staff(make_staff(merchant, "owner"))
    deciding.request_info(request_id=half.pk, by=approver, at=timezone.now(), version=half.version, message="?")
    correction = Correction(amount_fen=30_000)
    half = resubmitting.resubmit(request_id=half.pk, correction=correction, by=by, at=timezone.now())
    assert (half.by_rule, half.state, half.policy_version.number) == (False, "in_review", 3)
    deciding.approve(request_id=before.pk, by=approver, at=timezone.now(), version=before.version)
    assert list(judgements.rejudged(judgements.kept(merchant=merchant.code))) == [""] * 6
    kept = before.judgements.order_by("sequence").values_list("policy_version__number", flat=True)
    assert list(kept) == [1, 3]
    call_command("rejudge")


def test_approve_keeps_what_it_was_decided_on() -> None:
    _, large, _ = _requests()
    approved = deciding.approve(
        request_id=large.pk,
        by=of_staff(make_staff(large.merchant, "owner")),
        at=timezone.now(),
        version=large.version,
        amount_fen=45_000,
    )
    first, second = large.judgements.order_by("sequence")
    assert (first.occasion, second.occasion, approved.verdict) == ("submission", "approval", large.verdict)
    known, who = facts.from_text(second.facts), facts.who(second.facts)
    assert known is not None
    assert (known.amount_fen, who) == (45_000, facts.who(first.facts))
    assert set(judgements.rejudged(judgements.kept())) == {""}


def test_kept_facts_hold_nothing_of_the_customer() -> None:
    sale = make_sale(make_merchant(), payer_phone="13800006021", card_last4="7718", cashier="王倩")
    request = make_request(sale, 1_000)
    text = request.judgements.get().facts
    assert "schema" in text
    assert not any(secret in text for secret in ("13800006021", "6021", "7718", "王倩"))


@pytest.mark.breaks_invariants
@pytest.mark.parametrize(
    "statements",
    [
        """UPDATE refunds_judgement SET facts = replace(facts, '"amount_fen":1000', '"amount_fen":999000')""",
        "UPDATE refunds_judgement SET digest = repeat('0', 64)",
        """UPDATE refunds_refundrequest SET verdict = jsonb_set(verdict, '{tier}', '"head_office"')""",
    ],
    ids=["facts", "digest", "verdict"],
)
def test_verdict_that_was_changed_is_found(statements: str) -> None:
    make_request(make_sale(make_merchant()), 1_000)
    plant(statements, [], {})
    assert [breach.code for breach in inspection.breaches()].count("I31") == 1
    with pytest.raises(CommandError, match="1 verdicts differ"):
        call_command("rejudge")


@pytest.mark.breaks_invariants
def test_request_from_before_facts_is_counted_and_left_alone() -> None:
    request = make_request(make_sale(make_merchant()), 1_000)
    other = f"replace(facts, '\"schema\":{facts.SCHEMA}', '\"schema\":0')"
    plant(f"UPDATE refunds_judgement SET facts = {other}", [], {})
    assert list(judgements.rejudged(judgements.kept())) == [None]
    plant("DELETE FROM refunds_judgement", [], {})
    assert judgements.without_facts(merchant=request.merchant.code) == 1
    assert not Judgement.objects.exists()
    call_command("rejudge")
