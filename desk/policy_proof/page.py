"""What the page of a draft's proof shows: findings, exposure, trials on the past, and how it agrees with what is in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from analytics.models import Shadow, Trial, TrialState
from analytics.trials import running, shadow
from analytics.trials.running import Changed
from analytics.trials.shadow import Agreement
from analytics.trials.tally import CUTS, MODES
from core.calendar import SHANGHAI
from core.money import yuan_grouped
from desk.filters import Option
from merchants.models import PolicyDraft, Store
from merchants.policies import versions
from merchants.policies.rules import read_rules
from refunds.rules.explanations import RULES
from refunds.rules.exposure import Exposure, exposures
from refunds.rules.finding import Example, Finding, Severity
from refunds.rules.policy import Ruling
from refunds.rules.proof import findings
from refunds.states import Reason

#: A trial is offered for so many days back.
USUAL_DAYS = 90
#: Of each cut so many lines are shown.
_SHOWN = 10

TONES = {Severity.ERROR: "bad", Severity.WARNING: "warn", Severity.NOTE: ""}
SEVERITIES: Mapping[Severity, Promise] = {
    Severity.ERROR: _("error"),
    Severity.WARNING: _("warning"),
    Severity.NOTE: _("note"),
}
RULINGS: Mapping[str, Promise] = {
    Ruling.APPROVE.value: _("approved by rule"),
    Ruling.REVIEW.value: _("to a person"),
    Ruling.REFUSE.value: _("refused"),
}
_CUTS: Mapping[str, Promise] = {
    "store": _("Store"),
    "reason": _("Reason"),
    "cashier": _("Cashier"),
    "month": _("Month"),
}
MODE_WORDS: Mapping[str, Promise] = {"plain": _("As it was"), "fed": _("With feedback")}


@dataclass(frozen=True, slots=True)
class FindingRow:
    finding: Finding
    word: Promise
    tone: str
    example: str


@dataclass(frozen=True, slots=True)
class ExposureRow:
    """``before`` of the policy in force; ``grows`` where the draft lets more happen."""

    label: Promise
    store: str
    before: str
    after: str
    grows: bool
    sequence: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the matrix, or the line of a cut: how many, how much, and minutes of review (+ saved)."""

    label: str
    requests: int
    changed: int
    fen: int
    minutes: int
    url: str = ""
    became: str = ""


@dataclass(frozen=True, slots=True)
class RuleRow:
    label: str
    requests: int
    url: str


@dataclass(frozen=True, slots=True)
class Cut:
    label: Promise
    rows: Sequence[Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialView:
    """The trial that is looked at. ``percent`` and ``left_s`` while it runs; the rest once it is done."""

    trial: Trial
    is_running: bool
    percent: int
    left_s: float | None
    not_judgeable: int = 0
    minutes_each: float = 0
    requests: int = 0
    changed: int = 0
    changed_fen: int = 0
    minutes: int = 0
    modes: Sequence[Option] = ()
    matrix: Sequence[Cell] = ()
    rules: Sequence[RuleRow] = ()
    cuts: Sequence[Cut] = ()
    examples: Sequence[Changed] = ()
    examples_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowView:
    shadow: Shadow
    is_running: bool
    agreement: Agreement
    matrix: Sequence[Cell]
    rules: Sequence[RuleRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyProofPage:
    draft: PolicyDraft
    version_number: int
    findings: Sequence[FindingRow]
    exposure: Sequence[ExposureRow]
    trial: TrialView | None
    others: Sequence[Trial]
    shadow: ShadowView | None
    since: date
    until: date
    most_days: int
    error: str
    rulings: Mapping[str, Promise]


def policy_proof_page(
    *, draft: PolicyDraft, at: datetime, query: Mapping[str, str], trial_id: int | None = None, error: str = ""
) -> PolicyProofPage:
    """``query`` chooses what is shown of the trial: ``mode``, ``cell``, ``by``."""
    current = versions.in_force(merchant_id=draft.merchant_id, at=at)
    trials = list(running.trials_of(draft)[:10])
    chosen = next((one for one in trials if trial_id in (None, one.pk)), None)
    last_shadow = shadow.shadows_of(draft).first()
    today, stores = at.astimezone(SHANGHAI).date(), store_names(draft.merchant_id)
    return PolicyProofPage(
        draft=draft,
        version_number=current.number,
        findings=finding_rows(draft.rules, stores=stores),
        exposure=exposure_rows(current.rules, draft.rules, stores=stores),
        trial=None if chosen is None else _trial_view(chosen, at, query, stores),
        others=[one for one in trials if one is not chosen],
        shadow=None if last_shadow is None else _shadow_view(last_shadow, at),
        since=today - timedelta(days=USUAL_DAYS),
        until=today,
        most_days=shadow.MOST_DAYS,
        error=error,
        rulings=RULINGS,
    )


def store_names(merchant_id: int) -> dict[str, str]:
    """Rules and trials name stores by code, people by name."""
    return dict(Store.objects.filter(merchant_id=merchant_id).values_list("code", "name"))


def finding_rows(rules: Mapping[str, Any], *, stores: Mapping[str, str]) -> list[FindingRow]:
    """What is wrong with these rules, the worst first. ``stores``: name by code."""
    return [
        FindingRow(one, SEVERITIES[one.severity], TONES[one.severity], example_words(one.example, stores=stores))
        for one in findings(read_rules(rules))
    ]


def example_words(example: Example, *, stores: Mapping[str, str]) -> str:
    """A request in a line: ``¥50.01 of ¥50.01 · Quality problem · store S1 · day 8``."""
    amounts = {"amount": yuan_grouped(example.amount_fen), "paid": yuan_grouped(example.paid_fen)}
    parts = [gettext("¥%(amount)s of a sale of ¥%(paid)s") % amounts]
    if example.reason:
        parts.append(_reason(example.reason))
    if example.store:
        parts.append(gettext("store %(store)s") % {"store": stores.get(example.store, example.store)})
    if example.group:
        parts.append(gettext("article group %(group)s") % {"group": example.group})
    if example.remote:
        parts.append(gettext("sold at a distance"))
    if example.days:
        parts.append(gettext("day %(day)s") % {"day": example.days})
    return " · ".join(parts)


def _reason(code: str) -> str:
    return str(Reason(code).label) if code in Reason.values else code


def exposure_rows(old: Mapping[str, Any], new: Mapping[str, Any], *, stores: Mapping[str, str]) -> list[ExposureRow]:
    """The draft's exposure beside that of the policy in force, by role and store."""
    before = {(one.who, one.store): one for one in exposures(read_rules(old))}
    rows = []
    for one in exposures(read_rules(new)):
        was = before.get((one.who, one.store)) or before[one.who, ""]
        grows = _size(one) > _size(was)
        rows.append(
            ExposureRow(
                one.label,
                stores.get(one.store, one.store),
                _exposure_words(was),
                _exposure_words(one),
                grows,
                _sequence(one),
            )
        )
    return rows


def _size(one: Exposure) -> tuple[float, float]:
    amount, each = (float("inf") if value is None else value for value in (one.amount_fen, one.each_fen))
    return amount, each


def _exposure_words(one: Exposure) -> str:
    if one.amount_fen is not None:
        return f"¥{yuan_grouped(one.amount_fen)}"
    if one.each_fen is None:
        return gettext("no limit")
    return gettext("¥%(each)s each, no limit of the day") % {"each": yuan_grouped(one.each_fen)}


def _sequence(one: Exposure) -> str:
    """The requests that get there, equal ones counted: ``3 × ¥50.00``."""
    runs: list[tuple[int, int]] = []
    for step in one.steps:
        amount = step.request.amount_fen
        if runs and runs[-1][1] == amount:
            runs[-1] = runs[-1][0] + 1, amount
        else:
            runs.append((1, amount))
    words = " + ".join(f"{count} × ¥{yuan_grouped(amount)}" for count, amount in runs[:6])
    return words if one.amount_fen is not None and len(runs) <= 6 else f"{words} …" if words else ""


# --- trials ---------------------------------------------------------------------------------------------------------------


def _trial_view(trial: Trial, at: datetime, query: Mapping[str, str], stores: Mapping[str, str]) -> TrialView:
    percent = 100 * trial.done // trial.total if trial.total else 0
    if trial.state != TrialState.DONE:
        is_running = trial.state != TrialState.CANCELLED
        return TrialView(trial=trial, is_running=is_running, percent=percent, left_s=running.left_s(trial, at=at))
    mode = query.get("mode", "")
    mode = mode if mode in MODES else "fed"
    results: dict[str, Any] = trial.results or {}
    of_mode = results[mode]
    cell, by = query.get("cell", ""), query.get("by", "")
    became = results["became"][mode]
    return TrialView(
        trial=trial,
        is_running=False,
        percent=100,
        left_s=None,
        not_judgeable=results["not_judgeable"],
        minutes_each=results["minutes_each"],
        requests=of_mode["requests"],
        changed=of_mode["changed"],
        changed_fen=of_mode["changed_fen"],
        minutes=of_mode["minutes"],
        modes=[
            Option(label=str(MODE_WORDS[one]), url=f"?trial={trial.pk}&mode={one}#trial", current=one == mode)
            for one in MODES
        ],
        matrix=[
            Cell(
                cell_words(name),
                line["requests"],
                line["changed"],
                line["fen"],
                line["minutes"],
                f"?trial={trial.pk}&mode={mode}&cell={name.replace(' > ', '+%3E+')}#examples"
                if line["changed"]
                else "",
                _became_words(became.get(name)),
            )
            for name, line in of_mode["matrix"].items()
        ],
        rules=[
            RuleRow(line_label(code), count, f"?trial={trial.pk}&mode={mode}&by={code}#examples")
            for code, count in of_mode["rules"].items()
        ],
        cuts=[
            Cut(
                _CUTS[cut],
                [
                    Cell(
                        _name(cut, line["name"], stores) or "–",
                        *(line["requests"], line["changed"], line["changed_fen"], line["minutes"]),
                    )
                    for line in of_mode["cuts"][cut][:_SHOWN]
                ],
            )
            for cut in CUTS
        ],
        examples=running.examples(trial, mode=mode, cell=cell, by=by),
        examples_of=cell_words(cell) if cell else line_label(by) if by else "",
    )


def _name(cut: str, name: str, stores: Mapping[str, str]) -> str:
    if cut == "reason":
        return _reason(name)
    return stores.get(name, name) if cut == "store" else name


def cell_words(cell: str) -> str:
    """``approved by rule → to a person``."""
    was, _arrow, now = cell.partition(" > ")
    return f"{RULINGS.get(was, was)} → {RULINGS.get(now, now)}"


def line_label(code: str) -> str:
    return str(RULES[code][0]) if code in RULES else code


def _became_words(became: Mapping[str, Any] | None) -> str:
    """What became of them: ``a person approved 3, rejected 1 · 2 low scores of 5 · 1 difference``."""
    if not became:
        return ""
    parts = [
        gettext("a person approved %(approved)s, rejected %(rejected)s") % became,
        gettext("%(cancelled)s withdrawn, %(failed)s failed") % became,
    ]
    if became["scores"]:
        parts.append(gettext("%(low_scores)s complaints among %(scores)s scores, mean %(score)s") % became)
    if became["differences"]:
        parts.append(gettext("%(differences)s with a difference against a statement") % became)
    return " · ".join(parts)


def _shadow_view(found: Shadow, at: datetime) -> ShadowView:
    agreed = shadow.agreement(found)
    return ShadowView(
        shadow=found,
        is_running=shadow.is_running(found, at=at),
        agreement=agreed,
        matrix=[Cell(cell_words(name), count, 0, fen, 0) for name, (count, fen) in agreed.matrix.items()],
        rules=[RuleRow(line_label(code), count, "") for code, count in agreed.rules.items()],
    )
