"""A trial on earlier months says what the draft decides in later ones, from a file and without a database."""

from __future__ import annotations

from pathlib import Path

from merchants.policies.rules import read_rules
from refunds.rules.policy import Ruling
from samples.demo import rules
from samples.retail import predicting
from samples.retail.lines import COLUMNS


def lines_of(folder: Path, *, later_pounds: int) -> Path:
    """Four returns of 12.00 in the first months; four of another amount in the last ones."""
    rows = [",".join(COLUMNS)]
    for number, (month, pounds) in enumerate([("2011-02", 12)] * 4 + [("2011-07", later_pounds)] * 4):
        sale, note = f"{500001 + number},85123", f"C{600001 + number},85123"
        rows.append(f"{sale}{number},CUP,5,{month}-0{number % 4 + 1} 10:00:00,{pounds}.00,1785{number},UK")
        rows.append(f"{note}{number},CUP,-1,{month}-0{number % 4 + 1} 12:00:00,{pounds}.00,1785{number},UK")
    file = folder / "lines.csv"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file


def test_predict_when_months_are_alike_gives_the_shares_of_both(tmp_path: Path) -> None:
    found, tried, applied = predicting.predict(
        file=lines_of(tmp_path, later_pounds=12), current=read_rules(rules.RETAIL), draft=read_rules(rules.RETAIL)
    )

    assert (tried, applied) == (4, 4)
    assert {one.decision: (one.tried, one.applied, one.points) for one in found} == {
        Ruling.APPROVE: (100, 100, 0),
        Ruling.REVIEW: (0, 0, 0),
        Ruling.REFUSE: (0, 0, 0),
    }
