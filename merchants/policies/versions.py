"""Publishing a policy version and knowing which one is in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction

from core.audit.record import record
from merchants.models import Merchant, PolicyVersion, Store
from merchants.policies.rules import Rules, read_rules
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may


@transaction.atomic
def publish(*, merchant: Merchant, name: str, rules: dict[str, Any], by: Principal, at: datetime) -> PolicyVersion:
    """Put new rules in force from ``at``. Raises ``PolicyInvalid`` for rules that cannot be read."""
    check_may(Act.PUBLISH_POLICY, by=by, subject=Subject(merchant_id=merchant.pk, store_id=None))
    read_rules(rules)
    Merchant.objects.select_for_update().get(pk=merchant.pk)
    latest = PolicyVersion.objects.filter(merchant=merchant).order_by("-number").first()
    version = PolicyVersion.objects.create(
        merchant=merchant,
        number=latest.number + 1 if latest else 1,
        name=name,
        rules=rules,
        effective_from=at,
        published_at=at,
        published_by_id=by.staff_id,
    )
    record(
        merchant_id=merchant.pk,
        by=by.actor,
        action="policy.publish",
        object_type="policy_version",
        object_id=version.pk,
        at=at,
        data={"number": version.number},
    )
    return version


def in_force(*, merchant_id: int, at: datetime) -> PolicyVersion:
    """The version that judges a request made at this instant."""
    return (
        PolicyVersion.objects.filter(merchant_id=merchant_id, effective_from__lte=at)
        .order_by("-effective_from", "-number")[:1]
        .get()
    )


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
    return rules_of(in_force(merchant_id=merchant_id, at=at).pk)
