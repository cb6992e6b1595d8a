"""Publishing a policy version and knowing which one is in force."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from core.audit.record import record_of
from core.errors import Forbidden, Invalid, NotFound, existing
from merchants import signing
from merchants.models import Merchant, PolicyVersion, Role, Signature, Staff, Store
from merchants.policies.rules import Rules, read_rules
from merchants.principals import Principal
from merchants.rights import TABLE, Act, Subject, check_may
from merchants.signing import Statement


@transaction.atomic
def publish(
    *,
    merchant: Merchant,
    name: str,
    rules: Mapping[str, Any],
    by: Principal,
    at: datetime,
    guides: Mapping[str, Any] | None = None,
    reason: str = "",
    author_ids: Iterable[int] = (),
    says_alone: bool = False,
    effective_at: datetime | None = None,
    rolled_back_to: int | None = None,
) -> PolicyVersion:
    """Put new rules in force from ``effective_at``, by default from ``at``, with a second pair of eyes: who is among
    ``author_ids`` publishes only where nobody else may, and ``says_alone``.

    Raises ``PolicyInvalid`` for rules that cannot be read, ``Forbidden`` or ``Invalid``.
    """
    check_may(Act.PUBLISH_POLICY, by=by, subject=Subject(merchant_id=merchant.pk, store_id=None))
    read_rules(rules)
    authors = sorted(set(author_ids))
    sole = by.staff_id in authors
    if sole:
        _check_alone(merchant.pk, by, says_alone=says_alone)
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)
    latest = PolicyVersion.objects.filter(merchant=merchant).order_by("-number").first()
    number = latest.number + 1 if latest else 1
    starts_at = effective_at or at
    signed = signing.sign(
        statement=lambda: _statement(merchant, number, rules, guides or {}, starts_at),
        object_type="policy_version",
        object_id=f"{merchant.code}/{number}",
        by=by,
        at=at,
        # Samples and commands have nobody to ask.
        always=by.shown is not None,
    )
    version = PolicyVersion.objects.create(
        merchant=merchant,
        number=number,
        name=name,
        rules=rules,
        guides=guides or {},
        reason=reason,
        effective_from=starts_at,
        published_at=at,
        published_by_id=by.staff_id,
        author_ids=authors,
        sole=sole,
        rolled_back_to=rolled_back_to,
    )
    record_of(
        version,
        by=by.actor,
        action="policy.publish",
        at=at,
        data={
            "number": version.number,
            "effective_from": version.effective_from.isoformat(),
            "reason": reason,
            "authors": authors,
            "sole": sole,
            **signed.told,
        },
    )
    return version


def _statement(
    merchant: Merchant, number: int, rules: Mapping[str, Any], guides: Mapping[str, Any], starts_at: datetime
) -> Statement:
    text = json.dumps([rules, guides], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Statement(
        {
            "request": f"{merchant.code}/{number}",
            "policy_version": number,
            "rules": hashlib.sha256(text.encode()).hexdigest(),
            "effective_from": starts_at.astimezone(UTC).isoformat(),
            "decision": "publish_policy",
        }
    )


def altered() -> list[PolicyVersion]:
    """Versions whose rules are not those that were signed when they were published."""
    signed = dict(Signature.objects.filter(object_type="policy_version").values_list("object_id", "statement"))
    return [
        row
        for row in PolicyVersion.objects.select_related("merchant").order_by("pk")
        if (text := signed.get(f"{row.merchant.code}/{row.number}")) is not None
        and text != _statement(row.merchant, row.number, row.rules, row.guides, row.effective_from).text
    ]


def _check_alone(merchant_id: int, by: Principal, *, says_alone: bool) -> None:
    if publishers(merchant_id=merchant_id).exclude(pk=by.acting_staff).exists():
        raise Forbidden("somebody who has not written it must publish it", code="own_draft")
    if not says_alone:
        raise Invalid("nobody else may publish here: say that you do it alone", code="alone_not_said")


def publishers(*, merchant_id: int) -> QuerySet[Staff]:
    """Who may put a policy in force."""
    roles = [role for role in Role.values if TABLE[Act.PUBLISH_POLICY].of_role(role)]
    people = Staff.objects.filter(merchant_id=merchant_id, is_active=True, all_stores=True, role__in=roles)
    return people.order_by("name", "pk")


def of_merchant(*, merchant_id: int) -> QuerySet[PolicyVersion]:
    """The history, the newest first."""
    rows = PolicyVersion.objects.filter(merchant_id=merchant_id).select_related("published_by")
    return rows.order_by("-number")


def version_numbered(*, merchant_id: int, number: int) -> PolicyVersion:
    """Raises ``NotFound``, also for a number that no column could hold."""
    return existing(
        of_merchant(merchant_id=merchant_id).filter(number=number).first() if number < 2**31 else None, "version"
    )


_NONE_YET = "no policy is in force yet"


def in_force(*, merchant_id: int, at: datetime) -> PolicyVersion:
    """The version that judges a request made at this instant. Raises ``NotFound`` where there is none yet."""
    version = _begun(merchant_id, at).select_related("published_by").first()
    if version is None:
        raise NotFound(_NONE_YET)
    return version


def _begun(merchant_id: int, at: datetime) -> QuerySet[PolicyVersion]:
    rows = PolicyVersion.objects.filter(merchant_id=merchant_id, effective_from__lte=at)
    return rows.order_by("-effective_from", "-number")


def scheduled(*, merchant_id: int, at: datetime) -> list[PolicyVersion]:
    """Published, and not in force yet; the next one first."""
    rows = of_merchant(merchant_id=merchant_id).filter(effective_from__gt=at)
    return list(rows.order_by("effective_from", "-number"))


@lru_cache(maxsize=512)
def rules_of(version_id: int) -> Rules:
    """The typed rules of a version. Versions never change, so a process may keep them."""
    return read_rules(PolicyVersion.objects.values_list("rules", flat=True).get(pk=version_id))


def store_codes(rules: Rules, *, merchant_id: int) -> Mapping[int, str]:
    """The codes of a merchant's stores by their id, for ``Rules.tier_for``; none where no store has a tier of its own."""
    if not any(tier.stores is not None for tier in rules.tiers):
        return {}
    return dict(Store.objects.filter(merchant_id=merchant_id).values_list("pk", "code"))


def rules_in_force(*, merchant_id: int, at: datetime) -> Rules:
    """The rules of this instant: limits are those of now, not those of the day of submission."""
    version_id = _begun(merchant_id, at).values_list("pk", flat=True).first()
    if version_id is None:
        raise NotFound(_NONE_YET)
    return rules_of(version_id)
