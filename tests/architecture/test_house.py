"""Rules of the house that no linter knows. Each names its reason; `docs/adr/` has the longer ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = (
    *("analytics", "api", "config", "core", "customer", "desk", "invariants", "merchants", "payment_channels"),
    *("reconciliation", "refunds", "terminals"),
)
PYTHON = [path for package in (*PRODUCT, "simulators") for path in sorted((ROOT / package).rglob("*.py"))]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))

# A name that says nothing attracts everything.
NAMELESS = {"utils", "util", "helpers", "common", "services", "misc", "managers"}
MONEY = re.compile(r"(_fen|amount|price|fee|total)$")


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def _nodes(path: Path) -> list[ast.AST]:
    return [*ast.walk(ast.parse(path.read_text(), filename=str(path)))]


def test_no_module_has_a_name_that_says_nothing() -> None:
    parts = {part for path in PYTHON for part in (*path.relative_to(ROOT).parent.parts, path.stem)}
    assert not parts & NAMELESS


def _sets_a_requests_state(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in {"update", "update_or_create"}:
        return False
    values = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "state"]
    # An execution's or an outbox row's state is bookkeeping of its own and says so by its name.
    return bool(values) and ("RefundRequest" in ast.unparse(call.func) or not re.match(r"[A-Z]\w+State\.", values[0]))


def test_no_update_sets_a_requests_state_past_the_lifecycle() -> None:
    """`.update(state=...)` skips the transition, the version, the audit event and the outbox row."""
    found = [
        f"{_relative(path)}:{node.lineno}"
        for path in PYTHON
        if not path.is_relative_to(ROOT / "simulators")
        for node in _nodes(path)
        if isinstance(node, ast.Call) and _sets_a_requests_state(node)
    ]
    assert not found


_FRACTIONS = {"FloatField", "DecimalField"}


def _fractions_near_money(path: Path) -> Iterator[str]:
    for node in _nodes(path):
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            name = node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)
            if MONEY.search(name) and re.search(r"\bfloat\b", ast.unparse(node.annotation)):
                yield f"{_relative(path)}:{node.lineno} {name} is annotated as a float"
        # A share or a median of seconds that an answer shows may be a fraction; nothing that is stored, and no amount.
        if isinstance(node, ast.Attribute) and node.attr in _FRACTIONS and ast.unparse(node.value) == "models":
            yield f"{_relative(path)}:{node.lineno} {node.attr}"
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            kind = ast.unparse(node.value.func).rpartition(".")[2]
            if kind in _FRACTIONS and any(MONEY.search(ast.unparse(target)) for target in node.targets):
                yield f"{_relative(path)}:{node.lineno} {ast.unparse(node.targets[0])} is a {kind}"
        if isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Name) and node.func.id == "float":
            argument = ast.unparse(node.args[0])
            if argument.endswith("_fen"):
                yield f"{_relative(path)}:{node.lineno} float({argument})"


def test_money_is_never_a_float() -> None:
    """Money is whole fen; a float has no place near it, nor has a field that holds fractions."""
    assert not [line for path in PYTHON for line in _fractions_near_money(path)]


def test_every_template_is_inert_under_the_content_security_policy() -> None:
    """No inline style, handler or script: the policy refuses them, and the page would quietly lack them."""
    forbidden = {
        "style=": re.compile(r"<[^>]*\sstyle\s*=", re.S),
        "an inline handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.S),
        "hx-on": re.compile(r"\bhx-on[:-]"),
        "a <style>": re.compile(r"<style\b"),
        "a script without src": re.compile(r"<script\b(?![^>]*\b(src=|type=\"application/json\"))"),
        "javascript:": re.compile(r"javascript:"),
        "text marked as safe": re.compile(r"\|\s*safe\b|{%\s*autoescape\s+off"),
        "a component nobody replaces": re.compile(r"<c-"),
    }
    found = [
        f"{_relative(path)}: {what}"
        for path in TEMPLATES
        for what, pattern in forbidden.items()
        # Mail programs know no stylesheets; no policy of ours reaches them either.
        if not (what in {"style=", "a <style>"} and path.is_relative_to(ROOT / "templates" / "messages"))
        if pattern.search(path.read_text())
    ]
    assert not found


def test_make_help_lists_every_target_that_is_meant_for_people() -> None:
    makefile = (ROOT / "Makefile").read_text()
    listed = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.M))
    assert {"help", "setup", "demo", "test", "check", "fix", "bench", "states", "simulators", "shell"} <= listed
    # Steps of others; everything else has its line in the help.
    inner = {"environment", "environment-demo", "hooks"}
    assert set(re.findall(r"^\.PHONY: ([a-z-]+)$", makefile, re.M)) - inner == listed


def test_nothing_secret_is_committed() -> None:
    """Keys are made at the first start or come from the environment."""
    private_key = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=]")
    found = [_relative(path) for path in PYTHON if private_key.search(path.read_text())]
    assert not found


def test_signals_carry_no_business_logic() -> None:
    """What follows from a state stands in NEXT_STEP, where one can read it."""
    found = [
        f"{_relative(path)}:{node.lineno}"
        for path in PYTHON
        if path.is_relative_to(ROOT / "refunds") or path.is_relative_to(ROOT / "merchants")
        for node in _nodes(path)
        if isinstance(node, ast.ImportFrom) and (node.module or "") in {"django.db.models.signals", "django.dispatch"}
    ]
    assert not found
