"""Every act, by every kind of principal, of one's own and another's, in one's own store and another, through the domain, through
REST and at the desk: what comes of it is what the table says, and a refusal leaves no trace.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from api.urls import urlpatterns
from core.errors import DomainError, Forbidden, Invalid, NotFound
from merchants import rights
from merchants.models import ApiKey, KeyScope, Store
from merchants.principals import Principal
from merchants.rights import TABLE, Act
from refunds.facts import conditions
from refunds.payouts import redirecting
from tests import pictures
from tests.rights import (
    follow_up_cases,
    goods_cases,
    intake_cases,
    merchants_cases,
    payouts_cases,
    reconciliation_cases,
    review_cases,
    terminals_cases,
)
from tests.rights.cases import Form, later, rooms
from tests.rights.world import ABOUT, Who, World, belongs_to, expected, matters, ownerships
from tests.together import rolled_back

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]  # its refunds were put where they are by hand

_ROOMS = rooms(
    terminals_cases,
    intake_cases,
    review_cases,
    goods_cases,
    payouts_cases,
    follow_up_cases,
    reconciliation_cases,
    merchants_cases,
)
_DOMAIN = {act: case for room in _ROOMS for act, case in room.DOMAIN.items()}
_REST = [call for room in _ROOMS for call in room.REST]
_DESK = [page for room in _ROOMS for page in room.DESK]

#: What may come of an act that was let through, where its world is not whole enough to carry it out.
_AFTER: dict[Act, frozenset[str]] = {
    Act.REDIRECT: frozenset({"original_route_impossible"}),
    Act.REDIRECT_TO_PERSON: frozenset({"original_route_impossible"}),
    Act.TAKE_STATEMENT: frozenset({"account_unusable", "bill_unreadable"}),
    Act.ADOPT: frozenset({"cannot_adopt"}),
    Act.CLOSE_DAY: frozenset({"bill_missing"}),
}


#: A test is one transaction, and while it is open nothing newer is sealed or told anywhere in the cluster.
_PARTS = 4
_IN_PARTS = pytest.mark.parametrize("part", range(_PARTS))


@pytest.fixture
def world(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(redirecting, "adapter_for", lambda *_: object())
    return World()


# --- through the domain ---------------------------------------------------------------------------------------------


def _domain_answer(world: World, act: Act, by: Principal) -> str:
    """ "" where it was let through; the refusal's code, or what went wrong instead."""
    try:
        _DOMAIN[act](world, by)
    except (Forbidden, NotFound) as error:
        return error.code
    except DomainError as error:
        known = error.code in _AFTER.get(act, ()) or (isinstance(error, Invalid) and error.code == "unknown_store")
        return (error.code if error.code == "unknown_store" else "") if known else f"unexpected {error.code}"
    return ""


@_IN_PARTS
def test_table_through_the_domain(world: World, part: int) -> None:
    assert set(_DOMAIN) == set(ABOUT) == set(TABLE) == set(Act), "an act has no case here"
    assert len(_DOMAIN) == sum(len(room.DOMAIN) for room in _ROOMS), "two rooms have a case of one act"
    everybody = [*world.people(), *world.keys(), *world.others()]
    before = world.state()
    wrong: list[str] = []
    for act in [*Act][part::_PARTS]:
        for who in everybody:
            for own in ownerships(act, who):
                with rolled_back():
                    belongs_to(world, act, who, own=own)
                    answer = _domain_answer(world, act, who.by)
                    if (not answer) != expected(act, who, own=own):
                        wrong.append(f"{act} by {who}, own={own}: {answer or 'let through'}")
                    elif answer and world.state() != before:
                        wrong.append(f"{act} by {who}, own={own}: refused, and something changed")
    assert not wrong, "\n".join(wrong)
    assert world.state() == before


def test_every_refund_condition_is_carried_out() -> None:
    named = {condition for right in TABLE.values() for condition in right.conditions}
    assert named <= set(conditions._CHECKS)
    assert set(conditions._CHECKS) == set(rights.CONDITIONS)


# --- through REST -----------------------------------------------------------------------------------------------------


def _names(world: World) -> dict[str, str]:
    """What stands in an address for what is there; a refund's step for its number at the desk, its identity in the API."""
    return {
        "sale": str(world.sale.pk),
        "held_sale": str(world.held_sale.pk),
        "case": str(world.case.pk),
        "report": str(world.report.pk),
        "incident": str(world.incident.pk),
        "difference": str(world.difference.pk),
        "draft": str(world.draft.pk),
        "store": world.store.code,
        "account": world.account.code,
        "endpoint": str(world.endpoint.pk),
        "batch": str(world.batch.pk),
        "key": str(world.store_key.pk),
        "key_name": world.store_key.name,
        "shift": str(world.shift.pk),
        "till": str(world.free_till.pk),
        "asker": str(world.asker.pk),
        "decider": str(world.decider.staff_id),
        "reset": str(world.reset.pk),
        "message": str(world.dead_message.pk),
    }


def _rest_answer(world: World, who: Who, client: Client, method: str, path: str, body: Any) -> int:
    names = _names(world) | {step: str(request.pk) for step, request in world.requests.items()}
    if "{own_store}" in path:
        own = Store.objects.filter(merchant_id=who.by.acting_for).order_by("pk").values_list("code", flat=True)
        names["own_store"] = own[0]
    path = "/api/v1/" + path.format(**names)
    sent = body(world, who) if callable(body) else body
    headers = {"Idempotency-Key": f"{who}-{timezone.now().timestamp()}"}
    if sent is None:
        return client.generic(method, path, headers=headers).status_code
    if isinstance(sent, Form):
        return client.post(path, sent, headers=headers).status_code
    return client.generic(method, path, json.dumps(sent), content_type="application/json", headers=headers).status_code


def _client(who: Who) -> Client:
    """Their browser, or their key."""
    client = Client(headers={"authorization": f"Bearer {who.secret}"} if who.secret else {})
    if who.staff is not None:
        client.force_login(who.staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


@_IN_PARTS
def test_table_through_rest(world: World, part: int) -> None:
    named = {(act, method) for act, method, _, _ in _REST}
    views: list[Any] = [getattr(pattern.callback, "view_class", None) for pattern in urlpatterns]
    served = {(act, method) for view in views for method in view.acts for act in view.acts_of(method)}
    assert named == served, "a call of the API has no case here"
    everybody = [(who, _client(who)) for who in (*world.people(), *world.keys())]
    before = world.state()
    wrong: list[str] = []
    for act, method, path, body in _REST[part::_PARTS]:
        for who, client in everybody:
            for own in ownerships(act, who) if matters(act, who) else ():
                with rolled_back():
                    belongs_to(world, act, who, own=own)
                    status = _rest_answer(world, who, client, method, path, body)
                    # Rubbish for a statement, a channel that does not answer: whoever may ask is told.
                    good = {Act.TAKE_STATEMENT: {422}, Act.ADOPT: {409}}.get(act, {200, 201, 204})
                    wrong += _judged(f"{method} {path}", act, who, own, status, good, world, before)
    assert not wrong, "\n".join(wrong)


def _judged(
    what: str, act: Act, who: Who, own: bool, status: int, good: set[int], world: World, before: str
) -> Iterator[str]:
    allowed = expected(act, who, own=own)
    refused = {403, 404, 422} if act in (Act.REPORT_SALE, Act.REPORT_INCIDENT) else {403, 404}
    if status not in (good if allowed else refused):
        yield f"{what} by {who}, own={own}: {status}"
    elif not allowed and world.state() != before:
        yield f"{what} by {who}, own={own}: refused, and something changed"


# --- at the desk ------------------------------------------------------------------------------------------------------

#: What a person does elsewhere than at the desk, or cannot do at all.
_NOT_AT_THE_DESK = {
    Act.REPORT_SALE,
    Act.REPORT_TILL,
    Act.RATE,
    Act.ERASE_OWN,
    Act.CONSENT,
    # Its page says a conflict as it says a refusal; the domain's case and a test of its own hold them apart.
    Act.REDIRECT,
    Act.REDIRECT_TO_PERSON,
}


def _desk_answer(world: World, client: Client, method: str, path: str, fields: dict[str, Any]) -> int:
    names = _names(world) | {step: request.number for step, request in world.requests.items()}
    path = path.format(**names)
    if method == "GET":
        return client.get(path, fields).status_code
    if path.endswith("/rotate"):
        # Nobody makes a key anew that does what they may not do themselves.
        ApiKey.objects.filter(pk=world.store_key.pk).update(scopes=[KeyScope.REFUNDS_READ])
    data: dict[str, Any] = {}
    for name, value in fields.items():
        data[name] = value.format(**names)
        if value == "picture":
            data[name] = pictures.upload()
        elif value == "rubbish":
            data[name] = SimpleUploadedFile("bill.csv", b"?")
        elif value == "later":
            data[name] = timezone.localtime(later()).strftime("%Y-%m-%dT%H:%M")
        elif value == "now":
            data[name] = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
    answer = client.post(path, data)
    # A payout by hand is shown once more before it is recorded.
    sealed = re.search(r'name="confirmation" value="([^"]+)"', answer.content.decode())
    return client.post(path, {"confirmation": sealed[1]}).status_code if sealed else answer.status_code


@_IN_PARTS
def test_table_at_the_desk(world: World, part: int) -> None:
    assert {act for act, *_ in _DESK} | _NOT_AT_THE_DESK == set(Act), "an act has no case here"
    everybody = [(who, _client(who)) for who in world.people()]
    before = world.state()
    wrong: list[str] = []
    for act, method, path, fields in _DESK[part::_PARTS]:
        for who, client in everybody:
            for own in ownerships(act, who) if matters(act, who) else ():
                with rolled_back():
                    belongs_to(world, act, who, own=own)
                    status = _desk_answer(world, client, method, path, fields)
                    wrong += _judged(f"{method} {path}", act, who, own, status, {200, 302}, world, before)
    assert not wrong, "\n".join(wrong)
