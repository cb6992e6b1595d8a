"""A draft as a form: rules to fields and back, and two people's forms merged. Fields are made from ``merchants.policies.fields``.

Names: ``p.<field>`` of the policy, ``r.<reason>.<field>``, ``w.<route>.<field>``, ``g.<kind>.<language>``, and in rows that come
and go ``t.<n>.<field>`` (tiers) and ``x.<n>.<field>`` (exceptions). Money is typed in yuan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import codes
from core.money import NotAnAmount, fen_typed, yuan, yuan_grouped
from desk.filters import Choice
from desk.forms import FormField, whole
from merchants.policies import fields
from merchants.policies.drafting import Written
from merchants.policies.fields import Field, Unit
from merchants.policies.guides import LANGUAGES, LONGEST
from merchants.policies.rules import ReasonRule, RouteRule, read_rules
from refunds.rules import in_words
from refunds.states import BY_HAND, Reason, Route

#: A form as it is sent: every name with its texts; what is not ticked has none.
Values = Mapping[str, tuple[str, ...]]

_ROWS = {"t": fields.TIER, "x": (*fields.SELECTORS, *fields.EXCEPTION)}
_UNITS = {
    Unit.FEN: "¥", Unit.PERCENT: "%", Unit.DAYS: _("days"), Unit.HOURS: _("hours"), Unit.MINUTES: _("minutes"),
    Unit.COUNT: "",
}  # fmt: skip
_NOT_SAID = ""
_LISTED = re.compile(r"[,，、\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Fields under one heading. ``switch`` says whether it holds at all: a reason that has a rule, a row that is to go."""

    name: str
    title: str
    summary: str
    fields: Sequence[FormField]
    switch: FormField | None = None
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The whole form. ``errors`` counts the fields that have one."""

    name: FormField
    groups: Sequence[Block]
    reasons: Sequence[Block]
    exceptions: Sequence[Block]
    tiers: Sequence[Block]
    routes: Sequence[Block]
    guides: Sequence[Block]
    errors: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a form comes to; ``errors`` by the name of the field."""

    written: Written
    errors: Mapping[str, str] = field(default_factory=dict)


# --- from rules to a form ---------------------------------------------------------------------------------------------


def values_of(written: Written) -> Values:
    """A draft as its form would be sent untouched."""
    data = written.rules
    found: dict[str, tuple[str, ...]] = {"name": (written.name,)}
    found |= _texts("p", fields.POLICY, data)
    for code, rule in data["reasons"].items():
        found[f"r.{code}.has"] = ("1",)
        found |= _texts(f"r.{code}", fields.REASON, rule)
    for prefix, rows in (("t", data["tiers"]), ("x", data.get("exceptions", ()))):
        for n, row in enumerate(rows):
            told = [one for one in _ROWS[prefix] if one.name in row or one.section == "tiers[]"]
            found |= _texts(f"{prefix}.{n}", told, row, in_row=prefix == "x")
    rules = read_rules(data)
    for route in _by_hand():
        rule = rules.route_rule(route)
        row = {"fundings": None if rule.fundings is None else sorted(rule.fundings), "limit_fen": rule.limit_fen}
        found |= _texts(f"w.{route}", fields.ROUTE, row)
    for kind, texts in written.guides.items():
        found |= {f"g.{kind}.{language}": (text,) for language, text in texts.items()}
    return {name: texts for name, texts in found.items() if any(texts)}


def _texts(
    prefix: str, section: Sequence[Field], data: Mapping[str, Any], *, in_row: bool = False
) -> dict[str, tuple[str, ...]]:
    return {f"{prefix}.{one.name}": _typed(one, one.read(data), says_no=in_row) for one in section}


def _typed(one: Field, value: Any, *, says_no: bool = False) -> tuple[str, ...]:
    """As somebody would type or tick it. Where a field may be left unsaid, "no" is a word of its own."""
    if value is None:
        return ()
    if one.unit is Unit.YES_NO:
        return ("1",) if value else ("0",) if says_no else ()
    if one.unit is Unit.FEN:
        return (yuan(value),)
    if one.unit in (Unit.CHOICES, Unit.CODES):
        return tuple(value) if in_words.names_of(one) else (", ".join(value),)
    return (str(value),)


# --- from a form to rules ---------------------------------------------------------------------------------------------


def sent(data: QueryDict) -> Values:
    """What a browser sent, cut to what fields hold."""
    found = {name: tuple(text.replace("\r\n", "\n").strip()[:LONGEST] for text in data.getlist(name)) for name in data}
    return {name: texts for name, texts in found.items() if any(texts)}


def parse(values: Values, *, base: Mapping[str, Any]) -> Parsed:
    """The rules that a form says. What it leaves as the ``base`` has it stays as that wrote it, left out or not; fields that
    are none of the table's stay, too.
    """
    errors: dict[str, str] = {}
    others = {name: value for name, value in base.items() if name not in {one.name for one in fields.POLICY}}
    rules = {**others, **_read("p", fields.POLICY, values, base, errors)}
    rules["reasons"] = {
        code: _read(f"r.{code}", fields.REASON, values, base["reasons"].get(code, {}), errors)
        for code in [*base["reasons"], *(code for code in Reason.values if code not in base["reasons"])]
        if values.get(f"r.{code}.has")
    }
    tiers = list(_rows("t", values, base["tiers"], errors))
    if any(tier not in base["tiers"] for tier in tiers):
        tiers.sort(key=lambda tier: (tier.get("limit_fen") is None, tier.get("limit_fen") or 0))
    rules["tiers"] = tiers
    exceptions = list(_rows("x", values, base.get("exceptions", ()), errors))
    if exceptions or "exceptions" in base:
        rules["exceptions"] = exceptions
    routes = {route: rule for route in _by_hand() if (rule := _route(route, values, base, errors)) is not None}
    if routes or "route_rules" in base:
        kept = {route: rule for route, rule in base.get("route_rules", {}).items() if route not in _by_hand()}
        rules["route_rules"] = {**kept, **routes}
    guides: dict[str, dict[str, str]] = {}
    for kind in in_words.KINDS:
        for language in LANGUAGES:
            if text := _first(values, f"g.{kind}.{language}"):
                guides.setdefault(kind, {})[language] = text
    return Parsed(Written(name=_first(values, "name")[:80], rules=rules, guides=guides), errors)


def _read(
    prefix: str, section: Sequence[Field], values: Values, base: Mapping[str, Any], errors: dict[str, str]
) -> dict[str, Any]:
    found = {}
    for one in section:
        name = f"{prefix}.{one.name}"
        try:
            value = _value(one, values.get(name, ()))
        except (ValueError, NotAnAmount) as error:
            errors[name] = _why(one, error)
            value = base.get(one.name)
        if value is None and one.null is None:
            if one.is_required:
                errors.setdefault(name, gettext("Fill this in."))
            # Left out, what the table says holds.
            continue
        if value == () and one.is_required and one.null is None:
            errors.setdefault(name, gettext("Choose at least one."))
        if one.name in base or one.is_required or value != one.default:
            found[one.name] = list(value) if isinstance(value, tuple) else value
            _keep_order(found, one, base)
    return found


def _keep_order(found: dict[str, Any], one: Field, base: Mapping[str, Any]) -> None:
    """The same names in another order are the same."""
    before = base.get(one.name)
    if isinstance(before, list) and isinstance(found[one.name], list) and sorted(before) == sorted(found[one.name]):
        found[one.name] = before


def _value(one: Field, texts: tuple[str, ...]) -> Any:
    """What was typed into a field, within its bounds; None: left empty. Raises ``ValueError`` or ``NotAnAmount``."""
    text = texts[0] if texts else ""
    value: Any
    if one.unit is Unit.YES_NO:
        value = text == "1"
    elif one.unit in (Unit.CHOICES, Unit.CODES):
        value = texts if in_words.names_of(one) else tuple(part for part in _LISTED.split(text) if part)
        # No tick at all is no restriction where the table has a word for that.
        value = None if not value and one.null is not None else value
    elif not text:
        value = None
    elif one.unit is Unit.FEN:
        value = fen_typed(text)
    elif one.unit in (Unit.TEXT, Unit.CHOICE):
        value = text[:40]
    else:
        found = whole(text, digits=14)
        value = -1 if found is None else found
    return None if value is None else one.read({one.name: value})


def _why(one: Field, error: Exception) -> str:
    if isinstance(error, NotAnAmount):
        return codes.words(error.code)
    if one.unit is Unit.FEN:
        bounds = {"least": f"¥{yuan_grouped(one.least)}", "most": f"¥{yuan_grouped(one.most)}"}
    else:
        bounds = {"least": str(one.least), "most": str(one.most)}
    if one.unit in (Unit.CHOICE, Unit.CHOICES, Unit.CODES, Unit.TEXT):
        return gettext("Choose one of those that are offered.")
    return gettext("From %(least)s to %(most)s.") % bounds


def _rows(
    prefix: str, values: Values, base: Sequence[Mapping[str, Any]], errors: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """Rows that are not to go and say anything; a field of an exception that was left empty is not said."""
    for n in _numbers(prefix, values):
        row = f"{prefix}.{n}"
        if values.get(f"{row}.remove"):
            continue
        before = base[n] if n < len(base) else {}
        if prefix == "t":
            read = _read(row, fields.TIER, values, before, errors)
            yield read
            continue
        whom = _read(row, fields.SELECTORS, values, before, errors)
        told = [one for one in fields.EXCEPTION if values.get(f"{row}.{one.name}")]
        says = _read(row, told, values, before, errors)
        if not any(whom.values()):
            errors[f"{row}.reasons"] = gettext("Say for which stores, article groups or reasons.")
        yield {**whom, **says}


def _numbers(prefix: str, values: Values) -> list[int]:
    found = {name.split(".")[1] for name in values if name.startswith(f"{prefix}.")}
    return sorted(int(n) for n in found if n.isascii() and n.isdigit() and len(n) < 4)


def _route(route: str, values: Values, base: Mapping[str, Any], errors: dict[str, str]) -> dict[str, Any] | None:
    before = base.get("route_rules", {}).get(route)
    read = _read(f"w.{route}", fields.ROUTE, values, before or {}, errors)
    usual = read_rules({**base, "route_rules": {}}).route_rule(route)
    says = RouteRule(None if read["fundings"] is None else frozenset(read["fundings"]), read["limit_fen"])
    return None if before is None and says == usual else read


def _by_hand() -> list[str]:
    return [route for route in Route.values if route in BY_HAND]


def _first(values: Values, name: str) -> str:
    texts = values.get(name, ())
    return texts[0] if texts else ""


# --- two people's forms -----------------------------------------------------------------------------------------------


def merged(*, base: Values, mine: Values, theirs: Values) -> Values:
    """What both wrote upon ``base``: where only the other changed something it is theirs, everywhere else mine. Tiers and
    exceptions, whose rows move, are each one thing.
    """

    def part(name: str) -> str:
        return name[0] if name[:2] in ("t.", "x.") else name

    def of(values: Values, which: str) -> dict[str, tuple[str, ...]]:
        return {name: texts for name, texts in values.items() if part(name) == which}

    found: dict[str, tuple[str, ...]] = {}
    for which in dict.fromkeys(map(part, (*base, *mine, *theirs))):
        found |= of(theirs if of(mine, which) == of(base, which) else mine, which)
    return found


# --- as the template shows it -----------------------------------------------------------------------------------------


def form_of(values: Values, *, errors: Mapping[str, str], old: Values) -> Form:
    """The form with what stands in it; ``old``: what is in force, so that what differs is marked."""
    make = _Maker(values, errors, old)
    by_name = {one.name: one for one in fields.POLICY}
    groups = [
        Block(
            name=name,
            title=str(title),
            summary="",
            fields=[make.field("p", by_name[one]) for one in names if one in by_name],
            is_open=True,
        )
        for name, title, names in in_words.GROUPS
    ]
    return Form(
        name=make.text("name", gettext("Name of the policy"), "text"),
        groups=groups,
        reasons=[make.reason(reason) for reason in Reason],
        exceptions=make.rows("x"),
        tiers=make.rows("t"),
        routes=[make.route(route) for route in _by_hand()],
        guides=[make.guide(kind, str(label)) for kind, label in in_words.KINDS.items()],
        errors=len(errors),
    )


@dataclass(frozen=True, slots=True)
class _Maker:
    values: Values
    errors: Mapping[str, str]
    old: Values

    def text(self, name: str, label: str, kind: str) -> FormField:
        return FormField(
            name=name,
            label=label,
            kind=kind,
            values=self.values.get(name, ()),
            error=self.errors.get(name, ""),
            changed=self.values.get(name, ()) != self.old.get(name, ()),
        )

    def field(self, prefix: str, one: Field, *, may_be_unsaid: bool = False) -> FormField:
        name = f"{prefix}.{one.name}"
        choices = [Choice(str(code), str(label)) for code, label in in_words.names_of(one).items()]
        if may_be_unsaid and one.unit is Unit.YES_NO:
            choices = [Choice("1", gettext("yes")), Choice("0", gettext("no"))]
        if may_be_unsaid and one.unit in (Unit.CHOICE, Unit.YES_NO):
            choices = [Choice(_NOT_SAID, gettext("as it is")), *choices]
        return FormField(
            name=name,
            label=str(one.label),
            kind=_kind(one, choices),
            values=self.values.get(name, ()),
            choices=choices,
            unit=str(_UNITS.get(one.unit, "")),
            hint=_hint(one, may_be_unsaid=may_be_unsaid, choices=choices),
            error=self.errors.get(name, ""),
            changed=self.values.get(name, ()) != self.old.get(name, ()),
        )

    def reason(self, reason: Reason) -> Block:
        prefix = f"r.{reason.value}"
        has = self.text(f"{prefix}.has", gettext("The policy has a rule for it"), "flag")
        shown = [self.field(prefix, one) for one in fields.REASON]
        parsed: dict[str, str] = {}
        read = _read(prefix, fields.REASON, self.values, {}, parsed) if has.value else {}
        whole = bool(has.value) and not parsed
        words = (
            in_words.reason_words(ReasonRule(**{one.name: one.read(read) for one in fields.REASON})) if whole else ""
        )
        return Block(
            name=prefix,
            title=str(reason.label),
            summary=words or ("" if has.value else gettext("no rule: a person decides")),
            fields=shown,
            switch=has,
            is_open=any(one.error for one in shown),
        )

    def route(self, route: str) -> Block:
        shown = [self.field(f"w.{route}", one) for one in fields.ROUTE]
        summary = _summary(shown[0]) + gettext(", ") + _summary(shown[1])
        return Block(
            name=f"w.{route}",
            title=str(Route(route).label),
            summary=summary,
            fields=shown,
            is_open=any(one.error for one in shown),
        )

    def rows(self, prefix: str) -> list[Block]:
        numbers = _numbers(prefix, self.values)
        found = [self._row(prefix, n, is_new=False) for n in numbers]
        return [*found, self._row(prefix, (numbers[-1] + 1) if numbers else 0, is_new=True)]

    def _row(self, prefix: str, n: int, *, is_new: bool) -> Block:
        row = f"{prefix}.{n}"
        choosers = fields.SELECTORS if prefix == "x" else ()
        rest = fields.EXCEPTION if prefix == "x" else fields.TIER
        shown = [self.field(row, one) for one in choosers]
        shown += [self.field(row, one, may_be_unsaid=prefix == "x") for one in rest]
        title = gettext("Add an exception") if prefix == "x" else gettext("Add a tier")
        if not is_new:
            title = self._row_title(row, prefix)
        remove = self.text(f"{row}.remove", gettext("Take this one out"), "flag")
        return Block(
            name=row,
            title=title,
            summary="" if is_new or prefix == "x" else gettext(", ").join(map(_summary, shown[1:3])),
            fields=shown,
            switch=None if is_new else remove,
            is_open=any(one.error for one in shown),
        )

    def _row_title(self, row: str, prefix: str) -> str:
        if prefix == "t":
            return in_words.tier_label(_first(self.values, f"{row}.name")) or gettext("Tier")
        named = []
        for one in fields.SELECTORS:
            texts = self.values.get(f"{row}.{one.name}", ())
            known = in_words.names_of(one)
            named += [str(known.get(text, text)) for text in texts]
        return " · ".join(named) or gettext("Exception")

    def guide(self, kind: str, label: str) -> Block:
        languages = {"zh": gettext("In Chinese"), "en": gettext("In English")}
        shown = [self.text(f"g.{kind}.{language}", name, "long") for language, name in languages.items()]
        said = [one.label for one in shown if one.value]
        return Block(
            name=f"g.{kind}",
            title=label,
            summary=gettext(", ").join(said) or gettext("none"),
            fields=shown,
            is_open=any(one.error for one in shown),
        )


def _summary(one: FormField) -> str:
    """What stands in a field, in a word or two."""
    chosen = [choice.label for choice in one.choices if choice.value in one.values]
    if one.kind == "money" and one.value:
        return gettext("up to ¥%(limit)s") % {"limit": one.value}
    return gettext(", ").join(chosen) or one.value or one.hint.removeprefix(gettext("Empty: %(what)s") % {"what": ""})


def _kind(one: Field, choices: Sequence[Choice]) -> str:
    if one.unit is Unit.YES_NO:
        return "choice" if choices else "flag"
    if one.unit in (Unit.CHOICES, Unit.CODES):
        return "checks" if choices else "list"
    return {Unit.FEN: "money", Unit.CHOICE: "choice", Unit.TEXT: "text"}.get(one.unit, "number")


def _hint(one: Field, *, may_be_unsaid: bool, choices: Sequence[Choice]) -> str:
    if may_be_unsaid:
        return "" if choices else gettext("Empty: as it is")
    if one.null is not None or one.follows is not None:
        return gettext("Empty: %(what)s") % {"what": one.null or one.follows}
    if not one.is_required and one.unit not in (Unit.YES_NO, Unit.CHOICE, Unit.CHOICES, Unit.CODES):
        return gettext("Empty: %(what)s") % {"what": in_words.said(one, one.default)}
    return ""
