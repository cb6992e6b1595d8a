"""What is kept of judgements; and judging once more, which gives the same verdict from the same facts, byte for byte."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from merchants import policies
from refunds.models import Judgement, RefundRequest
from refunds.models.judgement import Occasion
from refunds.rules import facts, policy
from terminals.models import Transaction

#: Rows fetched at a time: what it holds in memory.
AT_ONCE = 2_000

#: On these the request takes the verdict over.
_SAID = (Occasion.SUBMISSION, Occasion.RESUBMISSION, Occasion.CONFIRMATION)


def keep_approval(*, request: RefundRequest, amount_fen: int, deciding_fen: int, at: datetime) -> None:
    """Keep what a person approved on: the facts that judged it last with the amount, the time and the sums of now, under the
    rules in force now. Nothing where no facts were kept. The caller holds the order and has checked the caps.
    """
    last = request.judgements.order_by("-sequence").first()
    known = facts.from_text(last.facts) if last else None
    if last is None or known is None:
        return
    if not request.leg_count:
        sale = Transaction.objects.get(pk=request.transaction_id)
        known = replace(
            known,
            refundable_fen=sale.refundable_fen + request.reserved_fen,
            refunds_so_far=sale.live_refunds - bool(request.reserved_fen),
        )
    others_fen = max(0, deciding_fen - amount_fen)
    now = replace(known, at=at, amount_fen=amount_fen, sums=replace(known.sums, tier_fen=others_fen))
    version = policies.in_force(merchant_id=request.merchant_id, at=at)
    verdict = policy.judge(facts=now, rules=policies.rules_of(version.pk), policy_version=version.number)
    Judgement.objects.create(
        request_id=request.pk,
        sequence=last.sequence + 1,
        merchant_id=request.merchant_id,
        policy_version_id=version.pk,
        occasion=Occasion.APPROVAL,
        at=at,
        facts=facts.as_text(now, who=facts.who(last.facts)),
        digest=verdict.digest(),
    )


def kept(*, merchant: str = "", since: datetime | None = None) -> QuerySet[Judgement]:
    """What is kept, of one merchant's code and of requests since then where that is said."""
    found = Judgement.objects.all()
    if merchant:
        found = found.filter(merchant__code=merchant)
    return found if since is None else found.filter(request__created_at__gte=since)


def rejudged(some: QuerySet[Judgement]) -> Iterator[str | None]:
    """For each: empty where the verdict is the same, what differs where it is not, None where the facts are of another schema.

    The stored verdict of a request is held against the last judgement that it took over.
    """
    later = Judgement.objects.filter(
        request_id=OuterRef("request_id"), sequence__gt=OuterRef("sequence"), occasion__in=_SAID
    )
    rows = (
        some.annotate(is_past=Exists(later))
        .order_by("request_id", "sequence")
        .values_list(
            *("request__number", "sequence", "occasion", "is_past", "policy_version_id", "policy_version__number"),
            *("facts", "digest", "request__verdict"),
        )
    )
    for number, sequence, occasion, is_past, version_id, version, text, digest, stored in rows.iterator(AT_ONCE):
        known = facts.from_text(text)
        if known is None:
            yield None
            continue
        verdict = policy.judge(facts=known, rules=policies.rules_of(version_id), policy_version=version)
        if verdict.digest() != digest:
            yield f"{number}, judgement {sequence}"
        elif occasion in _SAID and not is_past and facts.canonical(stored) != facts.canonical(verdict.as_json()):
            yield f"{number}, the verdict that it shows"
        else:
            yield ""


def without_facts(*, merchant: str = "", since: datetime | None = None) -> int:
    """How many requests were stored before facts were kept, or found paid: they are never made again."""
    found = RefundRequest.objects.exclude(Exists(Judgement.objects.filter(request_id=OuterRef("pk"))))
    if merchant:
        found = found.filter(merchant__code=merchant)
    return (found if since is None else found.filter(created_at__gte=since)).count()
