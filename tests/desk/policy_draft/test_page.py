"""What a draft's page offers to whom."""

from __future__ import annotations

import pytest
from django.utils import timezone

from desk.access import scope_of
from desk.policy_draft.page import PolicyDraftPage, policy_draft_page
from merchants.models import PolicyDraft, Staff
from merchants.policies import drafting
from merchants.policies.drafting import Written
from merchants.principals import of_staff
from tests.desk.conftest import Shop
from tests.factories import make_staff

pytestmark = pytest.mark.django_db


def _page(staff: Staff, draft: PolicyDraft) -> PolicyDraftPage:
    return policy_draft_page(scope=scope_of(staff), draft=draft, at=timezone.now())


def _save(draft: PolicyDraft, staff: Staff, limit_fen: int) -> PolicyDraft:
    written = Written(name=draft.name, rules={**draft.rules, "auto_approve_limit_fen": limit_fen}, guides={})
    return drafting.write(
        draft_id=draft.pk, revision=draft.revision, written=written, by=of_staff(staff), at=timezone.now()
    )


def test_writer_asks_and_a_colleague_publishes(shop: Shop) -> None:
    owner = make_staff(shop.merchant, "owner")
    draft = drafting.start(by=of_staff(shop.manager), at=timezone.now())
    page = _page(shop.manager, draft)
    assert (page.can_ask, page.can_publish) == (False, False)
    draft = _save(draft, shop.manager, 1)
    page = _page(shop.manager, draft)
    assert (page.can_ask, page.can_publish, page.authors) == (True, False, [shop.manager.name])
    assert owner in page.colleagues
    assert not _page(owner, draft).can_publish
    draft = drafting.ask(draft_id=draft.pk, revision=2, by=of_staff(shop.manager), at=timezone.now(), reason="?")
    assert _page(owner, draft).can_publish
    assert not _page(shop.manager, draft).can_publish


def test_nobody_left_is_said_where_all_have_written_it(shop: Shop) -> None:
    Staff.objects.filter(merchant=shop.merchant, role="owner").update(is_active=False)
    owner = make_staff(shop.merchant, "owner")
    draft = _save(drafting.start(by=of_staff(shop.manager), at=timezone.now()), shop.manager, 1)
    assert not _page(shop.manager, draft).nobody_left
    draft = _save(draft, owner, 2)
    page = _page(shop.manager, draft)
    assert (page.nobody_left, page.can_ask, page.can_publish, page.is_alone) == (True, False, False, False)
