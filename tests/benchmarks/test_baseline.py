"""Figures are read from what a revision prints, be it lines for people or JSON."""

from __future__ import annotations

import json

from benchmarks import baseline


def test_lines_when_a_revision_knows_no_json_are_read_with_their_rates() -> None:
    text = (
        "intake                    0.15  >= 0.2    MISSED  730/s against 4829/s raw\n"
        "e2e_10k_seconds          58.20  <= 60     ok      all paid after 56 s\n"
        "something else\n"
    )
    found = baseline._from_lines(text)
    assert {name: (one.value, one.less_is_better) for name, one in found.items()} == {
        "intake": (0.15, False),
        "intake, a second": (730.0, False),
        "e2e_10k_seconds": (58.2, True),
    }


def test_json_when_a_revision_speaks_it_gives_the_same() -> None:
    line = {"name": "intake", "value": 0.1512, "at_most": False, "detail": "730/s against 4829/s raw"}
    found = baseline._from_json("noise\n" + json.dumps(line) + "\n")
    assert found["intake"].value == 0.1512
    assert found["intake, a second"].value == 730
