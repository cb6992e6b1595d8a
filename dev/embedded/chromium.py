"""Finding a Chromium for the browser tests, or installing one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class NoChromium(Exception):
    """There is no Chromium and none could be installed."""


def on_system() -> Path | None:
    """The Chromium that CHROMIUM in the environment names, or the system's own; None: there is neither.

    Raises:
        NoChromium: CHROMIUM names a file that is not there.
    """
    if named := os.environ.get("CHROMIUM"):
        if not Path(named).exists():
            raise NoChromium(f"CHROMIUM={named} does not exist")
        return Path(named)
    return next((Path(found) for name in _NAMES if (found := shutil.which(name))), None)


def find_or_install() -> Path:
    """As `on_system`; where there is none it is installed: from the system's packages (as root), or by playwright.

    Raises:
        NoChromium: nothing worked; the message says what to do.
    """
    missing = [] if _find() else ["chromium"]
    # Without a Chinese font every page is a page of boxes, and every measured width is wrong.
    if not _has_chinese_font():
        missing.append("fonts-noto-cjk")
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        _say(f"installing {' '.join(missing)} from the system's packages")
        apt = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=apt, check=False, stdout=sys.stderr)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
            env=apt,
            check=False,
            stdout=sys.stderr,
        )
    if not _find():
        _say("fetching playwright's Chromium")
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False, stdout=sys.stderr)
    found = _find()
    if found is None:
        raise NoChromium(
            "The browser tests need Chromium and none could be installed. Install it (Debian: apt-get install chromium "
            "fonts-noto-cjk), or name one with CHROMIUM=/path/to/chromium."
        )
    return found


def _find() -> Path | None:
    if found := on_system():
        return found
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.exists() else None


def _has_chinese_font() -> bool:
    if not shutil.which("fc-list"):
        return False
    listed = subprocess.run(["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True, check=False).stdout
    return bool(listed.strip())


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    try:
        sys.stdout.write(f"browser tests use {find_or_install()}\n")
    except NoChromium as error:
        sys.exit(str(error))
