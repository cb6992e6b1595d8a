"""Who acts. Every change names one."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    STAFF = "staff"
    API_KEY = "api_key"
    CUSTOMER = "customer"
    CHANNEL = "channel"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """``id`` is the row of that kind (empty for the system); ``name`` is what the timeline shows, never a customer's."""

    kind: ActorKind
    id: str = ""
    name: str = ""


SYSTEM = Actor(ActorKind.SYSTEM, "", "system")
POLICY = Actor(ActorKind.SYSTEM, "", "policy")
CUSTOMER = Actor(ActorKind.CUSTOMER, "", "customer")


def channel(code: str) -> Actor:
    """The payment channel that called back or was asked."""
    return Actor(ActorKind.CHANNEL, code, code)
