"""The table as a page, and what existing rows mean under it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from core.errors import Forbidden, Invalid
from merchants import api_keys, rights
from merchants.models import ApiKey, KeyScope, Role
from merchants.principals import folded_codes, of_staff
from merchants.rights import TABLE, Act, Subject, check_may
from tests.factories import make_merchant, make_staff, works_in

pytestmark = pytest.mark.django_db


def test_page_is_made_from_the_table_and_drift_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(settings.BASE_DIR) / "docs" / "rights.md").read_text(encoding="utf-8")
    assert page == rights.rights_page()
    assert all(f"`{act.value}`" in page for act in Act)
    call_command("rights", "--check")
    monkeypatch.setattr("merchants.management.commands.rights.rights_page", lambda: "another table")
    with pytest.raises(CommandError):
        call_command("rights", "--check")


def test_every_act_has_its_line() -> None:
    assert set(TABLE) == set(Act)
    for act, right in TABLE.items():
        assert bool(right.scope) == bool(right.key), act
        assert right.scope in {"", *KeyScope.values}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C017", "c017"),
        ("Ｃ０１７", "C017"),
        (" li.na ", "LI.NA"),
        ("Straße", "STRASSE"),
        ("C0\u200b17", "C017"),
        ("C017\ufe0f", "C017"),
        ("li  na", "li na"),
    ],
)
def test_codes_are_one_however_they_are_written(one: str, other: str) -> None:
    assert folded_codes([one]) == folded_codes([other]) != frozenset()


def test_issue_key_when_no_store_is_named_makes_none() -> None:
    merchant, other = make_merchant(), make_merchant()
    by = of_staff(make_staff(merchant, Role.OWNER))
    make: dict[str, Any] = {
        "merchant": merchant,
        "name": "k",
        "scopes": ["refunds:read"],
        "by": by,
        "at": merchant.created_at,
    }
    store, foreign = merchant.stores.get(), other.stores.get()
    wrong: list[dict[str, Any]] = [{}, {"store": None}, {"store": foreign}, {"store": store, "all_stores": True}]
    for where in wrong:
        with pytest.raises(Invalid) as refused:
            api_keys.issue(**make, **where)
        assert refused.value.code == "unknown_store"
    assert not ApiKey.objects.exists()


def test_manager_of_one_store_when_the_key_is_for_all_is_refused() -> None:
    merchant = make_merchant()
    manager = make_staff(merchant, Role.MANAGER)
    works_in(manager, merchant.stores.get())
    make: dict[str, Any] = {"merchant": merchant, "name": "k", "scopes": ["refunds:read"], "at": merchant.created_at}
    with pytest.raises(Forbidden):
        api_keys.issue(**make, by=of_staff(manager), all_stores=True)
    assert not ApiKey.objects.exists()
    whole, _, _ = api_keys.issue(**make, by=of_staff(make_staff(merchant, Role.OWNER)), all_stores=True)
    with pytest.raises(Forbidden):
        api_keys.revoke(key=whole, by=of_staff(manager), at=merchant.created_at, typed_name=whole.name)
    assert ApiKey.objects.get().revoked_at is None


def test_recognise_is_one_statement_with_the_person_behind_the_key(django_assert_num_queries: object) -> None:
    merchant = make_merchant()
    maker = make_staff(merchant, Role.OWNER, till_codes=["C017"])
    row, key, _ = api_keys.issue(
        merchant=merchant,
        name="k",
        scopes=["refunds:read"],
        by=of_staff(maker),
        at=merchant.created_at,
        store=merchant.stores.get(),
    )
    # The first use in a while is written down.
    api_keys.recognise(key)
    api_keys.forget_known()
    with django_assert_num_queries(1):  # type: ignore[operator]
        client = api_keys.recognise(key)
    assert client is not None
    by = client.principal
    assert (by.key_id, by.person_id, by.stores) == (row.pk, maker.pk, frozenset({row.store_id}))
    assert by.has_code("c017")
    assert by.has_code(maker.username.upper())


@pytest.mark.parametrize("act", [Act.ADOPT, Act.TAKE_STATEMENT])
def test_what_is_of_the_whole_merchant_is_not_for_who_works_in_the_one_store_that_it_is_about(act: Act) -> None:
    merchant = make_merchant()
    store = merchant.stores.get()
    subject = Subject(merchant_id=merchant.pk, store_id=store.pk)
    check_may(act, by=of_staff(make_staff(merchant, "finance")), subject=subject)
    with pytest.raises(Forbidden) as refused:
        check_may(act, by=of_staff(make_staff(merchant, "finance", stores=[store])), subject=subject)
    assert refused.value.code == "all_stores_required"
