"""Why things are as they are, in words for the customer."""

from __future__ import annotations

import re

import pytest

from refunds.states import Reason
from refunds.telling.causes import failure, our_fault


def test_our_faults_are_those_where_we_did_something_wrong() -> None:
    blameless = {Reason.PRICE_ADJUSTMENT, Reason.CUSTOMER_CANCELLED, Reason.DEPOSIT, Reason.NO_REASON, Reason.GOODWILL}
    assert {reason for reason in Reason if not our_fault(reason=reason)} == blameless


@pytest.mark.parametrize("remedy", ["", "top_up", "other_route", "payee_account", "sale_closed", "risk", "check_keys"])
def test_every_failure_has_words_for_the_customer_and_none_of_ours(remedy: str) -> None:
    why = failure(remedy=remedy, channel="wechat")
    assert why.cause
    assert why.solution
    assert not re.search(r"key|certificate|balance|top|risk", f"{why.cause} {why.solution}", re.I)
