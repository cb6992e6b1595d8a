"""Texts are found by reading the source, so they must stand where a reader finds them."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("config", "core", "merchants", "terminals", "refunds")
_TRANSLATES = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}


def test_no_text_to_translate_hides_inside_an_f_string() -> None:
    """What finds our texts does not look into f-strings: such a text would stay English without anybody noticing."""
    hidden = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for package in _PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for string in ast.walk(ast.parse(path.read_text()))
        if isinstance(string, ast.JoinedStr)
        for call in ast.walk(string)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _TRANSLATES
    ]

    assert not hidden
