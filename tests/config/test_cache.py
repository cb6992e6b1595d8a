"""A cache that is away costs its memory and nothing else."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from config.cache import ForgetfulCache


@pytest.fixture
def nobody() -> Iterator[ForgetfulCache]:
    """A cache at an address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        # Bound and not listening: connections are refused, and nobody else can get the port.
        cache = ForgetfulCache(f"redis://127.0.0.1:{port}/0", {"OPTIONS": {"socket_connect_timeout": 1}})
        yield cache
        cache.close()


def test_cache_that_is_away_answers_like_an_empty_one(nobody: ForgetfulCache) -> None:
    nobody.set("a", 1, 60)

    assert nobody.get("a") is None
    assert nobody.get("a", "else") == "else"
    assert nobody.get("a", default="else") == "else"
    assert nobody.get_many(["a", "b"]) == {}
    assert nobody.set_many({"a": 1}) == ["a"]
    assert not nobody.add("a", 1)
    assert not nobody.delete("a")
    assert not nobody.touch("a", 60)
    assert "a" not in nobody
    assert nobody.get_or_set("a", 7) == 7


def test_counting_without_a_cache_starts_anew_each_time(nobody: ForgetfulCache) -> None:
    with pytest.raises(ValueError, match="not there"):
        nobody.incr("a")


def test_absence_is_told_in_the_log(nobody: ForgetfulCache, caplog: pytest.LogCaptureFixture) -> None:
    nobody.get("a")

    assert "cache unavailable" in caplog.text
