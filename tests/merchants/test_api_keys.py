"""Issuing, rotating, revoking and recognising API keys."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Forbidden, Invalid
from merchants import api_keys, mandates
from merchants.models import ApiKey, KeyScope, Merchant, Store
from merchants.principals import Principal, of_staff
from tests.factories import make_staff

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def _issue(merchant: Merchant, by: Principal) -> tuple[ApiKey, str, str]:
    return api_keys.issue(
        merchant=merchant, name="till 1", scopes=[KeyScope.REFUNDS_READ], by=by, at=NOW, all_stores=True, signed=True
    )


def test_issued_key_is_recognised_with_its_secret_and_stored_hashed(merchant: Merchant, owner: Principal) -> None:
    row, key, secret = _issue(merchant, owner)
    client = api_keys.recognise(key)
    assert client is not None
    assert (client.principal.key_id, client.principal.person_id) == (row.pk, owner.staff_id)
    assert client.signing_secret == secret
    assert key.encode() not in bytes(row.hash)
    assert api_keys.recognise(key + "x") is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scopes": []}, "unknown_scope"),
        ({"scopes": ["all"]}, "unknown_scope"),
        ({"all_stores": False}, "unknown_store"),
    ],
)
def test_key_when_scope_or_store_is_unknown_is_not_issued(
    merchant: Merchant, owner: Principal, changes: dict[str, object], code: str
) -> None:
    asked = {"scopes": [KeyScope.REFUNDS_READ], "all_stores": True, **changes}
    with pytest.raises(Invalid) as refused:
        api_keys.issue(merchant=merchant, name="x", by=owner, at=NOW, **asked)  # type: ignore[arg-type]
    assert refused.value.code == code
    assert not ApiKey.objects.exists()


def test_key_of_all_stores_is_not_issued_by_who_works_in_one(merchant: Merchant) -> None:
    store = Store.objects.get(merchant=merchant)
    with pytest.raises(Forbidden):
        _issue(merchant, of_staff(make_staff(merchant, "manager", stores=[store])))
    assert not ApiKey.objects.exists()


def test_rotated_key_works_beside_the_new_one_until_its_overlap_ends(merchant: Merchant, owner: Principal) -> None:
    row, key, _ = _issue(merchant, owner)
    with pytest.raises(Invalid):
        api_keys.rotate(key=row, by=owner, at=NOW, typed_name="another")
    _, new, _ = api_keys.rotate(key=row, by=owner, at=NOW, typed_name=" till  1 ", overlap=timedelta(hours=1))
    assert api_keys.recognise(key)
    assert api_keys.recognise(new)
    with pytest.raises(api_keys.KeyReplaced):
        api_keys.rotate(key=row, by=owner, at=NOW, typed_name="till 1")
    ApiKey.objects.filter(pk=row.pk).update(expires_at=NOW - timedelta(seconds=1))
    api_keys.forget_known()
    assert api_keys.recognise(key) is None


def test_revoked_key_is_dead_and_each_act_is_in_the_trail(merchant: Merchant, owner: Principal) -> None:
    row, key, _ = _issue(merchant, owner)
    for _ in range(2):
        api_keys.revoke(key=row, by=owner, at=NOW, typed_name="till 1")
    assert api_keys.recognise(key) is None
    events = AuditEvent.objects.filter(object_type="api_key", object_id=str(row.pk)).order_by("pk")
    assert [event.action for event in events] == ["api_key.issue", "api_key.revoke"]
    assert {event.data["prefix"] for event in events} == {row.prefix}


def test_key_that_another_process_revokes_is_refused_within_half_a_second(
    merchant: Merchant, owner: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, key, _ = _issue(merchant, owner)
    assert api_keys.recognise(key)
    ApiKey.objects.filter(pk=row.pk).update(revoked_at=NOW)
    assert api_keys.recognise(key), "known for a moment: no look into the database"
    later = monotonic() + api_keys.KNOWN_FOR_S
    monkeypatch.setattr(api_keys, "monotonic", lambda: later)
    assert api_keys.recognise(key) is None
    assert api_keys.KNOWN_FOR_S <= 0.5


def test_key_that_is_revoked_here_is_refused_at_once(merchant: Merchant, owner: Principal) -> None:
    row, key, _ = _issue(merchant, owner)
    assert api_keys.recognise(key)
    api_keys.revoke(key=row, by=owner, at=NOW, typed_name="till 1")
    assert api_keys.recognise(key) is None


def test_known_key_whose_overlap_ends_meanwhile_is_refused(merchant: Merchant, owner: Principal) -> None:
    row, key, _ = _issue(merchant, owner)
    ApiKey.objects.filter(pk=row.pk).update(expires_at=timezone.now() + timedelta(seconds=0.2))
    assert api_keys.recognise(key)
    ends_at = ApiKey.objects.get(pk=row.pk).expires_at
    assert ends_at is not None
    while timezone.now() < ends_at:
        pass
    assert api_keys.recognise(key) is None


def test_use_of_a_key_is_written_down_once_in_a_while(merchant: Merchant, owner: Principal) -> None:
    row, key, _ = _issue(merchant, owner)
    assert row.last_used_at is None
    api_keys.recognise(key)
    first = ApiKey.objects.get(pk=row.pk).last_used_at
    api_keys.forget_known()
    api_keys.recognise(key)
    assert first is not None
    assert ApiKey.objects.get(pk=row.pk).last_used_at == first
    ApiKey.objects.update(last_used_at=first - api_keys.USE_NOTED_EVERY)
    api_keys.forget_known()
    api_keys.recognise(key)
    assert ApiKey.objects.get(pk=row.pk).last_used_at > first - timedelta(minutes=1)  # type: ignore[operator]


@pytest.mark.parametrize("scopes", [["transactions:correct"], ["refunds:read", "transactions:correct"]])
def test_key_does_not_do_what_its_maker_may_not(merchant: Merchant, owner: Principal, scopes: list[str]) -> None:
    """A manager sets no sale right, and makes or renews no key that does."""
    manager = of_staff(make_staff(merchant, "manager"))
    with pytest.raises(api_keys.ScopeAboveOwn):
        api_keys.issue(merchant=merchant, name="x", scopes=scopes, by=manager, at=NOW, all_stores=True)
    assert not ApiKey.objects.exists()
    row, _, _ = api_keys.issue(merchant=merchant, name="x", scopes=scopes, by=owner, at=NOW, all_stores=True)
    with pytest.raises(api_keys.ScopeAboveOwn):
        api_keys.rotate(key=row, by=manager, at=NOW, typed_name="x")
    assert ApiKey.objects.get().expires_at is None
    others = [scope for scope in KeyScope.values if scope not in scopes]
    api_keys.issue(merchant=merchant, name="y", scopes=others, by=manager, at=NOW, all_stores=True)


def test_mandate_that_is_taken_away_and_set_anew_counts_on(merchant: Merchant, owner: Principal) -> None:
    """Neither rotating nor taking the limits away for a moment gives a key its day anew."""
    limits = mandates.read({"max_fen_day": 1_000})
    first, _, _ = _issue(merchant, owner)
    api_keys.set_mandate(key=first, mandate=limits, by=owner, at=NOW)
    second, _, _ = api_keys.rotate(key=first, by=owner, at=NOW, typed_name="till 1")
    third, _, _ = api_keys.rotate(key=second, by=owner, at=NOW, typed_name="till 1")
    for mandate in (None, limits):
        api_keys.set_mandate(key=third, mandate=mandate, by=owner, at=NOW)
    assert ApiKey.objects.get(pk=third.pk).mandate == {"max_fen_day": 1_000, "counted_as": first.pk}
    assert ApiKey.objects.get(pk=first.pk).mandate == {"max_fen_day": 1_000}
