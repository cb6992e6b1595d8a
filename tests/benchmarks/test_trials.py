"""The long past that trials are measured on is one that trials can read."""

from __future__ import annotations

import pytest

from benchmarks import trials

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.breaks_invariants]


def test_measure_of_a_short_past_ends_with_a_whole_trial() -> None:
    trial, seconds, cpu_s = trials.measure(requests=60)
    assert trial.total >= 59
    assert seconds > 0
    assert cpu_s > 0
