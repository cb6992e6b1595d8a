"""The demo's processes."""

from __future__ import annotations

from pathlib import Path

from dev.embedded import programs
from dev.embedded.folders import Folders


def test_services_start_before_stand_ins_and_those_before_the_application(tmp_path: Path) -> None:
    folders = Folders(var=tmp_path)
    ports = dict(zip(programs.port_names(), range(9000, 9100), strict=False))
    stand_ins = programs.stand_ins(folders=folders, ports=ports)
    (web, worker), beat = programs.application(folders=folders, port=8000)
    assert {program.name for program in stand_ins} == {
        *(f"simulator-{name}" for name in programs.CHANNELS),
        "mailbox",
        "terminal",
    }
    assert max(program.rank for program in stand_ins) < web.rank < worker.rank < beat.rank
    assert web.full_name == "web:web"
    assert stand_ins[0].full_name.startswith("stand-ins:")
    assert programs.services(cluster=None, valkey=None) == []


def test_port_names_are_once_each() -> None:
    assert len(set(programs.port_names())) == len(programs.port_names())
