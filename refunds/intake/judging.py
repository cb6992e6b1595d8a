"""The policy asked about what was gathered and claimed. Nothing is stored, and no number is drawn."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from core.calendar import DayKind
from core.errors import FieldError, Invalid
from core.personal_data import phone_hashes
from core.unsaved import unsaved
from merchants import hours, policies, rights
from merchants.mandates import Mandate
from merchants.policies.fields import PROOFS
from merchants.policies.rules import Rules
from merchants.principals import Principal
from merchants.rights import Act
from refunds.evidence import files, repeats
from refunds.facts import agreements, duplicates, goods, sums
from refunds.facts.plans import LegStatus
from refunds.intake import claims, counters, planning
from refunds.intake.claims import Claim, Draft
from refunds.intake.counters import Parties
from refunds.intake.facts import Sale, find_sale, whole_order
from refunds.models import Evidence, Execution, Judgement, RefundRequest
from refunds.models.judgement import Occasion
from refunds.rules import arrival, clocks, facts, payment, policy, worth
from refunds.rules.deposits import DepositClaim
from refunds.rules.facts import Facts
from refunds.rules.plan import PlannedLeg
from refunds.rules.policy import Ruling, Verdict
from refunds.rules.standing import Standing
from refunds.states import ExecutionState, Reason, Route, State
from terminals.models import TransactionKind
from terminals.orders import article


class EvidenceMissing(Invalid, code="evidence_missing"):
    """The policy asks for evidence that did not come with the request; ``facts["verdict"]`` names it. Nothing was stored."""


class PolicyRefused(Invalid, code="refused_by_policy"):
    """A hard limit stands against the refund; ``facts["verdict"]`` explains it. Nothing was stored."""


def quote(
    *, draft: Draft, by: Principal, at: datetime, act: Act = Act.QUOTE
) -> tuple[Sale, Verdict, tuple[PlannedLeg, ...]]:
    """The policy's verdict, refusals included, and the plan (none where it refuses), without making anything.

    Raises ``Forbidden``, ``NotFound`` or ``Invalid``.
    """
    rights.check_may(act, by=by)
    sale = claims.find_sale(draft, by=by, at=at)
    draft = claims.as_seen(sale, draft)
    claimed = claims.articles(sale, draft)
    parties = counters.parties_of(sale, draft, by=by, at=at)
    seen = counters.standing(sale=sale, of=parties, reason=draft.reason)
    counters.check_mandate(of=parties, seen=seen, draft=draft, at=at)
    verdict = judge(sale, draft, claimed, seen=seen, at=at, mandate=by.mandate).verdict
    return sale, verdict, () if verdict.decision is Ruling.REFUSE else planning.planned(sale, draft)


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with the facts that it was made from, and the version of the rules."""

    facts: Facts
    verdict: Verdict
    policy_version_id: int

    def row(
        self,
        *,
        request: RefundRequest,
        said: Mapping[str, Any],
        of: Parties,
        occasion: Occasion,
        at: datetime,
        sequence: int = 1,
    ) -> Judgement:
        """What is kept of it, unsaved; ``said`` is the verdict's JSON."""
        return unsaved(
            Judgement,
            request_id=request.pk,
            sequence=sequence,
            merchant_id=request.merchant_id,
            policy_version_id=self.policy_version_id,
            occasion=occasion,
            at=at,
            facts=facts.as_text(self.facts, who=of.hashed()),
            digest=policy.digest_of(said),
        )

    def keep(self, *, request: RefundRequest, of: Parties, occasion: Occasion, at: datetime) -> None:
        """Keep it with a stored request, which the caller holds."""
        before = Judgement.objects.filter(request_id=request.pk).count()
        said = self.verdict.as_json()
        self.row(request=request, said=said, of=of, occasion=occasion, at=at, sequence=before + 1).save(
            force_insert=True
        )


def judge(
    sale: Sale,
    draft: Draft,
    claimed: Sequence[Claim],
    *,
    seen: Standing,
    at: datetime,
    stored: RefundRequest | None = None,
    moving: LegStatus | None = None,
    gave_up_asking: bool = False,
    mandate: Mandate | None = None,
) -> Judged:
    """The verdict, with its facts; ``stored`` is the request that is judged again, ``moving`` a failed leg of one: what it holds
    and has asked for stands not against itself. ``gave_up_asking``: the channel was asked about the payment and gives no answer.
    ``mandate`` is that of the key that asks; what one left to a person once stays so.

    ``seen`` was read before anything else: what is stored from then on moves the order's counter, and this is judged again.
    """
    own_fen = moving.leg.reserved_fen if moving else stored.reserved_fen if stored else 0
    # Of an order's payments what is its own has been taken off each already.
    of_sale_fen = 0 if stored and stored.leg_count else own_fen
    rules = policies.rules_of(sale.policy_version_id)
    handed = evidence_of(sale, draft, stored)
    judged = Facts(
        at=at,
        amount_fen=draft.amount_fen,
        reason=draft.reason,
        route=draft.route,
        consent=draft.customer_consent,
        paid_fen=sale.amount_fen,
        refundable_fen=sale.refundable_fen + of_sale_fen,
        paid=sale.status == "success",
        paid_at=sale.paid_at,
        funding=sale.funding,
        has_channel=sale.channel_account_id is not None,
        original_failed=moving is not None or (stored is not None and _original_failed(stored)),
        on_this_route_fen=(
            sums.on_route_fen(transaction_id=sale.id, route=draft.route, but=stored.pk if stored else None)
            if sale.order_reserved_fen
            else 0
        ),
        channel_window_days=sale.profile.window_days,
        channel_max_refunds=sale.profile.max_partials,
        refunds_so_far=sale.refunds - bool(of_sale_fen),
        terminal_enabled=sale.refunds_enabled,
        claims=[claim.judged for claim in claimed],
        sums=seen,
        duplicate_of=_first_of(sale, draft, claimed, seen, stored),
        is_another=draft.is_another,
        sale_held=sale.held,
        payment_word=payment.word_of(
            (one.payment_word for one in sale.payments or (sale,) if one.channel_account_id is not None),
            gave_up=gave_up_asking or moving is not None,
        ),
        store=sale.store_code,
        groups=_groups(sale, claimed),
        remote=sale.remote,
        **_clocks(sale, rules, at=at),
        **(goods.known(stored) if stored else {}),
        evidence=tuple(sorted({row.kind for row in handed})),
        deposit=claims.deposit_of(
            sale,
            reason=draft.reason,
            claim=_stored_claim(stored, draft) if stored else draft.deposit,
        ),
        agreed_fen=agreements.agreed_fen(request_id=stored.pk) if stored else None,
        no_sale=sale.kind == TransactionKind.NO_RECEIPT,
        seen_on=next(iter(_seen_on(handed, sale, stored)), ""),
        fee_rate_bp=sale.profile.fee_rate_bp if draft.route == Route.ORIGINAL else 0,
        fee_returned=sale.profile.fee_returned,
        always_review=bool(mandate and mandate.always_review) or (stored is not None and _has_line(stored, "mandate")),
        arrival_days=arrival.working_days(funding=sale.funding, profile=sale.profile, route=draft.route, at=at)[:2],
    )
    verdict = policy.judge(facts=judged, rules=rules, policy_version=sale.policy_number)
    return Judged(judged, verdict, sale.policy_version_id)


def _clocks(sale: Sale, rules: Rules, *, at: datetime) -> dict[str, Any]:
    """What of the facts is about time: nothing where neither hours nor a disaster are known."""
    found: dict[str, Any] = {}
    if opening := _opening(sale, since=at, lasting=timedelta(hours=rules.complex_handling_hours)):
        found = {"opening": opening, "store_open": clocks.is_open(at=at, opening=opening)}
    if sale.graces:
        now, paid = at.timestamp(), sale.paid_at.timestamp()
        found["grace_hours"] = max((more for starts, ends, more in sale.graces if starts <= now < ends), default=0)
        found["graces"] = [(max(0, int(starts - paid) // 86_400), more) for starts, _, more in sale.graces]
    return found


@lru_cache(maxsize=512)
def _hours(text: str) -> hours.Hours | None:
    return hours.read_hours(json.loads(text))


def _opening(sale: Sale, *, since: datetime, lasting: timedelta) -> tuple[int, ...]:
    opening_hours = _hours(sale.hours)
    if opening_hours is None:
        return ()
    kinds = {date.fromisoformat(day): DayKind(kind) for day, kind in (sale.calendar_days or {}).items()}
    return opening_hours.opening(since=since, lasting=lasting, kinds=kinds)


def due_again(*, request: RefundRequest, sale: Sale, judged: Judged, at: datetime) -> datetime:
    """When an answer is owed to a request that is sent in again: its clock goes on with what was left when it was paused, in
    opening hours as they are now; one that did not stand begins anew.
    """
    if request.paused_at is None:
        return judged.verdict.due_at
    is_simple = policy.is_simple(facts=judged.facts, rules=policies.rules_of(judged.policy_version_id))

    def opening(since: datetime, lasting: timedelta) -> tuple[int, ...]:
        return () if is_simple else _opening(sale, since=since, lasting=lasting)

    return clocks.resumed(paused_at=request.paused_at, due_at=request.due_at, at=at, opening=opening)


def _groups(sale: Sale, claimed: Sequence[Claim]) -> tuple[str, ...]:
    """The groups of what comes back; where no article is named, of all that may. Empty where the shop names none."""
    named = {claim.line_id for claim in claimed}
    groups = {line.group for line in sale.lines if line.id in named or (not named and worth.can_come_back(line))}
    return tuple(sorted(groups)) if groups != {""} else ()


def _stored_claim(stored: RefundRequest, draft: Draft) -> DepositClaim | None:
    """What was said of the deposit; nothing once it is corrected to another reason."""
    return DepositClaim(**stored.deposit) if stored.deposit and draft.reason == Reason.DEPOSIT else None


def evidence_of(sale: Sale, draft: Draft, stored: RefundRequest | None = None) -> list[Evidence]:
    """What was handed in with a stored request, or was sent ahead for a new one. Raises ``EvidenceGone``."""
    if stored is not None:
        return list(Evidence.objects.filter(request_id=stored.pk).order_by("pk"))
    return files.sent_ahead(ids=draft.evidence, merchant_id=sale.merchant_id) if draft.evidence else []


def _seen_on(handed: Sequence[Evidence], sale: Sale, stored: RefundRequest | None) -> list[str]:
    if not handed:
        return []
    return repeats.on_another(
        handed, merchant_id=sale.merchant_id, transaction_id=sale.id, but=stored.pk if stored else None
    )


def ask_for_evidence(verdict: Verdict, draft: Draft) -> None:
    """Raise ``EvidenceMissing`` where the policy asks for what is not there, unless it is said why not: then a person decides."""
    line = next((rule for rule in verdict.rules if rule.code == "evidence_given" and not rule.passed), None)
    if line is None or draft.without_evidence:
        return
    given = line.actual.split(", ")
    missing = [kind for kind in verdict.evidence if kind not in given]
    raise EvidenceMissing(
        f"the policy asks for {', '.join(missing)}",
        verdict=verdict,
        errors=[
            FieldError(
                "evidence",
                "evidence_missing",
                format_lazy(_("Evidence is missing: {kind}."), kind=PROOFS[kind]),
            )
            for kind in missing
        ],
    )


def sale_of(request: RefundRequest, *, at: datetime, by_hand_fen: int | None = None) -> Sale:
    """The sale of a stored request as it is judged again, or its order where it has legs on several payments: what it holds of
    each itself has been taken off. ``by_hand_fen``: what a person is to pay.
    """
    sale = find_sale(merchant_id=request.merchant_id, at=at, transaction_id=request.transaction_id)
    if not request.leg_count:
        return sale
    own_fen: dict[UUID, tuple[int, int]] = {}
    for leg in request.legs.filter(reserved_fen__gt=0):
        fen, count = own_fen.get(leg.transaction_id, (0, 0))
        own_fen[leg.transaction_id] = fen + leg.reserved_fen, count + 1
    return whole_order(sale=sale, at=at, own_fen=own_fen, by_hand_fen=by_hand_fen)


def was_another(request: RefundRequest) -> bool:
    """Whether it was said before that this is not the same as the refund that its verdict names."""
    return _has_line(request, "possible_duplicate", passed=True)


def _has_line(request: RefundRequest, code: str, *, passed: bool = False) -> bool:
    return any(rule["code"] == code and rule["passed"] is passed for rule in request.verdict["rules"])


def refuse_hard_limits(verdict: Verdict) -> None:
    """Raise ``PolicyRefused`` with the code of the first hard limit. Where another refund has what is asked for,
    ``facts["number"]`` is that.
    """
    if verdict.decision is not Ruling.REFUSE:
        return
    first = next(rule for rule in verdict.rules if rule.hard and not rule.passed)
    code = {
        "refundable_balance": "exceeds_refundable",
        "article_quantity": "exceeds_quantity",
        "payment_succeeded": payment.why_not_paid(first.actual),
    }.get(first.code, first.code)
    same = next((rule.actual for rule in verdict.rules if rule.code == "possible_duplicate" and not rule.passed), "")
    named: dict[str, Any] = {}
    if same and (field := _TAKEN.get(first.code)):
        words = format_lazy(_("{number} has asked for this already."), number=same)
        named = {"errors": [FieldError(field, code, words)], "number": same}
    raise PolicyRefused("a hard limit stands against this refund", code=code, verdict=verdict, **named)


#: Hard limits of what can be taken once, and the field that asks for it.
_TAKEN = {"refundable_balance": "amount_fen", "article_quantity": "lines"}


def _first_of(sale: Sale, draft: Draft, claimed: Sequence[Claim], seen: Standing, stored: RefundRequest | None) -> str:
    """The number of the refund that asked for the same before; empty for none. Nothing is read where neither the order nor its
    customer has had one.
    """
    same: list[duplicates.Same] = []
    if seen.order_fen or seen.exchanged_fen:
        same = duplicates.same_as(
            transaction_id=sale.id,
            amount_fen=draft.amount_fen,
            reason=draft.reason,
            pieces=[(claim.judged.sku, claim.judged.quantity) for claim in claimed],
            gone=[claim.line_id for claim in claimed if claim.judged.quantity > claim.judged.returnable],
            but=stored.pk if stored else None,
        )
    if not same and seen.customer_orders and sale.kind != TransactionKind.NO_RECEIPT:
        typed = stored.customer_phone_hash if stored else phone_hashes(draft.customer.phone)[0]
        same = duplicates.without_receipt(
            merchant_id=sale.merchant_id,
            phones=[bytes(one) for one in (sale.payer_phone_hash, typed) if one],
            amount_fen=draft.amount_fen,
            sale_fen=sale.amount_fen,
            articles={article(line) for line in sale.lines},
        )
    return same[0].number if same else ""


def _original_failed(request: RefundRequest) -> bool:
    """Whether the channel that was paid through has proven that it will not take this refund back."""
    if request.state != State.FAILED:
        return False
    refused = Execution.objects.filter(request_id=request.pk, state=ExecutionState.FAILED)
    return refused.filter(channel_account_id=request.transaction.channel_account_id).exists()
