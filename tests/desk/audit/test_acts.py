"""Every act that the product writes down has words."""

from __future__ import annotations

import re
from pathlib import Path

from core.audit.models import AuditEvent
from desk.audit.acts import ACTS, GROUPS, words
from desk.refund import timeline

_ROOT = Path(__file__).resolve().parents[3]
_ACT = re.compile(rf'"((?:{"|".join(GROUPS)})\.[a-z_]+)"')
_ROOMS = ("merchants", "terminals", "refunds", "reconciliation", "analytics")


def test_act_when_it_is_written_down_anywhere_is_about_something_that_has_a_name() -> None:
    written = {
        act
        for room in _ROOMS
        for path in (_ROOT / room).rglob("*.py")
        if "migrations" not in path.parts
        for act in _ACT.findall(path.read_text())
    }
    assert written >= {"store.hours", "refund.note", "terminal.report"}
    for act in written:
        said, _ = words(AuditEvent(action=act, data={}))
        assert said != act
    assert {act.partition(".")[0] for act in ACTS} <= set(GROUPS)


def test_words_of_a_refunds_act_are_those_of_its_own_page() -> None:
    event = AuditEvent(action="refund.note", data={})
    assert words(event) == timeline.described(event)
