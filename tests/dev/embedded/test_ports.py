from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.embedded import ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as server:
        server.bind((ports.LOOPBACK, 0))
        server.listen()
        yield int(server.getsockname()[1])


def test_pick_passes_over_a_taken_port(taken: int) -> None:
    assert not ports.is_free(port=taken)
    assert taken not in ports.pick(candidates=range(taken, taken + 50), count=2)


def test_pick_when_too_few_are_free_says_so(taken: int) -> None:
    with pytest.raises(ports.NoFreePort, match="fewer than 1"):
        ports.pick(candidates=range(taken, taken + 1), count=1)


def test_kept_ports_stay_while_they_are_free(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    (above,) = ports.pick_for_tests(count=1)
    first = ports.kept(file=file, names=["postgres", "valkey"], above=above)
    assert ports.kept(file=file, names=["postgres", "valkey"], above=above + 100) == first
    assert all(port > above for port in first.values())


def test_kept_port_that_was_taken_meanwhile_is_replaced_and_the_others_stay(tmp_path: Path, taken: int) -> None:
    file = tmp_path / "ports.json"
    (above, free) = ports.pick_for_tests(count=2)
    file.write_text(json.dumps({"postgres": taken, "valkey": free}))
    chosen = ports.kept(file=file, names=["postgres", "valkey"], above=above)
    assert chosen["valkey"] == free
    assert chosen["postgres"] not in {taken, free}
    assert json.loads(file.read_text()) == chosen


def test_kept_port_gives_way_to_the_web(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    (web,) = ports.pick_for_tests(count=1)
    file.write_text(json.dumps({"postgres": web}))
    assert ports.kept(file=file, names=["postgres"], above=web)["postgres"] > web


def test_kept_keeps_the_ports_of_services_that_are_not_wanted_this_time(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    (above,) = ports.pick_for_tests(count=1)
    first = ports.kept(file=file, names=["postgres", "valkey"], above=above)
    ports.kept(file=file, names=["valkey"], above=above)
    assert json.loads(file.read_text()) == first
