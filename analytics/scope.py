"""Whose refunds are counted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from core.errors import FieldError, Invalid
from merchants.models import Store


class UnknownStore(Invalid):
    """The merchant has no such store, or not one that this caller may see."""

    code = "unknown_store"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """``store_ids`` None means every store of the merchant, an empty tuple none of them; no channel means all."""

    merchant_id: int
    store_ids: tuple[int, ...] | None = None
    channel: str = ""


def narrowed(
    *, merchant_id: int, store_ids: Collection[int] | None, store_code: str = "", channel: str = ""
) -> Selection:
    """What a caller who may see ``store_ids`` (None: all) gets when they ask for one store or channel.

    Raises ``UnknownStore``.
    """
    ids = None if store_ids is None else tuple(sorted(store_ids))
    if store_code:
        found = Store.objects.filter(merchant_id=merchant_id, code=store_code).values_list("pk", flat=True).first()
        if found is None or (ids is not None and found not in ids):
            message = "there is no such store"
            raise UnknownStore(message, errors=[FieldError("store", UnknownStore.code, message)])
        ids = (found,)
    return Selection(merchant_id=merchant_id, store_ids=ids, channel=channel)
