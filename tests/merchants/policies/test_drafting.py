"""Drafts: begun, written by two, handed over, published by somebody else, rolled back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from merchants import policies
from merchants.models import Merchant, PolicyDraft, PolicyVersion, Staff
from merchants.policies import drafting, versions
from merchants.policies.drafting import Written
from merchants.principals import Principal, of_staff
from tests.factories import RULES, make_merchant, make_staff

pytestmark = pytest.mark.django_db


@dataclass
class Two:
    """A merchant's manager who writes, and the owner who publishes; the factory's own owner is switched off."""

    merchant: Merchant
    writer: Principal
    publisher: Principal

    def saved(self, **rules: Any) -> PolicyDraft:
        """A draft of the writer's that changes these rules."""
        draft = drafting.start(by=self.writer, at=timezone.now())
        return self.save(draft, self.writer, **rules)

    def save(self, draft: PolicyDraft, by: Principal, **rules: Any) -> PolicyDraft:
        written = Written(name=draft.name, rules={**draft.rules, **rules}, guides=draft.guides)
        return drafting.write(draft_id=draft.pk, revision=draft.revision, written=written, by=by, at=timezone.now())

    def asked(self, **rules: Any) -> PolicyDraft:
        draft = self.saved(**rules)
        return self.ask(draft)

    def ask(self, draft: PolicyDraft, **more: Any) -> PolicyDraft:
        return drafting.ask(
            draft_id=draft.pk, revision=draft.revision, by=self.writer, at=timezone.now(), **{"reason": "客诉", **more}
        )

    def publish(self, draft: PolicyDraft, by: Principal | None = None, **more: Any) -> PolicyVersion:
        return drafting.publish(
            draft_id=draft.pk, revision=draft.revision, by=by or self.publisher, at=timezone.now(), **more
        )

    def numbers(self) -> list[int]:
        return list(
            PolicyVersion.objects.filter(merchant=self.merchant).order_by("number").values_list("number", flat=True)
        )


@pytest.fixture
def two() -> Two:
    merchant = make_merchant()
    Staff.objects.filter(merchant=merchant).update(is_active=False)
    return Two(merchant, of_staff(make_staff(merchant, "manager")), of_staff(make_staff(merchant, "owner")))


def _refused(act: Callable[[], object], kind: type[DomainError], code: str) -> None:
    with pytest.raises(kind) as refusal:
        act()
    assert refusal.value.code == code


def test_draft_when_published_by_a_colleague_is_in_force_with_all_that_belongs_to_it(two: Two) -> None:
    draft = two.asked(auto_approve_limit_fen=15_000)
    assert list(drafting.waiting_for(two.publisher)) == [draft]
    assert not drafting.waiting_for(two.writer).exists()
    version = two.publish(draft)
    assert policies.in_force(merchant_id=two.merchant.pk, at=timezone.now()) == version
    assert policies.rules_of(version.pk).auto_approve_limit_fen == 15_000
    assert (version.number, version.reason, version.author_ids) == (2, "客诉", [two.writer.staff_id])
    assert (version.published_by_id, version.sole) == (two.publisher.staff_id, False)
    draft.refresh_from_db()
    assert (draft.state, draft.published) == ("published", version)
    assert [row.saved_by_id for row in draft.revisions.order_by("number")] == [two.writer.staff_id] * 2
    actions = AuditEvent.objects.filter(action__startswith="policy.").order_by("pk").values_list("action", flat=True)
    assert list(actions)[-4:] == ["policy.draft", "policy.draft_save", "policy.draft_ask", "policy.publish"]


def test_save_when_a_colleague_saved_meanwhile_is_refused_and_changes_nothing(two: Two) -> None:
    draft = two.saved()
    two.save(draft, two.publisher, auto_approve_limit_fen=1)
    _refused(lambda: two.save(draft, two.writer, auto_approve_limit_fen=2), drafting.DraftChanged, "draft_changed")
    stored = PolicyDraft.objects.get(pk=draft.pk)
    assert (stored.rules["auto_approve_limit_fen"], stored.revision) == (1, 2)


def test_save_when_nothing_differs_makes_nobody_an_author(two: Two) -> None:
    draft = two.saved()
    assert (draft.revision, draft.author_ids) == (1, [])


def test_publish_when_the_publisher_has_changed_it_is_refused_and_nothing_changes(two: Two) -> None:
    draft = two.saved(auto_approve_limit_fen=1)
    draft = two.save(draft, two.publisher, auto_approve_limit_fen=2)
    third = of_staff(make_staff(two.merchant, "owner"))
    draft = two.ask(draft)
    _refused(lambda: two.publish(draft), Forbidden, "own_draft")
    assert two.numbers() == [1]
    assert two.publish(draft, third).number == 2


def test_publish_when_nobody_was_asked_is_refused(two: Two) -> None:
    draft = two.saved(auto_approve_limit_fen=1)
    _refused(lambda: two.publish(draft), Conflict, "not_asked")
    assert two.numbers() == [1]


def test_publish_when_it_was_saved_after_the_publisher_looked_is_refused(two: Two) -> None:
    seen = two.asked(auto_approve_limit_fen=1)
    two.save(seen, two.writer, auto_approve_limit_fen=99_999)
    _refused(lambda: two.publish(seen), drafting.DraftChanged, "draft_changed")
    assert PolicyDraft.objects.get(pk=seen.pk).state == "open"
    assert two.numbers() == [1]


def test_publish_when_one_person_alone_may_is_said_and_kept(two: Two) -> None:
    Staff.objects.filter(pk=two.publisher.acting_staff).update(is_active=False)
    draft = two.saved(auto_approve_limit_fen=1)
    _refused(lambda: two.ask(draft), Invalid, "no_such_publisher")
    _refused(lambda: two.publish(draft, two.writer, reason="x"), Invalid, "alone_not_said")
    assert two.numbers() == [1]
    version = two.publish(draft, two.writer, reason="x", says_alone=True)
    assert (version.sole, version.author_ids) == (True, [two.writer.staff_id])
    assert AuditEvent.objects.filter(action="policy.publish").latest("pk").data["sole"] is True


def test_version_of_an_author_is_refused_by_the_database_too(two: Two) -> None:
    row = PolicyVersion.objects.get(merchant=two.merchant)
    row.pk, row.number, row.author_ids = None, 2, [row.published_by_id or 0]
    with pytest.raises(IntegrityError, match="policy_four_eyes"), transaction.atomic():
        row.save(force_insert=True)


def test_publish_when_another_draft_went_first_asks_to_look_at_it(two: Two) -> None:
    first, second = two.asked(auto_approve_limit_fen=1), two.asked(auto_approve_limit_fen=2)
    two.publish(first)
    _refused(lambda: two.publish(second), drafting.PolicyMoved, "policy_moved")
    assert two.numbers() == [1, 2]
    seen = drafting.catch_up(draft_id=second.pk, revision=second.revision, by=two.publisher, at=timezone.now())
    assert (seen.state, seen.author_ids) == ("open", [two.writer.staff_id])
    assert two.publish(two.ask(seen)).number == 3


@pytest.mark.django_db(transaction=True)
def test_two_drafts_published_at_once_make_one_version_and_one_question(two: Two) -> None:
    drafts = [two.asked(auto_approve_limit_fen=fen) for fen in (1, 2)]
    start = Barrier(2)

    def publish(draft: PolicyDraft) -> str:
        try:
            start.wait(timeout=30)
            return f"version {two.publish(draft).number}"
        except DomainError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(publish, drafts))
    assert answers == ["policy_moved", "version 2"]
    assert two.numbers() == [1, 2]


def test_roll_back_brings_old_rules_as_a_new_version_that_somebody_else_publishes(two: Two) -> None:
    two.publish(two.asked(auto_approve_limit_fen=1))
    draft = drafting.start(by=two.writer, at=timezone.now(), from_number=1)
    assert draft.author_ids == [two.writer.staff_id]
    draft = two.ask(draft)
    version = two.publish(draft)
    assert (version.number, version.rules, version.rolled_back_to) == (3, RULES, 1)


def test_publish_for_later_leaves_todays_rules_until_then(two: Two) -> None:
    now, tomorrow = timezone.now(), timezone.now() + timedelta(days=1)
    version = two.publish(two.ask(two.saved(auto_approve_limit_fen=1), effective_at=tomorrow))
    assert policies.in_force(merchant_id=two.merchant.pk, at=now).number == 1
    assert policies.in_force(merchant_id=two.merchant.pk, at=tomorrow) == version
    assert versions.scheduled(merchant_id=two.merchant.pk, at=now) == [version]


def test_publish_when_the_time_has_gone_by_is_from_now_on_and_never_of_the_past(two: Two) -> None:
    draft = two.ask(two.saved(auto_approve_limit_fen=1), effective_at=timezone.now() + timedelta(hours=1))
    late = timezone.now() + timedelta(hours=2)
    version = drafting.publish(draft_id=draft.pk, revision=draft.revision, by=two.publisher, at=late)
    assert version.effective_from == late


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"reason": "  "}, "change_reason_required"),
        ({"effective_at": timezone.now() - timedelta(days=1)}, "effective_in_past"),
        ({"colleague_id": 0}, "no_such_publisher"),
    ],
)
def test_ask_when_something_is_missing_is_refused_and_asks_nobody(two: Two, more: dict[str, Any], code: str) -> None:
    draft = two.saved(auto_approve_limit_fen=1)
    _refused(lambda: two.ask(draft, **more), Invalid, code)
    assert PolicyDraft.objects.get(pk=draft.pk).state == "open"


def test_ask_when_nothing_was_changed_is_refused(two: Two) -> None:
    _refused(lambda: two.ask(two.saved()), Invalid, "nothing_changed")


@pytest.mark.parametrize(
    "rules",
    [
        {"tiers": []},
        {"auto_approve_limit_fen": "100"},
        {"tiers": [{"name": "manager", "limit_fen": None, "roles": ["ceo"]}]},
        {"exceptions": [{"stores": ["S999"], "instant": False}]},
    ],
)
def test_save_when_rules_cannot_hold_is_refused_and_changes_nothing(two: Two, rules: dict[str, Any]) -> None:
    draft = two.saved()
    _refused(lambda: two.save(draft, two.writer, **rules), Invalid, "policy_invalid")
    assert PolicyDraft.objects.get(pk=draft.pk).revision == 1


def test_discarded_draft_takes_no_more_acts(two: Two) -> None:
    draft = two.saved(auto_approve_limit_fen=1)
    drafting.discard(draft_id=draft.pk, revision=draft.revision, by=two.writer, at=timezone.now())
    _refused(lambda: two.save(draft, two.writer, auto_approve_limit_fen=2), drafting.DraftClosed, "draft_closed")
    assert not drafting.open_drafts(merchant_id=two.merchant.pk).exists()


def test_draft_of_another_merchant_is_not_there(two: Two) -> None:
    draft = two.saved(auto_approve_limit_fen=1)
    stranger = of_staff(make_staff(make_merchant(), "owner"))
    _refused(lambda: drafting.draft_of(draft_id=draft.pk, by=stranger), NotFound, "not_found")
    _refused(lambda: two.save(draft, stranger, auto_approve_limit_fen=2), NotFound, "not_found")
    _refused(lambda: drafting.draft_of(draft_id=2**70, by=two.writer), NotFound, "not_found")
    assert PolicyDraft.objects.get(pk=draft.pk).revision == 2


def test_eligible_are_those_who_may_publish_and_have_not_written_it(two: Two) -> None:
    draft = two.saved(auto_approve_limit_fen=1)
    in_one_store = make_staff(two.merchant, "owner", stores=[two.merchant.stores.get()])
    assert in_one_store not in drafting.eligible(draft)
    assert [one.pk for one in drafting.eligible(draft)] == [two.publisher.staff_id]
    assert drafting.eligible(draft, besides=two.publisher.staff_id) == []
    assert not drafting.publishes_alone(draft, by=two.writer)
