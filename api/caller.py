"""Who calls the API: a key's client, or a member of staff in their browser."""

from dataclasses import dataclass

from merchants.api_keys import Client
from merchants.principals import Principal


@dataclass(frozen=True, slots=True)
class Caller:
    """DRF knows it as ``request.user``. ``by`` is who acts; ``client`` is what else is known of a key."""

    by: Principal
    client: Client | None = None

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def merchant_id(self) -> int:
        return self.by.acting_for

    @property
    def store_ids(self) -> frozenset[int] | None:
        """The stores this caller may see; None means all of the merchant's."""
        return self.by.stores

    @property
    def principal(self) -> str:
        """Whose idempotency keys and whose share of the calls these are."""
        return f"{self.by.kind}:{self.by.actor.id}"
