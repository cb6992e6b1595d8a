"""Who is looking at which refund right now. A courtesy between colleagues, kept in the cache and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.core.cache import cache

from merchants.models import Staff

#: A look counts for so long; an open page renews it.
LOOKS_FOR_S = 45
#: Who has looked at any refund within so long is on duty.
ON_DUTY_S = 15 * 60


def look(*, request_id: UUID, staff: Staff, at: datetime) -> None:
    """Note that this person has the refund before them."""
    key = _key(request_id)
    seen = {**_recent(cache.get(key) or {}, at), staff.pk: (staff.name, int(at.timestamp()))}
    cache.set(key, seen, LOOKS_FOR_S)
    cache.set(_duty(staff.pk), True, ON_DUTY_S)  # noqa: FBT003


def viewers(*, request_ids: Iterable[UUID], but: Staff, at: datetime) -> Mapping[UUID, list[str]]:
    """The names of the others who look at these refunds."""
    keys = {_key(request_id): request_id for request_id in request_ids}
    if not keys:
        return {}
    return {
        keys[key]: [name for pk, (name, _) in sorted(_recent(seen, at).items()) if pk != but.pk]
        for key, seen in cache.get_many(keys).items()
    }


def on_duty(staff: Iterable[Staff]) -> list[Staff]:
    """Those of these people who are at the desk."""
    people = {_duty(one.pk): one for one in staff}
    return [people[key] for key in cache.get_many(people)] if people else []


def _recent(seen: Mapping[int, tuple[str, int]], at: datetime) -> dict[int, tuple[str, int]]:
    since = int(at.timestamp()) - LOOKS_FOR_S
    return {pk: (name, when) for pk, (name, when) in seen.items() if when > since}


def _key(request_id: UUID) -> str:
    return f"desk:viewers:{request_id}"


def _duty(staff_id: int) -> str:
    return f"desk:duty:{staff_id}"
