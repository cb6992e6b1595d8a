"""Tests mirror the tree: a module has a test of its name, in the folder of its name below ``tests/``."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Modules without a test of their name. The list only gets shorter; ``python -m tests.architecture.test_mirror`` writes it.
ALLOWED = Path(__file__).with_name("without_a_test.txt")
#: What Django, Python or gunicorn look for by name.
_NOT_MIRRORED = {"__init__", "__main__", "apps", "urls"}


def without_a_test() -> list[str]:
    """Modules of ours that have no test of their name."""
    packages = sorted(path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests")
    modules = [path.relative_to(ROOT) for package in packages for path in sorted(package.rglob("*.py"))]
    return [
        str(module)
        for module in modules
        if module.stem not in _NOT_MIRRORED
        and "migrations" not in module.parts
        and module.parent != Path("core/codes")  # one table in several files: tests/core/test_codes.py
        and not (ROOT / "tests" / module.with_name(f"test_{module.name}")).exists()
    ]


def test_every_module_has_a_test_of_its_name() -> None:
    allowed = set(ALLOWED.read_text().split())
    assert not set(without_a_test()) - allowed, "give it a test of its name"


def test_list_of_modules_without_a_test_only_gets_shorter() -> None:
    allowed = set(ALLOWED.read_text().split())
    assert not allowed - set(without_a_test()), "take these off the list"


if __name__ == "__main__":
    ALLOWED.write_text("".join(f"{module}\n" for module in without_a_test()))
    sys.stdout.write(ALLOWED.read_text())
