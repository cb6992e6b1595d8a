"""What a code proves: of this attempt, and of earlier ones that may have arrived."""

from __future__ import annotations

import pytest

from payment_channels.contract import Outcome, Refused, Retry, Unknown
from payment_channels.rules import Rule, ask, blame_clock, later, mend, never, outcome_of, slow_down, top_up


def _outcome(rule: Rule | None, *, maybe_received: bool = False) -> Outcome:
    return outcome_of(rule, code="CODE", message="said", raw="{}", maybe_received=maybe_received)


@pytest.mark.parametrize("maybe_received", [False, True])
@pytest.mark.parametrize("rule", [None, ask("busy", "check_request")])
def test_outcome_of_a_code_that_proves_nothing_is_unknown(rule: Rule | None, maybe_received: bool) -> None:
    outcome = _outcome(rule, maybe_received=maybe_received)
    assert outcome == Unknown(
        code="CODE", message="said", remedy="check_request" if rule else "unlisted_code", raw="{}"
    )


@pytest.mark.parametrize(
    ("rule", "retry"),
    [
        (later("closed"), Retry.LATER),
        (slow_down("too often"), Retry.SAME_NUMBER),
        (top_up("short"), Retry.AFTER_TOP_UP),
        (mend("wrong key", "check_keys"), Retry.AFTER_MENDING),
    ],
)
def test_outcome_of_a_harmless_refusal_when_an_earlier_send_may_have_arrived_stays_a_refusal(
    rule: Rule, retry: Retry
) -> None:
    outcome = _outcome(rule, maybe_received=True)
    assert isinstance(outcome, Refused)
    assert (outcome.retry, outcome.throttled) == (retry, rule.throttled)


def test_outcome_of_a_refusal_for_good_when_an_earlier_send_may_have_arrived_proves_nothing() -> None:
    rule = never("too old", "sale_closed")
    assert isinstance(_outcome(rule), Refused)
    assert _outcome(rule, maybe_received=True) == Unknown(code="CODE", message="said", remedy="sale_closed", raw="{}")


def test_blame_clock_when_the_signature_is_refused_names_the_clock_and_leaves_all_else() -> None:
    wrong_key, short = _outcome(mend("wrong key", "check_keys")), _outcome(top_up("short"))
    blamed = blame_clock(wrong_key)
    assert isinstance(blamed, Refused)
    assert (blamed.remedy, blamed.retry) == ("check_clock", Retry.AFTER_MENDING)
    assert blame_clock(short) is short
