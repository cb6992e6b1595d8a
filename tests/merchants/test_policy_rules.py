"""Rules as they are read from JSON."""

from __future__ import annotations

import pytest

from merchants.policy_rules import PolicyInvalid, read_rules
from tests.factories import RULES


@pytest.mark.parametrize(
    "broken",
    [
        {"auto_approve_limit_fen": -1},
        {"auto_approve_limit_fen": True},
        {"auto_approve_limit_fen": 1.5},
        {"auto_approve_limit_fen": "100"},
        {"handling_minutes": 0},
        {"tiers": []},
        {"tiers": [{"name": "a", "limit_fen": 1, "roles": []}]},
        {"tiers": [{"name": "a", "limit_fen": None, "roles": []}, {"name": "b", "limit_fen": None, "roles": []}]},
        {
            "tiers": [
                {"name": "a", "limit_fen": 5, "roles": []},
                {"name": "b", "limit_fen": 4, "roles": []},
                {"name": "c", "limit_fen": None, "roles": []},
            ]
        },
        {"reasons": {"quality": {"extent": "some", "max_share_percent": 1, "window_days": 1, "instant": True}}},
        {"reasons": {"quality": {"extent": "any", "max_share_percent": 101, "window_days": 1, "instant": True}}},
        {"reasons": {"quality": {"extent": "any", "max_share_percent": 9, "window_days": 1, "instant": "false"}}},
        {"reasons": {"quality": {}}},
        {"reasons": None},
        {"routes": None},
        {"route_rules": None},
        {"route_rules": {"cash": {}}},
        {"route_rules": {"cash": {"fundings": "cash", "limit_fen": 1}}},
        {"route_rules": {"cash": {"fundings": [1], "limit_fen": 1}}},
        {"route_rules": {"cash": {"fundings": None, "limit_fen": 0}}},
        {"route_rules": {"cash": {"fundings": None, "limit_fen": "100"}}},
    ],
)
def test_rules_that_make_no_sense_are_not_taken(broken: dict[str, object]) -> None:
    with pytest.raises(PolicyInvalid):
        read_rules({**RULES, **broken})
