"""How well a sale fits what somebody without a receipt remembers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from refunds.rules.candidates import WEIGHTS, Known, Told, score

NOON = datetime(2026, 5, 4, 4, tzinfo=UTC)
DAY = timedelta(days=1)


def known(**said: Any) -> Known:
    usual: dict[str, Any] = {"amount_fen": 10_000, "paid_at": NOON, "card_last4": "1234", "phone_fits": False}
    return Known(**{**usual, "skus": {"A"}, "store": "S1", "terminal": "P1", "channel": "wechat", **said})


def test_score_when_two_facts_fit_is_a_candidate_with_its_reasons() -> None:
    found = score(Told(amount_fen=10_000, since=NOON, until=NOON + DAY), known())
    assert (found.reasons, found.facts, found.is_candidate) == (["amount", "time"], ["amount", "time"], True)
    assert found.points == WEIGHTS["amount"][0] + WEIGHTS["time"][0]


@pytest.mark.parametrize(
    ("told", "reasons"),
    [
        (Told(amount_fen=9_600), ["amount_near"]),
        (Told(amount_fen=9_000), []),
        (Told(since=NOON + DAY), ["time_near"]),
        (Told(since=NOON + DAY + timedelta(seconds=1)), []),
        (Told(until=NOON), ["time_near"]),
        (Told(card_last4="1234"), ["card"]),
        (Told(phone_last4="aa"), []),
        (Told(store="S1", terminal="P1", channel="wechat"), ["store", "terminal", "channel"]),
        (Told(store="S2", terminal="P1"), []),
    ],
)
def test_score_when_one_fact_or_what_anybody_knows_fits_is_no_candidate(told: Told, reasons: list[str]) -> None:
    found = score(told, known())
    assert (found.reasons, found.is_candidate) == (reasons, False)


def test_score_when_a_fact_does_not_fit_is_lower_than_when_it_does() -> None:
    told = Told(amount_fen=10_000, since=NOON, until=NOON + DAY, card_last4="1234", phone_last4="x", sku="A")
    best = score(told, known(phone_fits=True)).points
    for off in ({"card_last4": "9"}, {"phone_fits": False}, {"skus": ()}, {"amount_fen": 10_100}, {"amount_fen": 1}):
        assert score(told, known(**{"phone_fits": True, **off})).points < best
