"""The chaos run itself, small: that it runs, breaks things and judges. ``make chaos`` is the real one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.faults, pytest.mark.long]


@pytest.mark.usefixtures("transactional_db")
def test_small_chaos_ends_with_the_books_equal() -> None:
    """In the database beside the test's own, which nobody else uses."""
    argv = [sys.executable, "-m", "tests.chaos", "--seed", "1", "--refunds", "24", "--verbose"]
    done = subprocess.run(argv, env=os.environ, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "broken: none" in done.stdout
