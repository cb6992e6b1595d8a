"""What the settings refuse to start with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_NEEDED = {
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "k",
    "PERSONAL_DATA_KEY": "k",
    "SEARCH_KEY": "k",
}


@pytest.mark.parametrize(
    ("behind", "proxies", "trusted"),
    [("true", "", "1"), ("true", "2", "2"), ("false", "", "0"), ("false", "1", "1"), ("true", "0", "")],
)
def test_settings_when_behind_a_proxy_trust_at_least_that_one(behind: str, proxies: str, trusted: str) -> None:
    given = {"BEHIND_TLS_PROXY": behind} | ({"TRUSTED_PROXIES": proxies} if proxies else {})
    kept = {name: value for name, value in os.environ.items() if name not in {"BEHIND_TLS_PROXY", "TRUSTED_PROXIES"}}
    read = subprocess.run(
        [sys.executable, "-c", "from config import settings; print(settings.TRUSTED_PROXIES)"],
        cwd=ROOT,
        env={**kept, **_NEEDED, **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (read.returncode == 0, read.stdout.strip()) == (bool(trusted), trusted)
    if not trusted:
        assert "TRUSTED_PROXIES=0 with BEHIND_TLS_PROXY=True" in read.stderr
