"""Who holds one older checkpoint finds every rewriting of the trail."""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clients import verify
from core.audit import checkpoints, keys

_N, _SEED = int(os.environ.get("REWRITINGS", "50")), int(os.environ.get("SEED") or "1")
_BEGAN = datetime(2026, 1, 5, 8, tzinfo=UTC)
_EVERY = timedelta(hours=3)
_PER, _COUNT, _HELD = 7, 6, 2


def _key(number: int) -> keys.Key:
    return keys._key(base64.b64encode(bytes([number]) * 32).decode(), "AUDIT_KEY")


OURS, THIEFS = _key(1), _key(2)


def _event(seq: int) -> list[object]:
    at = _BEGAN.timestamp() + seq * 60
    return [
        seq,
        100 + seq,
        1,
        at,
        "staff",
        "7",
        "王敏",
        "refund.approve",
        "refund_request",
        f"r{seq}",
        "",
        "",
        seq,
        {"fen": seq},
    ]


def _line(event: list[object]) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def _trail(events: list[list[object]], key: keys.Key = OURS) -> list[str]:
    """Events with a checkpoint, three hours apart, after every seventh."""
    lines: list[str] = []
    marks: list[str] = []
    head, before = bytes(32), ""
    for number, event in enumerate(events, start=1):
        lines.append(_line(event))
        head = checkpoints.fold(head, lines[-1])
        if number % _PER == 0 or number == len(events):
            at = _BEGAN + _EVERY * (len(marks) + 1)
            before = checkpoints.body_of(merchant_id=1, seq=number, head=head, at=at, before=before)
            marks.append(checkpoints.as_line(before, checkpoints.signed(before, key)))
    return lines + marks


_EVENTS = [_event(seq) for seq in range(1, _PER * _COUNT + 1)]
_TRAIL = _trail(_EVENTS)
_OLDER = _TRAIL[len(_EVENTS) + _HELD]
_NOW = _BEGAN + _EVERY * _COUNT + timedelta(minutes=1)


def _faults(chain: list[str], *, older: str = _OLDER, now: datetime = _NOW) -> list[str]:
    return verify.faults(key=checkpoints.public_key(OURS), older=older, chain=chain, now=now)


def _edit(dice: random.Random, events: list[list[object]]) -> None:
    event = dice.choice(events)
    place = dice.randrange(1, len(event))
    event[place] = {"fen": 1_000_000} if place == len(event) - 1 else f"{event[place]}x" if place != 2 else 2


def _back_date(dice: random.Random, events: list[list[object]]) -> None:
    event = dice.choice(events)
    event[3] = float(str(event[3])) - dice.randrange(1, 86_400)


def _delete(dice: random.Random, events: list[list[object]]) -> None:
    del events[dice.randrange(len(events))]
    if dice.random() < 0.5:
        for seq, event in enumerate(events, start=1):
            event[0] = seq


def _insert(dice: random.Random, events: list[list[object]]) -> None:
    events.insert(dice.randrange(len(events)), _event(dice.randrange(1, 50)))
    if dice.random() < 0.5:
        for seq, event in enumerate(events, start=1):
            event[0] = seq


def _swap(dice: random.Random, events: list[list[object]]) -> None:
    one, other = dice.sample(range(len(events)), 2)
    events[one], events[other] = events[other], events[one]


_CHANGES: list[Callable[[random.Random, list[list[object]]], None]] = [_edit, _back_date, _delete, _insert, _swap]


def _rewritten(dice: random.Random) -> list[str]:
    """The trail after somebody who has everything but the key had their way with it."""
    events = [[*event] for event in _EVENTS]
    marks = _TRAIL[len(_EVENTS) :]
    if dice.random() < 0.25:
        # The end is cut, at best to an earlier checkpoint.
        kept = dice.randrange(1, _COUNT)
        cut = kept * _PER if dice.random() < 0.7 else dice.randrange(1, len(events))
        return [*map(_line, events[:cut]), *marks[: dice.choice([kept, _COUNT])]]
    dice.choice(_CHANGES)(dice, events)
    how = dice.randrange(4)
    if how == 0:
        # All of it anew, under a key of their own; the held checkpoint may stay.
        anew = _trail(events, THIEFS)
        count = len(events)
        return anew if dice.random() < 0.5 else [*anew[: count + _HELD], _OLDER, *anew[count + _HELD + 1 :]]
    if how == 1:
        anew = _trail(events, THIEFS)
        # The new texts with the old signatures.
        for place in range(len(events), min(len(anew), len(events) + len(marks))):
            old = json.loads(marks[place - len(events)])["signatures"]
            anew[place] = checkpoints.as_line(json.loads(anew[place])["body"], old)
        return anew
    if how == 2:
        marks = [mark for mark in marks if mark == _OLDER or dice.random() < 0.7]
    return [*map(_line, events), *marks]


def test_faults_of_a_trail_that_nobody_touched_are_none() -> None:
    assert _faults(_TRAIL) == []
    # Somebody who holds the first one, or the last.
    assert _faults(_TRAIL, older=_TRAIL[len(_EVENTS)]) == _faults(_TRAIL, older=_TRAIL[-1]) == []


def test_faults_of_rewritings_are_all_found() -> None:
    dice = random.Random(_SEED)
    for number in range(_N):
        chain = _rewritten(dice)
        assert chain == _TRAIL or _faults(chain), f"{number} of seed {_SEED}"


@pytest.mark.parametrize("older", ["", "{}", '{"body":"{}","signatures":{}}', "[]"])
def test_faults_when_the_checkpoint_is_none_says_so(older: str) -> None:
    assert _faults(_TRAIL, older=older)


def test_key_that_took_over_is_trusted_where_the_one_before_has_signed_it() -> None:
    head = bytes(32)
    lines = [_line(event) for event in _EVENTS[:2]]
    for line in lines:
        head = checkpoints.fold(head, line)
    first = checkpoints.body_of(merchant_id=1, seq=0, head=bytes(32), at=_NOW - timedelta(hours=2), before="")
    taken = checkpoints.body_of(merchant_id=1, seq=2, head=head, at=_NOW - timedelta(hours=1), before=first)
    last = checkpoints.body_of(merchant_id=1, seq=2, head=head, at=_NOW, before=taken)
    older = checkpoints.as_line(first, checkpoints.signed(first, OURS))
    by_both = checkpoints.as_line(taken, checkpoints.signed(taken, THIEFS, OURS))
    alone = checkpoints.as_line(taken, checkpoints.signed(taken, THIEFS))
    end = checkpoints.as_line(last, checkpoints.signed(last, THIEFS))
    assert _faults([*lines, older, by_both, end], older=older) == []
    assert len(_faults([*lines, older, alone, end], older=older)) == 2


def test_command_says_in_its_exit_code_whether_it_holds(tmp_path: Path) -> None:
    (tmp_path / "older").write_text(_OLDER, encoding="utf-8")
    (tmp_path / "chain").write_text("\n".join(_TRAIL) + "\n", encoding="utf-8")
    script = Path(verify.__file__)
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 120
    asked = [
        sys.executable,
        str(script),
        checkpoints.public_key(OURS),
        str(tmp_path / "older"),
        str(tmp_path / "chain"),
    ]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=300, check=False)
    # Of long ago: the trail holds, its end may have been cut.
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"the last checkpoint is of {_BEGAN + _EVERY * _COUNT:%Y-%m-%d %H:%M}: the end may have been cut"
    ]
