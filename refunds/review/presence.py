"""Who is at the desk at this moment: said by the open page every three seconds, in the cache and nowhere else."""

from collections.abc import Iterable

from django.core.cache import cache

#: A page that was closed says so; one that died with its browser counts for so long.
HERE_FOR_S = 9


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


def _key(staff_id: int) -> str:
    return f"desk:here:{staff_id}"
