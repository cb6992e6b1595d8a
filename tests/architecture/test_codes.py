"""Every code that something is refused with stands in the catalogue once, in both languages, and is worded nowhere else."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import polib
from django.utils import translation
from rest_framework import exceptions

from api import fields
from core.codes import CODES, FIELDS, PROBLEMS, REFUSALS
from core.errors import DomainError

ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = (
    *(
        "analytics",
        "api",
        "core",
        "customer",
        "desk",
        "integrations",
        "invariants",
        "merchants",
        "reconciliation",
        "refunds",
    ),
    "terminals",
)
#: What a payout came to, as its channel says it (payment_channels.contract): no refusal of ours. Advice about it: ``remedies``.
_OUTCOMES = {"Refused", "Unknown"}
#: Django and its REST framework raise these by themselves.
_BY_LIBRARIES = {
    "invalid_input", "parse_error", "not_found", "method_not_allowed", "not_acceptable", "unsupported_media_type",
    "permission_denied", "throttled", "internal_error",
}  # fmt: skip
#: Asked of the channels for a statement; WeChat's own codes.
_OF_STATEMENTS = {"STATEMENT_CREATING", "NO_STATEMENT_EXIST"}
#: Plain Python without our errors: codes stand in calls of these, or are returned by name.
_PLAIN = {"BillCorrupt", "NotAnAmount", "NotAQuantity"}


@cache
def _modules() -> dict[str, ast.Module]:
    paths = [path for package in _PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    # Channels that call back are answered in their own words.
    return {
        name: ast.parse((ROOT / name).read_text()) for name in map(_relative, paths) if name != "api/channel_notices.py"
    }


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _codes_in(module: ast.Module) -> Iterator[str]:
    """``code="..."`` of a call or of a class, a field error's second, and what the API's own makers of refusals are given."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and _name(node.func) not in _OUTCOMES:
            yield from (_text(keyword.value) for keyword in node.keywords if keyword.arg == "code")
            place = {"FieldError": 1, "_bad": 1, "refused": 0, "_later": 0, "_plain": 0, "words": 0, "text_of": 0}
            number = place.get(_name(node.func))
            if number is not None and len(node.args) > number:
                yield _text(node.args[number])
        if isinstance(node, ast.ClassDef):
            yield from (_text(keyword.value) for keyword in node.keywords if keyword.arg == "code")
            for line in node.body:
                if isinstance(line, ast.Assign) and _name(line.targets[0]) in {"code", "default_code"}:
                    yield _text(line.value)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("why_not_"):
            yield from (_text(part) for line in ast.walk(node) if isinstance(line, ast.Return) for part in _parts(line))
        if isinstance(node, ast.Dict):
            yield from (_text(value) for key, value in zip(node.keys, node.values, strict=True) if _text(key) == "code")


def _parts(line: ast.Return) -> list[ast.expr]:
    return (
        [line.value.body, line.value.orelse] if isinstance(line.value, ast.IfExp) else [line.value or ast.Constant("")]
    )


def _plain_codes() -> set[str]:
    """Codes of what is read without knowing our errors: files of statements, amounts as typed."""
    found = set()
    typed = [ROOT / "core" / name for name in ("money.py", "quantities.py")]
    for path in (*(ROOT / "payment_channels").rglob("*.py"), *typed):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _name(node.func) in _PLAIN:
                found |= {_text(part) for part in (*node.args[-1:], *(word.value for word in node.keywords))}
            if isinstance(node, ast.Return) and path.name == "money.py":
                found |= {_text(part) for part in _parts(node)}
    return {code for code in found if code.startswith(("bill_", "amount_", "quantity_"))} | {"bill_damaged"}


def _refusing_rules() -> set[str]:
    """Rules of the policy that refuse: a problem has the code of its rule, but for the two that others share."""
    calls = ast.walk(_modules()["refunds/rules/policy.py"])
    hard = {
        _text(call.args[0])
        for call in calls
        if isinstance(call, ast.Call) and any(keyword.arg == "hard" for keyword in call.keywords) and call.args
    }
    return hard - {"", "refundable_balance", "article_quantity"}


def _raised() -> set[str]:
    found = {code for module in _modules().values() for code in _codes_in(module)} - {""}
    return found | _refusing_rules() | _BY_LIBRARIES | _OF_STATEMENTS | _plain_codes()


def _library_codes() -> set[str]:
    """Codes of the library's fields that the API's bodies and queries are made of."""
    serializer_classes = [fields.StrictSerializer]
    import_module("api.urls")
    found = set()
    while serializer_classes:
        one = serializer_classes.pop()
        serializer_classes += one.__subclasses__()
        for field in one().fields.values():
            found |= set(field.error_messages)
    return found


def test_every_code_that_is_raised_is_in_the_catalogue() -> None:
    raised = _raised()
    assert len(raised) > 100
    assert raised - CODES.keys() == set()
    assert _library_codes() - CODES.keys() == set()


def test_the_catalogue_has_each_code_once_and_none_that_nothing_raises() -> None:
    assert [name for name, n in Counter(code.name for code in (*PROBLEMS, *FIELDS, *REFUSALS)).items() if n > 1] == []
    assert CODES.keys() - _raised() - _library_codes() == set()


def test_a_problem_says_what_to_do_about_it() -> None:
    assert [code.name for code in PROBLEMS if code.remedy is None] == []


def test_every_text_of_a_code_has_its_chinese() -> None:
    chinese = {entry.msgid: entry.msgstr for entry in polib.pofile(str(ROOT / "locale/zh_Hans/LC_MESSAGES/django.po"))}
    with translation.override("en"):
        texts = {str(text) for code in CODES.values() for text in (code.title, code.sentence, code.remedy) if text}
    assert sorted(text for text in texts if chinese.get(text, "") in ("", text)) == []


def _kinds(kind: Any) -> Iterator[Any]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def test_an_error_has_a_status_that_the_catalogue_says() -> None:
    for path in _modules():
        if path.startswith(
            ("refunds/", "reconciliation/", "merchants/", "terminals/", "analytics/", "customer/", "api/")
        ):
            import_module(path.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))
    wrong = [
        f"{kind.__name__}: {kind.status}"
        for kind in _kinds(DomainError)
        if kind.__module__.split(".")[0] in _PACKAGES and kind.code in CODES
        if kind.status not in CODES[kind.code].statuses and kind.code != "refused"
    ]
    wrong += [
        f"{kind.__name__}: {kind.status_code}"
        for kind in _kinds(exceptions.APIException)
        if kind.__module__.startswith("api.") and kind.status_code not in CODES[str(kind.default_code)].statuses
    ]
    assert wrong == []


def test_no_other_module_words_a_code_again() -> None:
    """A sentence of the catalogue stands nowhere else, neither in a face nor in a rule."""
    with translation.override("en"):
        said = {str(text) for code in CODES.values() for text in (code.title, code.sentence, code.remedy) if text}
    again = [
        f"{path}:{node.lineno}"
        for path, module in _modules().items()
        if not path.startswith("core/codes/")
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and _name(node.func) in {"_", "gettext", "gettext_lazy"}
        if node.args and _text(node.args[0]) in said
    ]
    assert again == []
    templates = {path: path.read_text() for path in (ROOT / "templates").rglob("*") if path.is_file()}
    assert [
        f"{path}: {text}" for path, source in templates.items() for text in said if f'translate "{text}"' in source
    ] == []


_GENERAL = {"DomainError", "Invalid", "Forbidden", "Conflict"}


def _without_a_code() -> Iterator[str]:
    """Calls of the four ways to refuse themselves, that name no code: their callers would be told the general one."""
    for path, module in _modules().items():
        for node in ast.walk(module):
            if not isinstance(node, ast.Call) or _name(node.func) not in _GENERAL:
                continue
            if not {"code", None} & {keyword.arg for keyword in node.keywords}:
                yield f"{path}:{node.lineno}"


def test_nothing_is_refused_with_the_general_code() -> None:
    assert [*_without_a_code()] == []
    nameless = {kind.__name__ for kind in _kinds(DomainError) if kind.code == "refused"}
    assert nameless == _GENERAL
