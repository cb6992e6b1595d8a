"""What cases of the table are made of. Each module beside this one, ``*_cases``, has those of a room: DOMAIN, REST and DESK."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from inspect import signature
from typing import Any, Protocol, cast

from django.utils import timezone

from merchants import rights
from merchants.principals import Kind, Principal
from merchants.rights import Act
from refunds.evidence import files
from refunds.models import RefundRequest
from tests import pictures
from tests.rights.world import Who, World

#: Does the act; what it returns says nothing.
Domain = Callable[[World, Principal], object]
#: (act, method, path below /api/v1, body or what makes it); {waiting} and the like are refunds by their step.
Call = tuple[Act, str, str, Any]
#: (act, method, path, fields); "later", "now", "picture" and "rubbish" stand for what they say.
Page = tuple[Act, str, str, dict[str, Any]]


class Cases(Protocol):
    """A room's."""

    DOMAIN: dict[Act, Domain]
    REST: list[Call]
    DESK: list[Page]


class Form(dict[str, Any]):
    """A body with a file in it; any other is sent as JSON."""


PICTURE = files.read_picture(upload=pictures.upload())


def on(step: str, act: Callable[..., object], **more: Any) -> Domain:
    """An act on the refund at this step, as it was last seen."""

    def run(world: World, by: Principal) -> object:
        request = RefundRequest.objects.get(pk=world.requests[step].pk)
        versioned = {"version": request.version} if "version" in signature(act).parameters else {}
        return act(request_id=request.pk, by=by, at=timezone.now(), **{**versioned, **more})

    return run


def of_link(step: str, act: Callable[..., object], **more: Any) -> Domain:
    """An act that a customer has as well, by the link of this refund."""

    def run(world: World, by: Principal) -> object:
        request = world.requests[step]
        return act(request_id=request.pk, by=with_link(by, request), at=timezone.now(), **more)

    return run


def with_link(by: Principal, request: RefundRequest) -> Principal:
    """A customer of the refund's merchant gets its link; anybody else stays who they are."""
    theirs = by.kind is Kind.CUSTOMER and by.merchant_id == request.merchant_id
    return replace(by, request_id=request.pk) if theirs else by


def read(act: Act) -> Domain:
    return lambda _world, by: rights.check_may(act, by=by)


def later() -> datetime:
    return timezone.now() + timedelta(days=3)


def picture_sent(_world: World, _who: Who) -> Form:
    return Form(file=pictures.upload())


def rooms(*modules: object) -> list[Cases]:
    return [cast("Cases", module) for module in modules]
