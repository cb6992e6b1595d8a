"""Who looks at which refund right now."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.utils import timezone

from desk import people
from tests.desk.conftest import Shop

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def test_viewers_when_others_look_are_named_and_oneself_is_not(shop: Shop) -> None:
    request_id, other_id = uuid4(), uuid4()
    for one in (shop.reviewer, shop.colleague):
        people.look(request_id=request_id, staff=one, at=NOW)
    seen = people.viewers(request_ids=[request_id, other_id], but=shop.reviewer, at=NOW)
    assert seen == {request_id: [shop.colleague.name]}
    assert people.viewers(request_ids=[], but=shop.reviewer, at=NOW) == {}


def test_viewers_when_a_look_is_old_are_gone(shop: Shop) -> None:
    request_id = uuid4()
    people.look(request_id=request_id, staff=shop.colleague, at=NOW)
    later = NOW + timedelta(seconds=people.LOOKS_FOR_S + 1)
    assert people.viewers(request_ids=[request_id], but=shop.reviewer, at=later) == {request_id: []}


def test_on_duty_is_who_has_looked_at_anything(shop: Shop) -> None:
    people.look(request_id=uuid4(), staff=shop.colleague, at=NOW)
    assert people.on_duty([shop.colleague, shop.manager]) == [shop.colleague]
    assert people.on_duty([]) == []


def test_person_when_there_is_nobody_is_none_and_a_colour_stays(shop: Shop) -> None:
    assert people.person(None) is None
    first = people.person(shop.reviewer)
    assert first == people.person(shop.reviewer)
    assert first is not None
    assert (first.name, first.initial) == (shop.reviewer.name, shop.reviewer.name[0])
    assert people.named(pk=1, name="").initial == "?"


def test_viewers_when_somebody_leaves_are_without_them_at_once(shop: Shop) -> None:
    request_id = uuid4()
    people.look(request_id=request_id, staff=shop.colleague, at=NOW)
    people.leave(request_id=request_id, staff=shop.colleague, at=NOW)
    assert people.viewers(request_ids=[request_id], but=shop.reviewer, at=NOW) == {request_id: []}


def test_next_is_given_to_one_person_and_to_nobody_where_a_colleague_looks(shop: Shop) -> None:
    first, second, third = (shop.waiting() for _ in range(3))
    people.look(request_id=second.pk, staff=shop.colleague, at=NOW)
    assert people.take_next(first, staff=shop.reviewer, at=NOW)
    assert people.take_next(first, staff=shop.reviewer, at=NOW)
    assert not people.take_next(first, staff=shop.colleague, at=NOW)
    assert not people.take_next(second, staff=shop.reviewer, at=NOW)
    everything = [first, second, third]
    assert people.taken(everything, but=shop.reviewer, at=NOW) == {second.pk}
    assert people.taken(everything, but=shop.colleague, at=NOW) == {first.pk}
    # Whoever leaves it leaves it to others; what one has claimed is one's own whoever looks.
    people.leave(request_id=first.pk, staff=shop.reviewer, at=NOW)
    assert people.take_next(first, staff=shop.colleague, at=NOW)
    second.claimed_by = shop.reviewer
    assert people.take_next(second, staff=shop.reviewer, at=NOW)
    assert people.taken([second], but=shop.reviewer, at=NOW) == frozenset()


def test_next_when_the_cache_is_away_is_anybodys(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    request = shop.waiting()
    monkeypatch.setattr(cache, "add", lambda *_args: False)
    monkeypatch.setattr(cache, "get", lambda _key, default=None: default)
    for staff in (shop.reviewer, shop.colleague):
        assert people.take_next(request, staff=staff, at=NOW)
