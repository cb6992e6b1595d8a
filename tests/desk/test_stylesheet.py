"""The stylesheet and the templates keep what old tills, the content security policy and low vision ask of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CSS = re.sub(r"/\*.*?\*/", "", (ROOT / "static/app.css").read_text(encoding="utf-8"), flags=re.DOTALL)
# Mails carry their styles with them; no policy applies there.
PAGES = sorted(path for path in (ROOT / "templates").rglob("*.html") if "messages" not in path.parts)
DARK_BY_CHOICE = '[data-theme="dark"] {'
DARK_BY_SYSTEM = ':root:not([data-theme="light"]) {'


def block(selector: str) -> dict[str, str]:
    """The custom properties that the first block of ``selector`` sets."""
    start = CSS.index(selector) + len(selector)
    return {
        name: value.strip() for name, value in re.findall(r"(--[\w-]+):\s*([^;]+);", CSS[start : CSS.index("}", start)])
    }


LIGHT = block(":root {")
DARK = {**LIGHT, **block(DARK_BY_CHOICE)}


def test_dark_is_the_same_whether_chosen_or_the_systems() -> None:
    assert block(DARK_BY_CHOICE) == block(DARK_BY_SYSTEM)


@pytest.mark.parametrize("feature", ["@layer", ":has(", "light-dark(", "&:", "& ", "@import", "url(data:"])
def test_nothing_that_old_tills_lack(feature: str) -> None:
    assert feature not in CSS


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    channels = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        *((f"--{tone}-ink", f"--{tone}-soft") for tone in ("ok", "warn", "bad", "info", "mute", "accent")),
        *((ink, ground) for ink in ("--ink", "--ink-2", "--ink-3") for ground in ("--surface", "--bg", "--surface-3")),
        *((f"--{tone}-ink", f"--{tone}-soft") for tone in "abcd"),
        ("--accent-ink", "--surface"),
        ("--accent-ink", "--accent-soft-2"),
    ],
)
def test_every_ink_can_be_read_on_its_ground(theme: dict[str, str], ink: str, ground: str) -> None:
    assert contrast(theme[ink], theme[ground]) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_white_can_be_read_on_the_primary_button_and_its_hover(theme: dict[str, str]) -> None:
    assert contrast("#fff", theme["--accent"]) >= 4.5
    assert contrast("#fff", theme["--accent-h"]) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_borders_of_fields_can_be_seen(theme: dict[str, str]) -> None:
    assert contrast(theme["--line-strong"], theme["--surface"]) >= 3


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_has_anything_inline(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert "<style" not in text
    assert "hx-on" not in text
    assert "<c-" not in text
