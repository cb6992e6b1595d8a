"""The heads outside the database: what is done to the files is found, and what happens to a machine is survived."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from core.audit import chain, heads, verifying
from core.audit.models import AuditSealPoint
from tests.factories import seal_events, write_events

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.breaks_invariants]


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines(keepends=True)


def _cut(file: Path) -> None:
    file.write_text("".join(_lines(file)[:-1]))


def _cut_out(file: Path) -> None:
    lines = _lines(file)
    file.write_text("".join([lines[0], *lines[2:]]))


def _change(file: Path) -> None:
    first, *others = _lines(file)
    line = json.loads(first)
    line["heads"]["1"][1] = "0" * 64
    file.write_text("".join([json.dumps(line) + "\n", *others]))


def _write_another(file: Path) -> None:
    last = json.loads(_lines(file)[-1])
    with file.open("a") as stream:
        stream.write(json.dumps(last | {"n": last["n"] + 1, "before": last["mac"]}) + "\n")


def _scribble(file: Path) -> None:
    with file.open("a") as stream:
        stream.write("something else\n")


@pytest.mark.parametrize("attack", [Path.unlink, _cut, _cut_out, _change, _write_another, _scribble])
def test_file_when_somebody_was_at_it_is_reported_and_heads_go_on_being_written(
    file: Path, attack: Callable[[Path], object]
) -> None:
    attack(file)
    assert any("heads outside the database" in breach.what for breach in verifying.verify().breaches)
    write_events(1)
    seal_events()
    assert any("heads outside the database" in breach.what for breach in verifying.verify().breaches)
    assert heads.read().heads[1][0] == 7


def test_line_when_a_process_was_killed_in_it_is_cut_off_and_written_again(file: Path) -> None:
    whole = len(_lines(file))
    with file.open("a") as stream:
        stream.write('{"n": 99, "at": "2026')
    assert verifying.verify().breaches == []
    write_events(1)
    seal_events()
    assert verifying.verify().breaches == []
    # What others hold open on the same server decides in how many lines it is sealed.
    numbers = [json.loads(line)["n"] for line in _lines(file)]
    assert numbers == [*range(1, len(numbers) + 1)]
    assert len(numbers) > whole


def test_heads_when_the_folder_cannot_be_written_wait_and_sealing_goes_on(
    file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = settings.AUDIT_HEADS_DIR
    nowhere = tmp_path / "a file"
    nowhere.write_text("")
    monkeypatch.setattr(settings, "AUDIT_HEADS_DIR", nowhere)
    write_events(1)
    seal_events()
    assert "cannot be written" in caplog.text
    monkeypatch.setattr(settings, "AUDIT_HEADS_DIR", before)
    assert heads.read().heads[1][0] == 6
    chain.seal_events()
    assert heads.read().heads[1][0] == 7
    assert verifying.verify().breaches == []


_APPEND = """
import django; django.setup()
from django.utils import timezone
from core.audit import heads
for n in range(1, 41):
    heads.append({int("%d"): (n, bytes(32))}, after=0, at=timezone.now())
"""


def test_several_processes_write_whole_lines_in_one_row(file: Path) -> None:
    before = heads.read().last_line
    env = os.environ | {"AUDIT_HEADS_DIR": str(file.parent), "DJANGO_SETTINGS_MODULE": "config.settings"}
    children = [subprocess.Popen([sys.executable, "-c", _APPEND % merchant], env=env) for merchant in (7, 8, 9)]
    assert [child.wait(timeout=60) for child in children] == [0, 0, 0]
    found = heads.read()
    assert (found.faults, found.last_line) == ([], before + 120)
    assert [found.heads[merchant][0] for merchant in (7, 8, 9)] == [40, 40, 40]


@pytest.mark.usefixtures("file")
def test_verification_when_one_before_found_nothing_begins_where_that_ended() -> None:
    first = verifying.verify(whole=False)
    assert first.breaches == []
    chain.remember_verified(first.reached, to=first.to)
    write_events(2)
    seal_events()
    second = verifying.verify(whole=False)
    assert second.breaches == []
    assert (first.reached[1][0], second.reached[1][0]) == (6, 8)
    assert second.reached[2] == first.reached[2]
    # And the next whole one agrees.
    assert verifying.verify().reached == second.reached


def test_point_knows_the_line_that_is_safe(file: Path) -> None:
    assert AuditSealPoint.objects.get().anchored_line == len(_lines(file))
