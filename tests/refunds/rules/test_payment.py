"""What a channel's word about a payment means for its refund."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from core.codes import CODES
from merchants.policies.rules import read_rules
from refunds.rules import payment, policy
from refunds.rules.explanations import explain, payment_sentence
from refunds.rules.facts import Facts
from refunds.rules.policy import Ruling
from terminals.models import PaymentWord
from tests.factories import RULES

AT = datetime(2026, 11, 20, 4, tzinfo=UTC)
FACTS = Facts(
    at=AT,
    amount_fen=1_200,
    reason="quality",
    route="original",
    consent=True,
    paid_fen=10_000,
    refundable_fen=10_000,
    paid=True,
    paid_at=AT - timedelta(hours=1),
    funding="balance",
    has_channel=True,
    channel_window_days=365,
    channel_max_refunds=50,
    refunds_so_far=0,
    terminal_enabled=True,
    payment_word="not_asked",
)


def _judged(facts: Facts, above_fen: int | None) -> policy.Verdict:
    rules = read_rules({**RULES, "confirm_payment_above_fen": above_fen})
    return policy.judge(facts=facts, rules=rules, policy_version=1)


@pytest.mark.parametrize(
    ("word", "decision"),
    [
        ("paid", Ruling.APPROVE),
        ("finished", Ruling.APPROVE),
        ("not_asked", Ruling.REVIEW),
        ("no_answer", Ruling.REVIEW),
        *((word, Ruling.REVIEW) for word in PaymentWord if payment.is_contradiction(word)),
    ],
)
def test_judge_when_above_the_limit_goes_by_the_channels_word(word: str, decision: Ruling) -> None:
    verdict = _judged(replace(FACTS, payment_word=word), 1_000)

    (line,) = [rule for rule in verdict.as_json()["rules"] if rule["code"] == payment.RULE]
    assert (verdict.decision, line["actual"], line["hard"]) == (decision, word, False)
    assert verdict.waits_for_channel == (word == "not_asked")
    assert explain(line)


@pytest.mark.parametrize("above_fen", [None, 1_200])
def test_judge_when_not_above_the_limit_asks_for_no_word_and_still_hears_one_against_it(above_fen: int | None) -> None:
    assert _judged(FACTS, above_fen).decision is Ruling.APPROVE
    assert _judged(replace(FACTS, payment_word="reversed"), above_fen).decision is Ruling.REVIEW


def test_judge_when_the_order_in_all_is_above_the_limit_waits() -> None:
    sums = replace(FACTS.sums, order_fen=900)
    assert _judged(replace(FACTS, sums=sums), 2_000).waits_for_channel


def test_judge_when_there_is_no_channel_waits_for_none() -> None:
    assert not _judged(replace(FACTS, has_channel=False, payment_word=""), 0).waits_for_channel


@pytest.mark.parametrize("word", ["not_asked", *PaymentWord])
def test_judge_when_the_sale_is_not_paid_refuses_with_the_words_own_sentence(word: str) -> None:
    verdict = _judged(replace(FACTS, paid=False, payment_word=word), None)

    line = verdict.as_json()["rules"][0]
    code = payment.why_not_paid(line["actual"])
    assert (verdict.decision, line["code"], line["passed"]) == (Ruling.REFUSE, "payment_succeeded", False)
    assert code in CODES
    if payment.is_contradiction(word) and word != "partly_refunded":
        assert code == f"payment_{word}"


@pytest.mark.parametrize("word", PaymentWord)
def test_every_word_has_its_sentence_and_none_says_not_paid_of_the_unknown(word: PaymentWord) -> None:
    with translation.override("en"):
        assert payment_sentence(word)
        assert "not known" in payment_sentence(PaymentWord.NO_ANSWER)


@pytest.mark.parametrize(
    ("words", "gave_up", "expected"),
    [
        (["paid"], False, "paid"),
        (["paid", ""], False, "not_asked"),
        (["", "closed"], False, "closed"),
        (["paid", ""], True, "no_answer"),
        ([], False, ""),
    ],
)
def test_word_of_several_payments_is_the_one_that_matters(words: list[str], gave_up: bool, expected: str) -> None:
    assert payment.word_of(words, gave_up=gave_up) == expected
