"""Agreement of two people beyond chance."""

from __future__ import annotations

import pytest

from refunds.rules.agreement import agreement


def test_agreement_when_nobody_said_anything_is_none() -> None:
    assert agreement([]) is None


def test_agreement_is_cohens_kappa_of_the_table() -> None:
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: observed 0.7, by chance 0.5.
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    found = agreement(pairs)
    assert found is not None
    assert (found.n, found.share) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)


def test_agreement_when_both_always_say_one_thing_has_no_kappa() -> None:
    found = agreement([("yes", "yes")] * 3)
    assert found is not None
    assert (found.share, found.kappa) == (1.0, None)
