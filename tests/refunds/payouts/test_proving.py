"""A paid payout is asked about once more."""

from __future__ import annotations

import pytest
from django.utils import timezone

from payment_channels.contract import CredentialsInvalid, SecondLeg, Unknown
from refunds.models import Execution
from refunds.payouts import proving
from tests.customer.conftest import in_state
from tests.reconciliation.test_arrivals import done
from tests.refunds.payouts.test_doubt import Scripted

pytestmark = pytest.mark.django_db


def _payout() -> Execution:
    request = in_state("refunded")
    return request.executions.select_related("transaction", "channel_account").get()


def test_asked_again_when_account_is_unusable_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise CredentialsInvalid("no key")

    monkeypatch.setattr(proving, "adapter_for", broken)

    said = proving.asked_again(_payout(), at=timezone.now())

    assert isinstance(said, Unknown)
    assert said.code == "account_unusable"


def test_asked_again_keeps_that_the_bank_has_it_by_now(monkeypatch: pytest.MonkeyPatch) -> None:
    payout = _payout()
    Execution.objects.update(second_leg=SecondLeg.PENDING, second_leg_due_at=timezone.now())
    payout.refresh_from_db()
    said = done(payout, second_leg=SecondLeg.DONE)
    monkeypatch.setattr(proving, "adapter_for", lambda *_: Scripted(queries=[said]))

    assert proving.asked_again(payout, at=timezone.now()) == said

    payout.refresh_from_db()
    assert (payout.second_leg, payout.second_leg_due_at) == ("done", None)
