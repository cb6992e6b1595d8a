"""Who is at the desk at this moment: said by the open page every three seconds, in the cache and nowhere else."""

from collections.abc import Iterable
from uuid import UUID

from django.core.cache import cache

#: A page that was closed says so; one that died with its browser counts for so long.
HERE_FOR_S = 9
#: What somebody is to see next is kept from colleagues for so long; desk.js fetches it anew before that is over.
NEXT_FOR_S = 60


def come(staff_id: int) -> None:
    """Note that somebody is at the desk."""
    cache.set(_key(staff_id), True, HERE_FOR_S)  # noqa: FBT003 - the cache's value


def go(staff_id: int) -> None:
    """Note that somebody has left it."""
    cache.delete(_key(staff_id))


def here(staff_ids: Iterable[int]) -> frozenset[int]:
    """Those of these people who have the desk before them."""
    keys = {_key(pk): pk for pk in staff_ids}
    return frozenset(keys[key] for key in cache.get_many(keys)) if keys else frozenset()


def take(request_id: UUID, *, staff_id: int) -> bool:
    """Whether this person, of all who ask at once, is to see the refund next. A cache that is away keeps nobody from anything."""
    if cache.add(_next(request_id), staff_id, NEXT_FOR_S):
        return True
    if cache.get(_next(request_id), staff_id) != staff_id:
        return False
    cache.touch(_next(request_id), NEXT_FOR_S)
    return True


def let_go(request_id: UUID, *, staff_id: int) -> None:
    """It may be somebody else's next."""
    if cache.get(_next(request_id)) == staff_id:
        cache.delete(_next(request_id))


def taken(request_ids: Iterable[UUID], *, but: int) -> frozenset[UUID]:
    """Those of these refunds that are another person's next."""
    keys = {_next(request_id): request_id for request_id in request_ids}
    return frozenset(keys[key] for key, pk in cache.get_many(keys).items() if pk != but) if keys else frozenset()


def _next(request_id: UUID) -> str:
    return f"desk:next:{request_id}"


def _key(staff_id: int) -> str:
    return f"desk:here:{staff_id}"
