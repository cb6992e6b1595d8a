"""Judging once more what was judged: the kept facts and the rules of that version give the same verdict, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from merchants import policies
from refunds.models import Judgement, RefundRequest
from refunds.models.judgement import Occasion
from refunds.rules import facts, policy

#: Rows fetched at a time: what it holds in memory.
AT_ONCE = 2_000

#: On these the request takes the verdict over.
_SAID = (Occasion.SUBMISSION, Occasion.RESUBMISSION)


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
