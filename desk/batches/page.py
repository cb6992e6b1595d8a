"""What the pages of batches show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from core.codes import CODES, words
from core.money import yuan_grouped
from core.plain_text import colon, listed
from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.addresses import with_query
from desk.filters import Option
from desk.forms import flag, text
from desk.settings.layout import Cell, Fact, Facts, Form, Row, SettingsPage, Table, form
from desk.templatetags.desk_format import seconds, when_minute
from merchants.rights import Act
from refunds.intake import batches
from refunds.intake.import_fields import FIELDS
from refunds.models import RefundBatch, RefundBatchRow
from refunds.models.batch import BatchKind, BatchState, Outcome

_SHOWN = 50
_ROWS_SHOWN = 200
#: While it is so, the page looks again by itself.
_MOVING = (BatchState.READING, BatchState.CHECKING, BatchState.CONFIRMED, BatchState.RUNNING)
_TONES = {
    "new": "ok",
    "known": "",
    "approve": "ok",
    "review": "warn",
    "bad": "bad",
    "taken": "ok",
    "refused": "bad",
    "skipped": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchesPage:
    """``columns`` are those that a file may have."""

    rows: Sequence[RefundBatch]
    columns: str


def batches_page(*, scope: Scope) -> BatchesPage:
    return BatchesPage(
        rows=list(batches.of(by=scope.by).select_related("filed_by", "api_key")[:_SHOWN]),
        columns="order_no, store, transaction, amount_fen, reason, customer_consent, customer.phone, lines, description",
    )


def batch_page(*, scope: Scope, batch: RefundBatch, wanted: Mapping[str, str]) -> SettingsPage:
    sums = batches.totals(batch)
    rows = batch.rows.select_related("request", "batch").defer("asked").order_by("number")
    chosen = {name: wanted[name] for name in ("verdict", "outcome") if wanted.get(name)}
    return SettingsPage(
        title=batch.name,
        sub=gettext("Each row is taken in like any other refund: by the same rules, and once.")
        if batch.kind == BatchKind.REFUNDS
        else gettext("Each row is taken in as if its till had reported it, and once."),
        crumbs=[
            Option(label=gettext("Imports"), url=reverse("desk:imports"))
            if batch.from_file
            else Option(label=gettext("Batches"), url=reverse("desk:batches"))
        ],
        notes=_notes(scope, batch),
        below=reverse("desk:imports") if batch.from_file else "",
        facts=[
            Facts(
                title=gettext("How far it is"),
                facts=[
                    Fact(gettext("State"), Cell(text=batch.get_state_display(), icon="layers")),
                    Fact(gettext("Filed"), Cell(text=when_minute(batch.filed_at), sub=[_filer(batch)])),
                    *_confirmed(batch),
                    *_progress(batch, sums),
                    *_sums(batch, sums, "verdict", gettext("Checked")),
                    *(_sums(batch, sums, "outcome", gettext("Result")) if batch.confirmed_at or batch.ended_at else []),
                    *_given_back(batch, sums),
                ],
            )
        ],
        tables=[_table(rows.filter(**chosen), chosen, batch)],
        forms=_forms(scope, batch, sums),
        poll_url=_address(batch, **chosen) if batch.state in _MOVING else "",
    )


def _notes(scope: Scope, batch: RefundBatch) -> list[Cell]:
    """Whom a checked batch waits for, where that is not who looks at it."""
    if batch.state != BatchState.READY or _may_confirm(scope, batch):
        return []
    said = gettext(
        "It is checked, and nothing is taken in yet: a colleague who may confirm batches looks at it and lets it run."
    )
    return [Cell(text=said, tone="info", icon="users")]


def _may_confirm(scope: Scope, batch: RefundBatch) -> bool:
    return scope.may(Act.CONFIRM_BATCH) and batch.filed_by_id != scope.by.person_id


def _address(batch: RefundBatch, *, verdict: str = "", outcome: str = "") -> str:
    return with_query(reverse("desk:batch", args=[batch.pk]), verdict=verdict, outcome=outcome)


def _filer(batch: RefundBatch) -> str:
    return batch.api_key.name if batch.api_key else batch.filed_by.name if batch.filed_by else ""


def _confirmed(batch: RefundBatch) -> list[Fact]:
    if batch.confirmed_by is None or batch.confirmed_at is None or batch.starts_at is None:
        return []
    confirmed = Cell(text=when_minute(batch.confirmed_at), sub=[batch.confirmed_by.name])
    return [
        Fact(gettext("Confirmed"), confirmed),
        Fact(gettext("Starts"), Cell(text=when_minute(batch.starts_at))),
    ]


def _progress(batch: RefundBatch, sums: Mapping[str, Mapping[str, int]]) -> list[Fact]:
    name = {BatchState.CHECKING: "verdict:", BatchState.RUNNING: "outcome:"}.get(BatchState(batch.state), "")
    rows = sum(one["rows"] for key, one in sums.items() if name and key.startswith(name))
    if not rows:
        return []
    done = rows - sums.get(name, {"rows": 0})["rows"]
    said = gettext("%(done)s of %(rows)s rows (%(share)s%%)") % {
        "done": done, "rows": rows, "share": done * 100 // rows
    }  # fmt: skip
    left = batches.seconds_left(batch, sums, at=timezone.now())
    sub = [] if left is None else [gettext("about %(time)s left") % {"time": seconds(left)}]
    return [Fact(gettext("Rows so far"), Cell(text=said, sub=sub))]


def _given_back(batch: RefundBatch, sums: Mapping[str, Mapping[str, int]]) -> list[Fact]:
    if not batch.from_file or not {"verdict:bad", "outcome:refused"} & set(sums) or batch.state in _MOVING:
        return []
    url = reverse("desk:import-failed", args=[batch.pk])
    return [
        Fact(gettext("Rows that failed, with the reasons"), Cell(text=gettext("as a workbook"), url=url)),
        Fact(gettext("The same as CSV"), Cell(text="CSV", url=f"{url}?as=csv")),
    ]


def _sums(batch: RefundBatch, sums: Mapping[str, Mapping[str, int]], name: str, label: str) -> list[Fact]:
    def cell(value: str) -> Cell:
        one = sums[f"{name}:{value}"]
        said = gettext("%(rows)s rows, ¥%(amount)s") % {"rows": one["rows"], "amount": yuan_grouped(one["fen"])}
        url = _address(batch, **{name: value}) if value else ""
        return Cell(text=said, url=url)

    order = ("new", "known", "approve", "review", "bad", "taken", "refused", "skipped", "")
    found = [value for value in order if f"{name}:{value}" in sums]
    return [Fact(f"{label}{colon()}{_word(value, batch)}", cell(value)) for value in found]


def _word(value: str, batch: RefundBatch) -> str:
    if value == "bad" and batch.kind == BatchKind.SALES:
        return gettext("cannot be taken in")
    return {
        "new": gettext("would be taken in"),
        "known": gettext("was taken in before"),
        "approve": gettext("would be approved"),
        "review": gettext("goes to a person"),
        "bad": gettext("cannot be asked for"),
        "taken": gettext("taken in"),
        "refused": gettext("refused"),
        "skipped": gettext("left out"),
        "": gettext("open"),
    }[value]


def _table(rows: QuerySet[RefundBatchRow], chosen: Mapping[str, str], batch: RefundBatch) -> Table:
    shown = list(rows[:_ROWS_SHOWN])
    title, reading = gettext("Rows"), batch.state == BatchState.READING
    if chosen:
        title = f"{title}{colon()}{listed(_word(value, batch) for value in chosen.values())}"
    return Table(
        title=title,
        columns=[gettext("Row"), gettext("Order"), gettext("Amount"), gettext("Checked"), gettext("Result")],
        rows=[_row(row) for row in shown],
        nothing=gettext("The file is being read") if reading else gettext("No row is like that"),
        empty=gettext("Its rows appear here.") if reading else gettext("Look at the others above."),
        icon="layers",
    )


def _row(row: RefundBatchRow) -> Row:
    why = [words(row.code)] if row.code in CODES else []
    if row.code == "invalid_input":
        why = [_error(one) for one in row.errors[:3]]
    result = Cell(text="--")
    if row.request is not None:
        result = Cell(text=row.request.number, url=refund_url(row.request.number))
    elif row.sale_id is not None:
        result = Cell(text=_word(row.outcome, row.batch), url=reverse("desk:transaction", args=[row.sale_id]))
    elif row.outcome:
        result = Cell(
            text=_word(row.outcome, row.batch),
            tone=_TONES.get(row.outcome, ""),
            sub=why if row.outcome == Outcome.REFUSED else [],
        )
    checked = Cell(
        text=_word(row.verdict, row.batch), tone=_TONES.get(row.verdict, ""), sub=why if row.verdict == "bad" else []
    )
    fen = "--" if row.amount_fen is None else f"¥{yuan_grouped(row.amount_fen)}"
    # Of a file the lines that a spreadsheet shows beside it, to be found there again.
    number = ", ".join(map(str, row.lines)) or str(row.number)
    return Row(cells=[Cell(text=number), Cell(text=row.label or "--"), Cell(text=fen), checked, result])


def _error(one: Mapping[str, str]) -> str:
    if message := one.get("message"):
        return f"{one['field']}{colon()}{message}"
    label = next((str(known.label) for known in FIELDS if known.name == one["field"]), "")
    return f"{label}{colon()}{words(one['code'])}" if label else words(one["code"])


def _forms(scope: Scope, batch: RefundBatch, sums: Mapping[str, Mapping[str, int]]) -> list[Form]:
    forms = []
    if batch.state == BatchState.READY and _may_confirm(scope, batch):
        bad = sums.get("verdict:bad", {"rows": 0})["rows"]
        fields = [text("window_minutes", gettext("Minutes in which all can be cancelled"), "10", kind="number")]
        if bad:
            label = gettext("Go on without the %(rows)s rows that are wrong") % {"rows": bad}
            fields.append(flag("skip_bad", label))
        forms.append(
            form(
                "confirm",
                title=gettext("Confirm it"),
                url=reverse("desk:batch-confirm", args=[batch.pk]),
                button=gettext("Let it run"),
                fields=fields,
                note=gettext("Somebody else than who filed it looks at the sums and at the rows, and lets it run."),
            )
        )
    if batch.state not in (BatchState.DONE, BatchState.CANCELLED):
        forms.append(
            form(
                "cancel",
                title=gettext("Call it off"),
                url=reverse("desk:batch-cancel", args=[batch.pk]),
                button=gettext("Cancel the batch"),
                note=gettext("No more of it is asked for. What was asked for already stays.")
                if batch.kind == BatchKind.REFUNDS
                else gettext("No more of it is taken in. What was taken in already stays."),
                tone="danger",
            )
        )
    return forms
