"""People as the pages show them, and who looks at which refund right now: a courtesy, kept in the cache and nowhere else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.cache import cache

from merchants.models import Role, Staff
from merchants.principals import Principal
from refunds.models import RefundRequest
from refunds.review import assigning, presence

#: A look counts for so long; an open page renews it every three seconds (presence.js).
LOOKS_FOR_S = 7
#: Who has looked at any refund within so long is on duty.
ON_DUTY_S = 15 * 60


def look(*, request_id: UUID, staff: Staff, at: datetime) -> None:
    """Note that this person has the refund before them."""
    key = _key(request_id)
    seen = {**_recent(cache.get(key) or {}, at), staff.pk: (staff.name, int(at.timestamp()))}
    cache.set(key, seen, LOOKS_FOR_S)
    cache.set(_duty(staff.pk), True, ON_DUTY_S)  # noqa: FBT003 - the cache's value
    presence.come(staff.pk)


def has_before_them(request: RefundRequest, *, staff: Staff, by: Principal, at: datetime) -> None:
    """Note that this person has opened the refund: one that they were given stays on their desk."""
    look(request_id=request.pk, staff=staff, at=at)
    if request.claimed_by_id == staff.pk:
        assigning.opened(request_id=request.pk, by=by, at=at)


def leave(*, request_id: UUID, staff: Staff, at: datetime) -> None:
    """Note that this person no longer has it before them."""
    key = _key(request_id)
    seen = _recent(cache.get(key) or {}, at)
    if seen.pop(staff.pk, None):
        cache.set(key, seen, LOOKS_FOR_S)
    presence.let_go(request_id, staff_id=staff.pk)


def viewers(*, request_ids: Iterable[UUID], but: Staff, at: datetime) -> Mapping[UUID, list[str]]:
    """The names of the others who look at these refunds."""
    keys = {_key(request_id): request_id for request_id in request_ids}
    if not keys:
        return {}
    return {
        keys[key]: [name for pk, (name, _) in sorted(_recent(seen, at).items()) if pk != but.pk]
        for key, seen in cache.get_many(keys).items()
    }


def take_next(request: RefundRequest, *, staff: Staff, at: datetime) -> bool:
    """Whether this person, and no colleague, is to see the refund next: of two who ask at once one is told so. What a colleague
    has before them is nobody's next, but what one has claimed is always one's own.
    """
    if request.claimed_by_id == staff.pk:
        return True
    if viewers(request_ids=[request.pk], but=staff, at=at).get(request.pk):
        return False
    return presence.take(request.pk, staff_id=staff.pk)


def taken(requests: Iterable[RefundRequest], *, but: Staff, at: datetime) -> frozenset[UUID]:
    """Those of these refunds that a colleague has before them or is to see next, but none that one has claimed."""
    ids = [request.pk for request in requests if request.claimed_by_id != but.pk]
    looked_at = {request_id for request_id, names in viewers(request_ids=ids, but=but, at=at).items() if names}
    return presence.taken(ids, but=but.pk) | looked_at


def on_duty(staff: Iterable[Staff]) -> list[Staff]:
    """Those of these people who are at the desk."""
    here = {_duty(one.pk): one for one in staff}
    return [here[key] for key in cache.get_many(here)] if here else []


def _recent(seen: Mapping[int, tuple[str, int]], at: datetime) -> dict[int, tuple[str, int]]:
    since = int(at.timestamp()) - LOOKS_FOR_S
    return {pk: (name, when) for pk, (name, when) in seen.items() if when > since}


def _key(request_id: UUID) -> str:
    return f"desk:viewers:{request_id}"


def _duty(staff_id: int) -> str:
    return f"desk:duty:{staff_id}"


_TONES = "abcd"


@dataclass(frozen=True, slots=True)
class Person:
    """Name, first character and a colour that stays with the person."""

    name: str
    initial: str
    tone: str


def person(staff: Staff | None) -> Person | None:
    """None for nobody."""
    return None if staff is None else named(pk=staff.pk, name=staff.name)


def named(*, pk: int, name: str) -> Person:
    return Person(name, name[:1].upper() or "?", _TONES[pk % len(_TONES)])


def with_role(staff: Staff) -> str:
    """``Cashier 李婷``."""
    return f"{Role(staff.role).label} {staff.name}"
