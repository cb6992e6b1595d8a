"""What the pages of imports show: the last ones, and what the columns of a new one are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext

from core.errors import DomainError
from desk import words
from desk.access import Scope
from desk.filters import Choice, Option
from desk.forms import FormField, choice, flag, text
from desk.settings.layout import Cell, Form, Row, SettingsPage, Table, form
from refunds.intake import batches, import_fields, importing
from refunds.models import ImportFile, RefundBatch
from refunds.models.batch import BatchKind

_SHOWN = 50
_SAMPLE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportsPage:
    """``kinds`` are what a file may hold; ``error`` is why the last file was not kept."""

    rows: Sequence[RefundBatch]
    kinds: Sequence[Choice]
    error: str


def imports_page(*, scope: Scope, error: DomainError | None = None) -> ImportsPage:
    rows = batches.of(by=scope.by).filter(from_file=True).select_related("filed_by", "api_key")
    return ImportsPage(
        rows=list(rows[:_SHOWN]),
        kinds=[Choice(kind.value, str(kind.label)) for kind in BatchKind],
        error="" if error is None else words.short(error),
    )


def columns_page(*, scope: Scope, file: ImportFile) -> SettingsPage:
    """The first rows, and a choice of columns for each field; what is probable is chosen."""
    table, batch = importing.table_of(file), file.batch
    guessed = import_fields.guess(table.columns, kind=batch.kind)
    choices = [Choice("", gettext("no column")), *(Choice(name, name) for name in table.columns)]
    stores = list(scope.stores().values_list("code", flat=True)[:2])
    usual = {"store": stores[0]} if len(stores) == 1 else {}
    fields: list[FormField] = []
    for one in import_fields.fields_of(batch.kind):
        column = guessed.get(one.name, "")
        fields.append(choice(one.name, str(one.label), choices, column))
        if one.same:
            said = "" if column else usual.get(one.name, "")
            label = gettext("%(field)s, the same in all rows") % {"field": one.label}
            fields.append(text(f"same.{one.name}", label, said))
    is_fen = import_fields.says_fen(guessed.get("amount", ""))
    fields.append(flag("is_fen", gettext("Amounts are in fen"), on=is_fen))
    return SettingsPage(
        title=batch.name,
        sub=gettext("%(rows)s rows. Say what the columns are: all rows are then read and checked without any effect.")
        % {"rows": len(table.rows)},
        crumbs=[Option(label=gettext("Imports"), url=reverse("desk:imports"))],
        tables=[_sample(table.columns, table.rows[:_SAMPLE])],
        wide_forms=[
            form(
                "columns",
                title=gettext("Columns"),
                url=reverse("desk:import-columns", args=[batch.pk]),
                button=gettext("Read and check it"),
                fields=fields,
            )
        ],
        forms=[_cancel(batch)],
    )


def named(typed: Mapping[str, str], *, kind: str) -> importing.Columns:
    """What the form says the columns are."""
    names = [one.name for one in import_fields.fields_of(kind)]
    return importing.Columns(
        columns={name: typed.get(name, "") for name in names},
        same={name: typed.get(f"same.{name}", "").strip()[:200] for name in names},
        is_fen=typed.get("is_fen") == "1",
    )


def _cancel(batch: RefundBatch) -> Form:
    return form(
        "cancel",
        title=gettext("Call it off"),
        url=reverse("desk:batch-cancel", args=[batch.pk]),
        button=gettext("Forget the file"),
        note=gettext("Nothing of it is taken in."),
        tone="danger",
    )


def _sample(columns: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]]) -> Table:
    return Table(
        title=gettext("First rows"),
        columns=[gettext("Row"), *columns],
        rows=[Row(cells=[Cell(text=str(line)), *(Cell(text=cell[:40]) for cell in cells)]) for line, cells in rows],
        icon="layers",
    )
