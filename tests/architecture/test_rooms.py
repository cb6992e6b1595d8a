"""Every module stands in exactly one layer, and a face shows and asks: it writes nothing."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}
#: Apart from the house: they know nothing of it, or it nothing of them.
_APART = {"benchmarks", "payment_channels", "simulators", "tests"}
FACES = ("api", "customer", "desk")
#: What the API keeps of its own beside an act, in the act's commit: the first answer to an Idempotency-Key.
_KEEPS_ANSWERS = {
    "api/evidence.py",
    "api/policy_drafts.py",
    "api/policy_trials.py",
    "api/transactions.py",
    "api/webhooks.py",
}
_WRITES = {"save", "delete", "create", "bulk_create", "get_or_create", "update_or_create", "bulk_update", "atomic"}


def _layers(contract: str) -> list[str]:
    return [name.strip() for layer in _CONTRACTS[contract]["layers"] for name in layer.replace(":", "|").split("|")]


def test_every_package_stands_in_exactly_one_layer() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - _APART
    layers = _layers("house")
    assert sorted(layers) == sorted(packages)


def test_every_module_of_a_refunds_life_stands_in_exactly_one_layer() -> None:
    beside = set(_CONTRACTS["refunds"]["exhaustive_ignores"])
    found = {
        path.stem for path in (ROOT / "refunds").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    layers = _layers("refunds")
    assert sorted(layers) == sorted(found - beside - {"__init__"})


def _is_queryset_update(call: ast.Call) -> bool:
    """``.update(field=...)``: that of dictionaries takes no names here."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == "update" and bool(call.keywords)


@pytest.mark.parametrize(
    "path",
    [path for face in FACES for path in sorted((ROOT / face).rglob("*.py"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_face_writes_neither_to_the_database_nor_to_the_audit_trail(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    found = []
    for node in ast.walk(ast.parse(path.read_text(), filename=name)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("core.audit.record"):
            found.append(f"{name}:{node.lineno} writes audit events")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            writes = node.func.attr in _WRITES or _is_queryset_update(node)
            if writes and name not in _KEEPS_ANSWERS:
                found.append(f"{name}:{node.lineno} {ast.unparse(node.func)}")
    assert not found


def test_no_module_outside_a_face_imports_one() -> None:
    """Import-linter holds the layers; this names the faces."""
    found = []
    for package in sorted({path.parent.name for path in ROOT.glob("*/__init__.py")} - _APART - set(FACES)):
        if package in {"config", "dev", "samples"}:
            continue
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                found += [f"{path.relative_to(ROOT)}: {module}" for module in modules if module.split(".")[0] in FACES]
    assert not found
