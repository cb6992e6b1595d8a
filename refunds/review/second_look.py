"""Blind second looks: some decided refunds are decided once more by somebody who does not see how.

A share of all decisions, picked by chance, and every one that goes beyond what the policy gives. It changes nothing about the
refund; it says how well rules and people hold, and where they do not, a precedent.
"""

import secrets
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from core.errors import Conflict, Forbidden, Invalid, existing
from merchants import rights
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.facts import conditions
from refunds.models import Approval, RefundRequest, ReviewSettings, SecondLook
from refunds.models.approval import Decision
from refunds.models.assignment import SECOND_LOOKS_PERCENT
from refunds.review import decidable
from refunds.rules.agreement import Agreement, agreement

#: Lines of a verdict that an approval overrides: what the policy no longer gives, or a person refused.
_OVERRIDDEN = frozenset({"filing_window", "order_not_rejected"})
#: Figures look back so far.
LOOKS_BACK = timedelta(days=90)
_AT_ONCE = 50


class LookedAlready(Conflict, code="looked_already"):
    """Somebody has answered this second look."""


def pick(approval: Approval, request: RefundRequest, *, at: datetime) -> None:
    """Ask for a second look at a decision that was just made, if it is one of those."""
    is_override = approval.decision == Decision.APPROVE and _goes_beyond(approval, request)
    chosen = ReviewSettings.objects.filter(pk=request.merchant_id).values_list("second_looks_percent", flat=True)
    percent = next(iter(chosen), SECOND_LOOKS_PERCENT)
    if is_override or secrets.randbelow(100) < percent:
        SecondLook.objects.create(
            merchant_id=request.merchant_id,
            request_id=request.pk,
            approval=approval,
            is_override=is_override,
            picked_at=at,
        )


def _goes_beyond(approval: Approval, request: RefundRequest) -> bool:
    verdict = request.verdict
    return (approval.amount_fen or 0) > verdict.get("max_amount_fen", request.amount_fen) or any(
        rule["code"] in _OVERRIDDEN and not rule["passed"] for rule in verdict["rules"]
    )


def next_for(*, by: Principal, at: datetime) -> SecondLook | None:
    """The one that has waited longest of those that this person may decide and had no part in; None when there is none."""
    rights.check_may(Act.APPROVE, by=by)
    theirs = RefundRequest.objects.filter(decidable.decidable(by=by, at=at))
    waiting = SecondLook.objects.filter(merchant_id=by.acting_for, answered_at=None, request__in=theirs)
    rows = waiting.select_related("request__transaction", "approval").order_by("picked_at", "pk")[:_AT_ONCE]
    return next((row for row in rows if _may(row, by=by, at=at)), None)


def _may(look: SecondLook, *, by: Principal, at: datetime) -> bool:
    part = Approval.objects.filter(request_id=look.request_id)
    if by.staff_id in {one for row in part for one in (row.staff_id, row.on_behalf_of_id)}:
        return False
    amount_fen = look.approval.amount_fen or look.request.amount_fen
    return conditions.may(Act.APPROVE, by=by, request=look.request, amount_fen=amount_fen, at=at)


def find(*, look_id: int, by: Principal, at: datetime, lock: bool = False) -> SecondLook:
    """One that is this person's to answer. Raises ``NotFound``, ``Forbidden`` or ``LookedAlready``."""
    rights.check_may(Act.APPROVE, by=by)
    rows = SecondLook.objects.select_related("request__transaction", "request__store", "approval")
    if lock:
        rows = rows.select_for_update(of=("self",))
    look = existing(rows.filter(pk=look_id, merchant_id=by.acting_for).first(), "second look")
    conditions.check_known(look.request, by=by)
    if not _may(look, by=by, at=at):
        raise Forbidden("who had a part in it, or may not decide it, does not look a second time", code="own_request")
    if look.answered_at is not None:
        raise LookedAlready("this second look is answered")
    return look


@transaction.atomic
def answer(*, look_id: int, decision: str, note: str, by: Principal, at: datetime) -> SecondLook:
    """Say how one would have decided, and why where that is to reject. Raises ``Invalid``, or as ``find`` does."""
    look = find(look_id=look_id, by=by, at=at, lock=True)
    if decision not in (Decision.APPROVE, Decision.REJECT):
        raise Invalid("a second look approves or rejects", code="form_incomplete")
    if decision == Decision.REJECT and not note.strip():
        raise Invalid("say why", code="reason_required")
    look.staff_id, look.decision, look.note, look.answered_at = by.acting_staff, decision, note.strip()[:500], at
    look.disagrees = decision != look.approval.decision
    look.save()
    told = {"look": look.pk, "decision": decision, "note": look.note, "agrees": not look.disagrees}
    lifecycle.record_act(look.request, "refund.second_look", by=by.actor, at=at, data=told)
    return look


@dataclass(frozen=True, slots=True)
class Figures:
    """How far second looks agree with first decisions: in all, by who decided first, and by the line of the verdict."""

    whole: Agreement | None
    by_reviewer: Mapping[str, Agreement]
    by_rule: Mapping[str, Agreement]


def figures(*, by: Principal, stores: Collection[int] | None, at: datetime) -> Figures:
    """Over the last 90 days, in these stores (None: all). Raises ``Forbidden``."""
    rights.check_may(Act.REVIEW_POLICY, by=by)
    rows = SecondLook.objects.filter(merchant_id=by.acting_for, answered_at__gt=at - LOOKS_BACK)
    if stores is not None:
        rows = rows.filter(request__store_id__in=stores)
    pairs: list[tuple[str, str]] = []
    by_reviewer: dict[str, list[tuple[str, str]]] = defaultdict(list)
    by_rule: dict[str, list[tuple[str, str]]] = defaultdict(list)
    read = rows.order_by("pk").values_list(
        "approval__decision", "decision", "approval__staff__name", "request__verdict"
    )
    for first, second, name, verdict in read:
        pairs.append((first, second))
        by_reviewer[name].append((first, second))
        for rule in verdict["rules"]:
            if not rule["passed"]:
                by_rule[rule["code"]].append((first, second))
    return Figures(agreement(pairs), _each(by_reviewer), _each(by_rule))


def _each(groups: Mapping[str, list[tuple[str, str]]]) -> dict[str, Agreement]:
    found = {name: agreement(pairs) for name, pairs in sorted(groups.items(), key=lambda item: -len(item[1]))}
    return {name: one for name, one in found.items() if one is not None}
