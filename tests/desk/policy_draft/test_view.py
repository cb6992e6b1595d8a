"""A draft at the desk: saved, refused with both texts, handed over, published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from desk.policy_draft import form
from merchants import policies
from merchants.models import PolicyDraft, PolicyVersion, Staff
from merchants.policies import drafting
from merchants.policies.drafting import Written
from merchants.principals import of_staff
from tests.desk.conftest import Shop
from tests.factories import RULES, make_merchant, make_staff

pytestmark = pytest.mark.django_db

SignIn = Callable[[Staff], Client]


def _form(draft: PolicyDraft, **changed: Any) -> dict[str, Any]:
    """The draft's form as a browser would send it, with these fields changed (``__`` for a dot)."""
    values = dict(form.values_of(Written(name=draft.name, rules=draft.rules, guides=draft.guides)))
    values |= {name.replace("__", "."): (value,) for name, value in changed.items()}
    return {**{name: list(texts) for name, texts in values.items()}, "revision": draft.revision}


def _shown(page: form.Form) -> dict[str, Any]:
    """What a browser would send of a page as it stands."""
    blocks = (*page.groups, *page.reasons, *page.exceptions, *page.tiers, *page.routes, *page.guides)
    shown = [page.name, *(one for block in blocks for one in (*block.fields, block.switch) if one is not None)]
    return {one.name: list(one.values) for one in shown if any(one.values)}


@pytest.fixture
def owner(shop: Shop) -> Staff:
    return make_staff(shop.merchant, "owner")


@pytest.fixture
def draft(shop: Shop) -> PolicyDraft:
    return drafting.start(by=of_staff(shop.manager), at=timezone.now())


def test_limit_that_is_raised_by_one_and_published_by_another(
    shop: Shop, owner: Staff, draft: PolicyDraft, as_staff: SignIn
) -> None:
    path = f"/desk/policy/drafts/{draft.pk}"
    manager, colleague = as_staff(shop.manager), as_staff(owner)
    assert manager.post(path, _form(draft, p__auto_approve_limit_fen="250")).status_code == 302
    page = manager.get(path)
    assert [(one.before, one.after) for one in page.context["changes"]] == [("¥200.00", "¥250.00")]
    ask = {"revision": 2, "reason": "客诉减少", "when": "now", "colleague": str(owner.pk)}
    assert manager.post(f"{path}/ask", ask).status_code == 302
    refused = manager.post(f"{path}/publish", {"revision": 2, "confirmed": "1"})
    assert (refused.status_code, PolicyVersion.objects.filter(merchant=shop.merchant).count()) == (403, 1)
    assert "asks you to look at a draft" in colleague.get("/desk/policy").content.decode()
    unread = colleague.post(f"{path}/publish", {"revision": 2})
    assert unread.status_code == 422
    assert colleague.post(f"{path}/publish", {"revision": 2, "confirmed": "1"}).status_code == 302
    assert policies.rules_in_force(merchant_id=shop.merchant.pk, at=timezone.now()).auto_approve_limit_fen == 25_000


def test_second_save_shows_what_a_colleague_saved_and_keeps_what_was_typed(
    shop: Shop, owner: Staff, draft: PolicyDraft, as_staff: SignIn
) -> None:
    path = f"/desk/policy/drafts/{draft.pk}"
    as_staff(owner).post(path, _form(draft, p__handling_minutes="45", p__auto_approve_limit_fen="120"))
    manager = as_staff(shop.manager)
    answer = manager.post(path, _form(draft, p__auto_approve_limit_fen="150", p__complex_handling_hours="48"))
    assert answer.status_code == 409
    told = [(one.before, one.after) for one in answer.context["meanwhile"]]
    assert told == [("¥200.00", "¥120.00"), ("30 minutes", "45 minutes")]
    shown = {one.name: one.value for group in answer.context["form"].groups for one in group.fields}
    assert (shown["p.auto_approve_limit_fen"], shown["p.complex_handling_hours"]) == ("150", "48")
    # Where only the colleague wrote it is theirs; the form goes on from their revision.
    assert shown["p.handling_minutes"] == "45"
    assert answer.context["draft"].revision == 2
    assert PolicyDraft.objects.get(pk=draft.pk).rules["auto_approve_limit_fen"] == 12_000


def test_two_who_write_one_draft_in_two_languages_lose_nothing_and_change_nothing_else(
    shop: Shop, owner: Staff, draft: PolicyDraft, as_staff: SignIn
) -> None:
    """Names with blanks and full-width commas, a list that one writes the Chinese way, and no value that a language alters."""
    path = f"/desk/policy/drafts/{draft.pk}"
    chinese, english = {"accept-language": "zh-CN"}, {"accept-language": "en"}
    rows = {"x__0__groups": "生鲜、冷冻，酒水", "x__0__extent": "none", "name": "秋季，退款"}
    first = as_staff(owner).post(path, _form(draft, **rows), headers=chinese)
    assert first.status_code == 302
    mine = _form(draft, p__auto_approve_limit_fen="1,250.50", p__excluded_groups="fresh, wine")
    manager = as_staff(shop.manager)
    refused = manager.post(path, mine, headers=english)
    assert refused.status_code == 409
    # What the page holds now is sent as it stands, by somebody who reads it in the other language.
    assert manager.post(path, {**_shown(refused.context["form"]), "revision": 2}, headers=chinese).status_code == 302
    saved = PolicyDraft.objects.get(pk=draft.pk)
    assert (saved.name, saved.revision) == ("秋季，退款", 3)
    assert saved.rules == {
        **RULES,
        "auto_approve_limit_fen": 125_050,
        "excluded_groups": ["fresh", "wine"],
        "exceptions": [{"groups": ["生鲜", "冷冻", "酒水"], "extent": "none"}],
    }
    # And untouched it says the same, in whichever language.
    for language in (chinese, english):
        assert manager.post(path, _form(saved), headers=language).status_code == 302
    assert PolicyDraft.objects.get(pk=draft.pk).revision == 3


def test_field_that_cannot_be_read_is_told_beside_it_and_nothing_is_saved(
    shop: Shop, draft: PolicyDraft, as_staff: SignIn
) -> None:
    answer = as_staff(shop.manager).post(
        f"/desk/policy/drafts/{draft.pk}", _form(draft, p__auto_approve_limit_fen="1e3")
    )
    assert answer.status_code == 422
    body = answer.content.decode()
    assert 'value="1e3"' in body
    assert "Write the amount in digits" in body
    assert PolicyDraft.objects.get(pk=draft.pk).revision == 1


def test_tiers_that_contradict_each_other_are_refused_with_all_that_was_typed(
    shop: Shop, draft: PolicyDraft, as_staff: SignIn
) -> None:
    answer = as_staff(shop.manager).post(f"/desk/policy/drafts/{draft.pk}", _form(draft, t__1__limit_fen="2000"))
    assert answer.status_code == 422
    assert 'value="2000"' in answer.content.decode()
    assert PolicyDraft.objects.get(pk=draft.pk).revision == 1


def test_one_person_alone_is_told_so_and_publishes_with_their_word(
    shop: Shop, draft: PolicyDraft, as_staff: SignIn
) -> None:
    Staff.objects.filter(merchant=shop.merchant).exclude(pk=shop.manager.pk).update(is_active=False)
    path, manager = f"/desk/policy/drafts/{draft.pk}", as_staff(shop.manager)
    manager.post(path, _form(draft, p__auto_approve_limit_fen="250"))
    assert "You are the only one here who may publish" in manager.get(path).content.decode()
    sent = {"revision": 2, "confirmed": "1", "reason": "一个人", "when": "now"}
    assert manager.post(f"{path}/publish", sent).status_code == 422
    assert manager.post(f"{path}/publish", {**sent, "alone": "1"}).status_code == 302
    assert "published alone" in manager.get("/desk/policy").content.decode()


def test_draft_is_discarded_and_stays_to_be_read(shop: Shop, draft: PolicyDraft, as_staff: SignIn) -> None:
    path, manager = f"/desk/policy/drafts/{draft.pk}", as_staff(shop.manager)
    assert manager.post(f"{path}/discard", {"revision": "1"}).status_code == 302
    assert "It was discarded." in manager.get(path).content.decode()
    assert manager.post(path, _form(draft, name="x")).status_code == 409


def test_version_published_meanwhile_is_shown_before_one_goes_on(
    shop: Shop, draft: PolicyDraft, as_staff: SignIn
) -> None:
    by, path, manager = of_staff(shop.manager), f"/desk/policy/drafts/{draft.pk}", as_staff(shop.manager)
    policies.publish(
        merchant=shop.merchant, name="b", rules={**RULES, "handling_minutes": 45}, by=by, at=timezone.now()
    )
    page = manager.get(path)
    assert [one.after for one in page.context["moved"]] == ["45 minutes"]
    sent = {"revision": 1, "reason": "x", "when": "now"}
    assert manager.post(f"{path}/ask", sent).status_code == 409
    assert manager.post(f"{path}/catch-up", {"revision": 1}).status_code == 302
    assert not manager.get(path).context["moved"]


def test_time_that_is_none_is_told_with_what_was_typed(shop: Shop, draft: PolicyDraft, as_staff: SignIn) -> None:
    path, manager = f"/desk/policy/drafts/{draft.pk}", as_staff(shop.manager)
    manager.post(path, _form(draft, p__auto_approve_limit_fen="250"))
    answer = manager.post(f"{path}/ask", {"revision": 2, "reason": "因为", "when": "later", "effective_at": "soon"})
    assert answer.status_code == 422
    assert answer.context["act"]["reason"] == "因为"
    assert PolicyDraft.objects.get(pk=draft.pk).state == "open"


def test_those_who_may_not_write_and_other_merchants_see_nothing(
    shop: Shop, draft: PolicyDraft, as_staff: SignIn
) -> None:
    path = f"/desk/policy/drafts/{draft.pk}"
    for staff in (shop.cashier, shop.reviewer, shop.finance):
        assert as_staff(staff).get(path).status_code == 403
    stranger = as_staff(make_staff(make_merchant(), "owner"))
    for method, where in (("get", path), ("post", path), ("post", f"{path}/publish"), ("post", f"{path}/discard")):
        assert getattr(stranger, method)(where, {"revision": "1", "confirmed": "1"}).status_code == 404
    assert PolicyDraft.objects.get(pk=draft.pk).state == "open"
