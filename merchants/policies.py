"""Publishing a policy version and knowing which one is in force."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction

from core.audit.record import record
from core.errors import Forbidden
from merchants.models import Merchant, PolicyVersion, Role, Staff
from merchants.policy_rules import Rules, read_rules


@transaction.atomic
def publish(*, merchant: Merchant, name: str, rules: dict[str, Any], by: Staff, at: datetime) -> PolicyVersion:
    """Put new rules in force from ``at``. Raises ``PolicyInvalid`` for rules that cannot be read."""
    if by.merchant_id != merchant.pk or by.role not in {Role.OWNER, Role.MANAGER}:
        raise Forbidden("only an owner or manager may change the policy", code="role_required")
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
        published_by=by,
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
