"""A finding says what is wrong in the reader's language, and its repair changes the rules' JSON and nothing else."""

from __future__ import annotations

from django.utils import translation

from refunds.rules.finding import REMOVED, Change, Example, Finding, Severity, repaired

FOUND = Finding(
    "tier_without_decider",
    path="tiers[0].roles",
    example=Example(amount_fen=1, paid_fen=1, reason="goodwill"),
    repair=(Change(("tiers", 0, "roles"), ["reviewer"]), Change(("exceptions", 1), REMOVED)),
    values={"tier": "manager", "from_fen": 1, "to_fen": 50_000, "roles": ("reviewer", "owner")},
)


def test_explanation_when_read_names_amounts_and_roles() -> None:
    with translation.override("en"):
        assert "from ¥0.01 to ¥500.00" in FOUND.explanation
        assert "Reviewer, Owner" in FOUND.proposal
    assert FOUND.severity is Severity.ERROR


def test_repaired_when_applied_leaves_what_it_was_given_as_it_is() -> None:
    rules = {"tiers": [{"name": "manager", "roles": []}], "exceptions": [1, 2, 3]}

    after = repaired(rules, FOUND)

    assert after == {"tiers": [{"name": "manager", "roles": ["reviewer"]}], "exceptions": [1, 3]}
    assert rules == {"tiers": [{"name": "manager", "roles": []}], "exceptions": [1, 2, 3]}


def test_example_when_stored_is_plain_json() -> None:
    assert FOUND.example.as_json() == {
        "amount_fen": 1,
        "paid_fen": 1,
        "reason": "goodwill",
        "store": "",
        "group": "",
        "route": "original",
        "funding": "balance",
        "days": 0,
        "remote": False,
    }
