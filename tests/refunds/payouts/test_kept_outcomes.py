"""What a notice said is read again as it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from payment_channels.contract import Done, Outcome, PaidTo, Refused, Retry, SecondLeg, Unknown
from refunds.payouts.kept_outcomes import as_json, from_json

_AT = datetime(2026, 11, 26, 4, 3, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "outcome",
    [
        Done(
            refund_no="R1",
            channel_refund_no="503",
            amount_fen=1_200,
            succeeded_at=_AT,
            arrives_at=_AT,
            paid_to=PaidTo.BALANCE,
            second_leg=SecondLeg.PENDING,
            raw="{}",
        ),
        Refused(code="CLOSED", message="closed", retry=Retry.NEW_NUMBER, remedy="new_number", raw="{}"),
        Unknown(code="ABNORMAL", message="not delivered", accepted=True, attention=True, remedy="payee_account"),
    ],
)
def test_outcome_is_read_as_it_was_kept(outcome: Outcome) -> None:
    assert from_json(json.loads(json.dumps(as_json(outcome)))) == outcome
