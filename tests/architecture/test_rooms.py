"""Every module stands in exactly one layer, and a face shows and asks: it writes nothing."""

from __future__ import annotations

import ast
import graphlib
import re
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
_CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}
#: Apart from the house: they know nothing of it, or it nothing of them.
_APART = {"benchmarks", "clients", "payment_channels", "simulators", "tests", "var"}
FACES = ("api", "customer", "desk")
#: What the API keeps of its own beside an act, in the act's commit: the first answer to an Idempotency-Key.
_KEEPS_ANSWERS = {
    "api/evidence.py",
    "api/idempotency.py",
    "api/policy_drafts.py",
    "api/policy_trials.py",
    "api/sandbox.py",
    "api/transactions.py",
    "api/webhooks.py",
}
_WRITES = {"save", "delete", "create", "bulk_create", "get_or_create", "update_or_create", "bulk_update", "atomic"}
_WRITES |= {f"a{name}" for name in _WRITES}
#: What writes whatever it is called with: events of the trail, the door to a request's state.
_WRITERS = ("core.audit.record", "refunds.lifecycle")
_WRITING_SQL = re.compile(
    r"\b(INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|TRUNCATE|MERGE\s+INTO|COPY\s+\S+\s+FROM)\b"
)


def _layers(contract: str) -> list[str]:
    return [name.strip() for layer in _CONTRACTS[contract]["layers"] for name in layer.replace(":", "|").split("|")]


def test_every_package_stands_in_exactly_one_layer() -> None:
    packages = {path.relative_to(ROOT).parts[0] for path in ROOT.glob("[!.]*/**/*.py")} - _APART
    layers = _layers("house")
    assert sorted(layers) == sorted(packages)


def test_every_module_of_a_refunds_life_stands_in_exactly_one_layer() -> None:
    beside = set(_CONTRACTS["refunds"]["exhaustive_ignores"])
    found = {path.stem for path in (ROOT / "refunds").iterdir() if path.suffix == ".py" or any(path.rglob("*.py"))}
    layers = _layers("refunds")
    assert sorted(layers) == sorted(found - beside - {"__init__"})


def test_no_modules_import_one_another_in_a_circle() -> None:
    """Also not inside a function. What only types need does not count; a circle is told as the way round."""
    packages = sorted({*_layers("house")} | {"payment_channels", "simulators"})
    graph = grimp.build_graph(packages[0], *packages[1:], exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 800
    graphlib.TopologicalSorter(imports).prepare()


def _is_queryset_update(call: ast.Call) -> bool:
    """``.update(field=...)``: that of dictionaries takes no names here."""
    return isinstance(call.func, ast.Attribute) and call.func.attr in {"update", "aupdate"} and bool(call.keywords)


def _modules(node: ast.AST) -> list[str]:
    """Modules, or names of theirs, that an import names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def writes(source: str) -> list[str]:
    """Where a module writes to the database or to the audit trail itself: line and what it does."""
    found = []
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 0)
        found += [
            f"{line} {name}" for name in _modules(node) if f"{name}.".startswith(tuple(f"{w}." for w in _WRITERS))
        ]
        called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
        if called in _WRITES or (isinstance(node, ast.Call) and _is_queryset_update(node)):
            found.append(f"{line} {called}")
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _WRITING_SQL.search(node.value):
            found.append(f"{line} SQL")
    return found


def test_a_face_writes_neither_to_the_database_nor_to_the_audit_trail() -> None:
    paths = [path for face in FACES for path in sorted((ROOT / face).rglob("*.py"))]
    found = {str(path.relative_to(ROOT)): lines for path in paths if (lines := writes(path.read_text()))}
    assert paths
    assert not {path: lines for path, lines in found.items() if path not in _KEEPS_ANSWERS}


@pytest.mark.parametrize(
    "line",
    [
        "request.save(update_fields=['state'])",
        "await request.asave()",
        "RefundRequest.objects.filter(pk=1).update(state='closed')",
        "RefundRequest.objects.filter(pk=1).update(**changes)",
        "Store.objects.get_or_create(code='S001')",
        "rows.delete()",
        "with transaction.atomic():\n    act()",
        "cursor.execute('UPDATE refunds_refundrequest SET state = %s', ['closed'])",
        "cursor.execute(f'DELETE FROM {table}')",
        "from core.audit.record import record",
        "from core.audit import record",
        "import core.audit.record as trail",
        "from refunds import lifecycle",
        "from refunds.lifecycle import advance",
    ],
)
def test_what_a_face_may_not_do_when_it_is_written_is_found(line: str) -> None:
    assert writes(line)


@pytest.mark.parametrize(
    "line",
    [
        "known.update(found)",
        "cursor.execute('SELECT 1')",
        "from core.audit.models import AuditEvent",
        "deciding.approve(by=by)",
    ],
)
def test_what_a_face_does_when_it_shows_and_asks_is_not_found(line: str) -> None:
    assert not writes(line)


def test_no_module_outside_a_face_imports_one() -> None:
    """Import-linter holds the layers; this names the faces."""
    found = []
    for package in sorted({path.parent.name for path in ROOT.glob("*/__init__.py")} - _APART - set(FACES)):
        if package in {"config", "dev", "samples"}:
            continue
        for path in sorted((ROOT / package).rglob("*.py")):
            named = [name for node in ast.walk(ast.parse(path.read_text())) for name in _modules(node)]
            found += [f"{path.relative_to(ROOT)}: {name}" for name in named if name.split(".")[0] in FACES]
    assert not found
