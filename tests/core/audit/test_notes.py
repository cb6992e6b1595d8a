"""What people typed stands beside the chain: erased it leaves the chain whole, changed or taken away it is found."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.audit import notes, verifying
from core.audit.actors import SYSTEM, Actor, ActorKind
from core.audit.models import AuditEvent, AuditNote
from core.audit.record import record
from tests.factories import seal_events

pytestmark = pytest.mark.django_db(transaction=True)

_ANNA = Actor(ActorKind.STAFF, "7", "Anna")
_TEXT = "王小敏 13800006021 来电"


def _noted(by: Actor = _ANNA, **data: str) -> AuditEvent:
    record(
        merchant_id=1,
        by=by,
        action="refund.note",
        object_type="refund_request",
        object_id=5,
        at=timezone.now(),
        data=data,
    )
    return AuditEvent.objects.latest("pk")


def _wrong() -> list[str]:
    return [breach.what for breach in verifying.verify(merchant_id=1).breaches]


def test_note_is_told_to_people_and_is_not_in_the_record() -> None:
    event = _noted(note=_TEXT, reason="quality")
    assert _TEXT not in str(event.data)
    (told,) = notes.told([event])
    assert told.data == {"note": _TEXT, "reason": "quality"}


def test_free_reason_is_kept_apart_and_a_code_or_the_systems_words_are_not() -> None:
    assert _noted(reason="顾客本人要求").data["reason"].startswith("sha256:")
    assert _noted(by=SYSTEM, message="NOT_ENOUGH").data == {"message": "NOT_ENOUGH"}
    assert notes.told([_noted(note="sha256:" + "0" * 64)])[0].data == {"note": "sha256:" + "0" * 64}


def test_same_words_twice_do_not_look_alike() -> None:
    assert _noted(note=_TEXT).data != _noted(note=_TEXT).data


def test_chain_when_a_note_is_erased_is_whole() -> None:
    event = _noted(note=_TEXT)
    seal_events()
    assert notes.erase(merchant_id=1, about={"refund_request": [5]}, at=timezone.now()) == 1
    assert _wrong() == []
    assert notes.told([event])[0].data == {"note": ""}
    assert not AuditNote.objects.exclude(text="").exists()


@pytest.mark.breaks_invariants
@pytest.mark.parametrize("how", ["changed", "taken"])
def test_verification_when_a_note_was_tampered_with_says_so(how: str) -> None:
    _noted(note=_TEXT)
    seal_events()
    assert _wrong() == []
    if how == "changed":
        AuditNote.objects.update(text="nothing to see")
    else:
        AuditNote.objects.all().delete()
    assert _wrong() == [{"changed": "a note was changed", "taken": "a note was taken away"}[how]]


def test_notes_past_their_term_go_but_for_those_of_open_refunds() -> None:
    _noted(note=_TEXT)
    later = timezone.now()
    assert notes.erase_before(later, merchant_id=1, but=[5], at=later) == 0
    assert notes.erase_before(later, merchant_id=2, but=[], at=later) == 0
    assert notes.erase_before(later, merchant_id=1, but=[], at=later) == 1
