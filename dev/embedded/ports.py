"""Choosing TCP ports on loopback."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Collection, Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below every system's range for outgoing connections, so that none of those can take a port between choice and use.
_TEST_RANGE = range(20_000, 30_000)


class NoFreePort(Exception):
    """Every port of the range is taken."""


def is_free(*, port: int) -> bool:
    """Whether somebody could listen on this port of loopback now."""
    with socket.socket() as probe:
        # As servers do: connections that linger from an earlier run do not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def pick(*, candidates: range, count: int, avoid: Collection[int] = ()) -> list[int]:
    """The first `count` free ports of `candidates`, in order.

    Raises:
        NoFreePort: there are fewer.
    """
    found: list[int] = []
    for port in candidates:
        if len(found) == count:
            break
        if port not in avoid and is_free(port=port):
            found.append(port)
    if len(found) < count:
        raise NoFreePort(f"fewer than {count} ports are free between {candidates.start} and {candidates.stop - 1}")
    return found


def pick_for_tests(*, count: int) -> list[int]:
    """`count` free ports from a random place, so that runs beside each other rarely meet.

    Raises:
        NoFreePort: there are fewer.
    """
    start = random.randrange(_TEST_RANGE.start, _TEST_RANGE.stop - 1_000)  # noqa: S311 -- guards nothing
    return pick(candidates=range(start, _TEST_RANGE.stop), count=count)


def kept(*, file: Path, names: Sequence[str], above: int) -> dict[str, int]:
    """A port for each of `names`: the one chosen at an earlier start if it is still free, else the next above `above`.

    Raises:
        NoFreePort: fewer than that are free.
    """
    earlier: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    chosen = {name: earlier[name] for name in names if name in earlier and _usable(earlier[name], web=above)}
    missing = [name for name in names if name not in chosen]
    # Not those of an earlier start that this one does not need (its own database, say): they stay reserved.
    avoid = {*chosen.values(), *earlier.values()}
    found = pick(candidates=range(above + 1, min(above + 1_000, 65_536)), count=len(missing), avoid=avoid)
    chosen |= dict(zip(missing, found, strict=True))
    file.write_text(json.dumps(earlier | chosen, indent=2) + "\n")
    return chosen


def _usable(port: int, *, web: int) -> bool:
    return port != web and is_free(port=port)
