"""Who calls the API: a key's client, or a member of staff in their browser."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from core.audit.actors import Actor, ActorKind
from merchants.api_keys import Client
from merchants.models import Staff
from refunds.flow.intake import Requester


@dataclass(frozen=True)
class Caller:
    """Exactly one of ``client`` and ``staff`` is set. DRF knows it as ``request.user``."""

    client: Client | None = None
    staff: Staff | None = None

    is_authenticated = True

    @property
    def merchant_id(self) -> int:
        if self.client is not None:
            return self.client.merchant_id
        assert self.staff is not None
        return self.staff.merchant_id

    @cached_property
    def store_ids(self) -> frozenset[int] | None:
        """The stores this caller may see; None means all of the merchant's."""
        if self.client is not None:
            return None if self.client.store_id is None else frozenset({self.client.store_id})
        assert self.staff is not None
        return frozenset(self.staff.stores.values_list("pk", flat=True)) or None

    @property
    def actor(self) -> Actor:
        if self.client is not None:
            return Actor(ActorKind.API_KEY, str(self.client.key_id), self.client.key_name)
        assert self.staff is not None
        return self.staff.actor

    @property
    def principal(self) -> str:
        """Whose idempotency keys these are."""
        return f"key:{self.client.key_id}" if self.client is not None else f"staff:{self.actor.id}"

    def requester(self) -> Requester:
        return Requester(
            actor=self.actor,
            merchant_id=self.merchant_id,
            store_ids=self.store_ids,
            staff_id=self.staff.pk if self.staff else None,
            api_key_id=self.client.key_id if self.client else None,
        )
