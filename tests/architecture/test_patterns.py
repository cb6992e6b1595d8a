"""No text from outside keeps a process busy: each regular expression of the house ends soon, whatever it is given.

A pattern that can match one text in many ways tries them all before it says no, and holds the whole process meanwhile. Each is
given texts made from itself: all that leads to a repetition, then what is repeated, a thousand times, then what fits nowhere.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import re
import signal
from collections.abc import Iterator
from itertools import islice
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import FrameType
from typing import Any

import pytest

from tests.architecture.test_house import PYTHON, ROOT

#: Of the processor. A pattern that is linear needs a few milliseconds.
_SECONDS = 2.0
_TIMES = 1_000
_MOST_TEXTS = 400
_METHODS = ("fullmatch", "match", "search", "sub", "findall", "finditer", "split")
_HOUSE = [path for path in PYTHON if not path.is_relative_to(ROOT / "simulators")]


def _used() -> Iterator[tuple[str, re.Pattern[Any], str]]:
    """Every pattern with how it is used: compiled for a module, or written where it is used."""
    for path in _HOUSE:
        text = path.read_text()
        if "import re\n" not in text:
            continue
        relative = path.relative_to(ROOT)
        module = importlib.import_module(".".join(relative.with_suffix("").parts).removesuffix(".__init__"))
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern) and re.search(rf"^{name}\b", text, re.MULTILINE):
                used = [method for method in _METHODS if re.search(rf"\b{name}\.{method}\b", text)]
                for method in used or ["search"]:
                    yield f"{relative}:{name}.{method}", value, method
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) not in {f"re.{one}" for one in _METHODS}:
                continue
            written, namespace = node.args[0], {**vars(module)}
            # One that is put together from what is at hand there alone cannot be had from outside.
            with contextlib.suppress(NameError):
                pattern = eval(ast.unparse(written), namespace)  # noqa: S307 - our own source
                flags = eval(ast.unparse(node.args[-1]), namespace) if "re." in ast.unparse(node.args[-1]) else 0  # noqa: S307
                method = ast.unparse(node.func).removeprefix("re.")
                yield f"{relative}:{node.lineno} re.{method}", re.compile(pattern, flags), method


def _samples(parsed: Any) -> list[str]:
    """Texts that a sequence matches: the shortest, and one that takes whatever may be left out."""
    return list(dict.fromkeys((_text(parsed, more=False), _text(parsed, more=True))))


def _text(parsed: Any, *, more: bool) -> str:
    return "".join(_one(kind, value, more=more) for kind, value in parsed)


def _one(kind: Any, value: Any, *, more: bool) -> str:
    if kind is kinds.LITERAL:
        return chr(value)
    if kind is kinds.NOT_LITERAL:
        return "b" if value == ord("a") else "a"
    if kind is kinds.ANY:
        return "a"
    if kind is kinds.IN:
        return _members(value)[0]
    if kind is kinds.BRANCH:
        return _text(value[1][-1 if more else 0], more=more)
    if kind is kinds.SUBPATTERN:
        return _text(value[3], more=more)
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
        least, most, inner = value
        times: int = max(least, 1 if more and most else 0)
        return _text(inner, more=more) * times
    if kind is kinds.ATOMIC_GROUP:
        return _text(value, more=more)
    return ""


def _members(value: Any) -> list[str]:
    """Some characters of a class."""
    if value[0][0] is kinds.NEGATE:
        barred = re.compile("[" + "".join(_written(one) for one in value[1:]) + "]")
        return [one for one in "a0 -.,;=\n中" if not barred.fullmatch(one)] or ["~"]
    found = []
    for kind, inside in value:
        if kind is kinds.LITERAL:
            found.append(chr(inside))
        elif kind is kinds.RANGE:
            found.append(chr(inside[0]))
        elif kind is kinds.CATEGORY:
            found += {kinds.CATEGORY_DIGIT: ["0"], kinds.CATEGORY_SPACE: [" "], kinds.CATEGORY_WORD: ["a", "0"]}.get(
                inside, ["~"]
            )
    return found


def _written(member: Any) -> str:
    kind, inside = member
    if kind is kinds.LITERAL:
        return re.escape(chr(inside))
    if kind is kinds.RANGE:
        return f"{re.escape(chr(inside[0]))}-{re.escape(chr(inside[1]))}"
    return {kinds.CATEGORY_DIGIT: r"\d", kinds.CATEGORY_SPACE: r"\s", kinds.CATEGORY_WORD: r"\w"}.get(inside, "")


def _repeated(parsed: Any, before: list[str]) -> Iterator[tuple[str, str]]:
    """What leads to each repetition without an end, and what is repeated there."""
    for kind, value in parsed:
        if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
            _, most, inner = value
            if most is kinds.MAXREPEAT or most > 50:
                pumped = _samples(inner)
                if len(inner) == 1 and inner[0][0] is kinds.IN:
                    pumped = _members(inner[0][1])[:6]
                yield from ((start, pump) for start in before for pump in pumped if pump)
            yield from _repeated(inner, before)
        elif kind is kinds.SUBPATTERN:
            yield from _repeated(value[3], before)
        elif kind is kinds.BRANCH:
            for branch in value[1]:
                yield from _repeated(branch, before)
        after = [_one(kind, value, more=more) for more in (False, True)]
        before = list(dict.fromkeys(start + one for start in before for one in after))[:8]


def _hostile(pattern: re.Pattern[Any]) -> Iterator[Any]:
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    parsed = parser.parse(source, pattern.flags & ~re.UNICODE)
    whole = _samples(parsed)
    starts = ["", *(text[:1] for text in whole)]
    for start, pump in dict.fromkeys(_repeated(parsed, [""])):
        for before in dict.fromkeys((start, *(one + start for one in starts))):
            for after in ("\x01", "!a0"):
                text = before + pump * _TIMES + after
                yield text if isinstance(pattern.pattern, str) else text.encode("utf-8")


@contextlib.contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Of the processor's time: others beside the test take none of it. Raises ``TimeoutError``."""

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _holds_up(pattern: re.Pattern[Any], method: str) -> str:
    """The text that takes too long, shortened; empty where none does."""
    for text in islice(_hostile(pattern), _MOST_TEXTS):
        ask = getattr(pattern, method)
        try:
            with _within(_SECONDS):
                if method == "sub":
                    ask(b"" if isinstance(text, bytes) else "", text)
                elif method == "finditer":
                    list(ask(text))
                else:
                    ask(text)
        except TimeoutError:
            return f"{text[:30]!r}..."
    return ""


def test_no_regular_expression_takes_long_over_any_text() -> None:
    used = list(_used())
    assert len(used) > 90
    found = {name: text for name, pattern, method in used if (text := _holds_up(pattern, method))}
    assert found == {}


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"(mar|jan)[a-z]*[-/ ]?[0-9]+([-/, ]*[0-9]+)*", id="a repetition within one"),
        pytest.param(r"¥?\s*[-+]?\s*¥?\s*[0-9]*\s*x", id="four beside one another"),
        pytest.param(r"(ab?|a)+d", id="two ways for one letter"),
    ],
)
def test_a_pattern_that_tries_everything_is_found(pattern: str) -> None:
    assert _holds_up(re.compile(pattern), "fullmatch")
