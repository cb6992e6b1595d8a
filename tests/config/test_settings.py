"""What the settings refuse to start with, and what production's files give to them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from refunds.evidence import files

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


def test_what_is_written_outside_the_database_has_a_volume_in_production() -> None:
    """All else is read-only there: a picture that a customer sent ended in a 500."""
    app = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["x-app"]
    mounted = {volume.partition(":")[2] for volume in app["volumes"]}
    image = (ROOT / "Dockerfile").read_text()
    for there in (f"/app/var/{files.folder().name}", "/app/var/audit-heads"):
        assert there in mounted
        # Made in the image, so that the volume belongs to who writes.
        assert there in image
