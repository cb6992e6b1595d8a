"""The sample merchants' refund rules: the starting points of the domain's table."""

from __future__ import annotations

from typing import Any

from refunds.states import Reason

_DESK = ["reviewer", "manager", "owner"]
_AREA = ["manager", "owner"]
_HEAD = ["owner"]

# What looks odd goes to a person. Not what comes right after the sale: most slips at a till are noticed at once.
_WATCHED = {"near_limit_count": 3, "same_destination_count": 3}

_ROUTES = ["original", "bank_transfer", "cash", "store_credit"]


def _reason(*, days: int, share: int = 100, extent: str = "any", instant: bool = True) -> dict[str, Any]:
    return {"extent": extent, "max_share_percent": share, "window_days": days, "instant": instant}


RESTAURANT: dict[str, Any] = {
    "auto_approve_limit_fen": 5_000,
    "auto_cashier_day_count": 3,
    **_WATCHED,
    "fault_hours": 24,
    "four_eyes_above_fen": 99_999,
    "tranche_fen": 500_000,
    "handling_minutes": 30,
    "complex_handling_hours": 24,
    "tiers": [
        {"name": "manager", "limit_fen": 50_000, "roles": _DESK},
        {"name": "area", "limit_fen": 300_000, "roles": _AREA},
        {"name": "head_office", "limit_fen": None, "roles": _HEAD},
    ],
    # "No reason" is missing on purpose: what was cooked does not come back, so a person looks at it; the exception is below.
    "reasons": {
        Reason.QUALITY: _reason(days=7),
        Reason.NOT_AS_DESCRIBED: _reason(days=7),
        Reason.SERVICE_FAILURE: _reason(days=7, share=50, extent="partial"),
        Reason.PRICE_ADJUSTMENT: _reason(days=7),
        Reason.WRONG_AMOUNT: _reason(days=30),
        Reason.DUPLICATE_CHARGE: _reason(days=30, extent="full"),
        Reason.SYSTEM_FAULT: _reason(days=30),
        Reason.NETWORK_FAULT: _reason(days=30),
        Reason.OPERATOR_ERROR: _reason(days=30),
        Reason.CUSTOMER_CANCELLED: _reason(days=7),
        Reason.DEPOSIT: _reason(days=180, instant=False),
        Reason.GOODWILL: _reason(days=90, instant=False),
    },
    # What was cooked spoils: the seven days of sales at a distance leave it out.
    "excluded_groups": ["cooked"],
    "exceptions": [
        # Bottled, packed or not cooked yet.
        {"groups": ["uncooked"], "reasons": [Reason.NO_REASON], **_reason(days=7)},
        # A dish is shown; where a colleague saw it instead, that is said, and a person decides.
        {"groups": ["cooked"], "reasons": [Reason.QUALITY, Reason.NOT_AS_DESCRIBED], "evidence_required": ["photo"]},
    ],
    "routes": _ROUTES,
    "route_rules": {"cash": {"fundings": ["cash"], "limit_fen": 20_000}},
}

RETAIL: dict[str, Any] = {
    "auto_approve_limit_fen": 10_000,
    "auto_cashier_day_count": 10,
    **_WATCHED,
    "fault_hours": 24,
    "four_eyes_above_fen": 199_999,
    "tranche_fen": 2_000_000,
    "handling_minutes": 30,
    "complex_handling_hours": 24,
    "tiers": [
        {"name": "manager", "limit_fen": 100_000, "roles": _DESK},
        {"name": "area", "limit_fen": 1_000_000, "roles": _AREA},
        {"name": "head_office", "limit_fen": None, "roles": _HEAD},
    ],
    "reasons": {
        Reason.QUALITY: _reason(days=7),
        Reason.NOT_AS_DESCRIBED: _reason(days=7),
        Reason.SERVICE_FAILURE: _reason(days=7, share=30, extent="partial"),
        Reason.PRICE_ADJUSTMENT: _reason(days=30),
        Reason.WRONG_AMOUNT: _reason(days=30),
        Reason.DUPLICATE_CHARGE: _reason(days=30, extent="full"),
        Reason.SYSTEM_FAULT: _reason(days=30),
        Reason.NETWORK_FAULT: _reason(days=30),
        Reason.OPERATOR_ERROR: _reason(days=30),
        # Wholesale customers of the chain may hand back an order for as long as the channel can pay it back.
        Reason.CUSTOMER_CANCELLED: _reason(days=365),
        Reason.NO_REASON: _reason(days=7),
        Reason.DEPOSIT: _reason(days=180, instant=False),
        Reason.GOODWILL: _reason(days=90, instant=False),
    },
    "routes": _ROUTES,
    "route_rules": {"cash": {"fundings": ["cash"], "limit_fen": 50_000}},
}
