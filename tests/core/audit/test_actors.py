"""Who acts, as an event names them."""

from __future__ import annotations

from core.audit import actors
from core.audit.actors import Actor, ActorKind


def test_actors_of_ours_are_told_apart_and_a_customer_has_no_name() -> None:
    assert (actors.SYSTEM.kind, actors.POLICY.kind) == (ActorKind.SYSTEM, ActorKind.SYSTEM)
    assert actors.SYSTEM != actors.POLICY
    assert Actor(ActorKind.CUSTOMER, "", "customer") == actors.CUSTOMER


def test_channel_is_named_by_its_code() -> None:
    assert actors.channel("wechat") == Actor(ActorKind.CHANNEL, "wechat", "wechat")
