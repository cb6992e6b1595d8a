"""Many refunds asked for at once: filed as JSON or CSV, checked, confirmed by a second person, followed row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers as s
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.bodies import StrictJSONParser, read_whole
from api.fields import Flag, StrictSerializer, Text, WholeNumber, with_fields
from api.pagination import OldestFirst
from api.problems import flattened
from api.serializers import RefundRequestSerializer, draft_of
from api.shapes import Shape, read
from api.views import PAGE_PARAMETERS, Creating, Endpoint
from core import clock
from core.codes import words_of_field
from core.errors import FieldError
from integrations import sandbox
from merchants.rights import Act
from refunds.intake import batches
from refunds.intake.batches import MOST_ROWS, Wish
from refunds.models import RefundBatch
from refunds.models.batch import BatchKind, BatchState

_MOST_BYTES = 8_000_000
_FLAGS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False, "是": True, "否": False}
_AS_FLAG = frozenset({"customer_consent", "is_another"})


class CsvParser(BaseParser):
    """``text/csv`` as the same body: the first line names fields, ``customer.phone`` those of parts; ``lines`` is
    ``SKU:2;SKU:1``.
    """

    media_type = "text/csv"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            text = read_whole(stream, parser_context).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ParseError("the body is not UTF-8", code="not_utf8") from error
        if "\0" in text:
            raise ParseError("the body contains a NUL character", code="nul_character")
        return {"rows": rows_of(text)}


def rows_of(text: str) -> list[dict[str, Any]]:
    """The rows of a CSV, as JSON would have them. Raises ``ParseError``."""
    try:
        filled = (line for line in csv.reader(io.StringIO(text), strict=True) if any(cell.strip() for cell in line))
        # One line more than there may be: it is refused by its number of rows then.
        found = list(islice(filled, MOST_ROWS + 2))
    except csv.Error as error:
        raise ParseError(f"the body is no CSV: {error}", code="parse_error") from error
    if not found:
        return []
    header, *lines = found
    names = [name.strip() for name in header]
    return [_row(names, line) for line in lines]


def _row(names: Sequence[str], line: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    # A cell beyond the header has no name: the row is then refused, as one with a field that is not known.
    for name, cell in zip([*names, *([""] * (len(line) - len(names)))], line, strict=False):
        if not (cell := cell.strip()):
            continue
        first, _, rest = name.partition(".")
        if rest:
            part = row.setdefault(first, {})
            if isinstance(part, dict):
                part[rest] = cell
        else:
            row[first] = _value(first, cell)
    return row


def _value(name: str, cell: str) -> Any:
    if name.endswith("_fen") and cell.isascii() and cell.isdigit():
        return int(cell)
    if name in _AS_FLAG:
        return _FLAGS.get(cell.lower(), cell)
    if name == "lines":
        pairs = [one.rpartition(":") for one in cell.split(";") if one.strip()]
        return [{"sku": sku or pieces, "quantity": _number(pieces) if sku else 1} for sku, _, pieces in pairs]
    return cell


def _number(text: str) -> Any:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def wishes_of(rows: Iterable[Any]) -> list[Wish]:
    """What the rows ask for; one that cannot be read says why."""
    serializer = RefundRequestSerializer()
    wishes = []
    for row in rows:
        named = row if isinstance(row, dict) else {}
        label = str(named.get("order_no") or named.get("transaction") or "")[:64]
        amount = named.get("amount_fen")
        fen = amount if isinstance(amount, int) and not isinstance(amount, bool) and 0 < amount < 2**53 else None
        try:
            draft = draft_of(serializer.run_validation(row))
        except ValidationError as error:
            wishes.append(Wish(label=label, amount_fen=fen, errors=list(flattened(error.detail))[:20]))
        else:
            wishes.append(Wish(label=label, amount_fen=fen, draft=draft))
    return wishes


class BatchSerializer(StrictSerializer):
    """``rows`` are refund requests as one is sent alone. One that cannot be read is named, and does not keep the others out."""

    name = Text(max_length=80, required=False, allow_blank=True)
    rows = s.ListField(child=s.JSONField(), min_length=1, max_length=MOST_ROWS)


class BatchQuery(StrictSerializer):
    name = Text(max_length=80, required=False, allow_blank=True, help_text="for a CSV, which has no place for it")


_TAKES = {"application/json": BatchSerializer, CsvParser.media_type: OpenApiTypes.STR}


class ConfirmBatchSerializer(StrictSerializer):
    skip_bad = Flag(required=False, default=False, help_text="go on without the rows that cannot be asked for")
    window_minutes = WholeNumber(
        min_value=0, max_value=1440, required=False, default=10, help_text="so long all of it can be cancelled"
    )


class RowQuery(StrictSerializer):
    outcome = s.ChoiceField(["taken", "refused", "skipped", "open"], required=False)
    verdict = s.ChoiceField(["approve", "review", "new", "known", "bad"], required=False)


class SumOut(Shape):
    rows = s.IntegerField()
    fen = s.IntegerField()


def _sums(*names: str) -> type[Shape]:
    fields = {name: SumOut(allow_null=True) for name in names}
    return type(f"{names[0].title()}SumsOut", (Shape,), fields)


VerdictSumsOut = _sums("approve", "review", "new", "known", "bad", "unchecked")
OutcomeSumsOut = _sums("taken", "refused", "skipped", "open")


class BatchOut(Shape):
    id = s.IntegerField(source="pk")
    name = s.CharField()
    kind = s.ChoiceField(BatchKind.choices)
    state = s.ChoiceField(BatchState.choices)
    checked = VerdictSumsOut(help_text="the dry run: each row as if it were the only one")
    result = OutcomeSumsOut(help_text="what became of the rows")
    filed_at = s.DateTimeField()
    confirmed_by = read(s.CharField(allow_null=True), lambda row: row.confirmed_by.name if row.confirmed_by else None)
    starts_at = s.DateTimeField(
        allow_null=True, help_text="from then on rows are asked for; until then all can be cancelled"
    )
    ended_at = s.DateTimeField(allow_null=True)
    seconds_left = s.IntegerField(
        allow_null=True, help_text="how long it will take at the pace so far; null: not known"
    )


class BatchesOut(Shape):
    results = BatchOut(many=True)


class BatchRowOut(Shape):
    number = s.IntegerField(help_text="from 1, as they were sent")
    label = s.CharField(help_text="its order or transaction")  # type: ignore[assignment]  # a field, not the label of one
    amount_fen = s.IntegerField(allow_null=True)
    verdict = s.CharField(allow_null=True, help_text="of the dry run: approve, review, new, known or bad")
    outcome = s.CharField(allow_null=True, help_text="taken, refused or skipped")
    code = s.CharField(allow_null=True, help_text="why it is bad or was refused")
    message = read(
        s.CharField(allow_null=True), lambda row: words_of_field(FieldError("", row.code)) if row.code else None
    )
    #: Kept as codes: whoever reads a row need not speak the language of whoever sent it.
    errors = read(  # type: ignore[assignment]  # a field, not those of this
        schemas.FieldProblem(many=True),
        lambda row: [{**one, "message": words_of_field(FieldError(one["field"], one["code"]))} for one in row.errors],
    )
    request = s.UUIDField(source="request_id", allow_null=True)
    transaction = s.UUIDField(source="sale_id", allow_null=True, help_text="the sale that it became")
    lines = s.ListField(child=s.IntegerField(), help_text="lines of the file that it came from")


def batch_json(batch: RefundBatch) -> dict[str, Any]:
    """A batch with its sums."""
    sums = batches.totals(batch)

    def of(kind: str, shape: type[Shape]) -> dict[str, Any]:
        nothing = {"rows": 0, "fen": 0}
        return {
            name: sums.get(f"{kind}:{'' if name in ('open', 'unchecked') else name}", nothing)
            for name in shape().get_fields()
        }

    return BatchOut.of(
        batch,
        checked=of("verdict", VerdictSumsOut),
        result=of("outcome", OutcomeSumsOut),
        seconds_left=batches.seconds_left(batch, sums, at=clock.now()),
    )


class Batches(Creating):
    acts = {"GET": Act.FILE_BATCH, "POST": Act.FILE_BATCH}
    parser_classes = (StrictJSONParser, CsvParser)
    max_body_bytes = _MOST_BYTES
    takes_query = frozenset({"POST"})

    @schemas.operation("list_refund_batches", BatchesOut)
    def get(self, request: Request) -> Response:
        """The last 50, newest first; for a key those that it filed."""
        found = batches.of(by=self.caller.by).select_related("confirmed_by")[:50]
        return Response({"results": [batch_json(batch) for batch in found]})

    @schemas.operation("file_refund_batch", BatchOut, takes=_TAKES, query=BatchQuery, once=True)
    def post(self, request: Request) -> Response:
        """Ask for up to 10,000 refunds at once, as JSON or `text/csv` with the same fields. It is checked without effect
        first; somebody else confirms it, and each row is then taken in as if it came alone.
        """
        data, by, now = self.read_query(BatchQuery) | self.read(BatchSerializer), self.caller.by, clock.now()
        wishes, name = wishes_of(data["rows"]), data.get("name", "")
        return self.answer_once(request, lambda: batch_json(batches.file(name=name, wishes=wishes, by=by, at=now)))


class BatchDetail(Endpoint):
    acts = {"GET": Act.FILE_BATCH}

    @schemas.operation("get_refund_batch", BatchOut)
    def get(self, request: Request, batch_id: int) -> Response:
        """How far it is."""
        return Response(batch_json(batches.find(batch_id=batch_id, by=self.caller.by)))


class BatchRows(Endpoint):
    acts = {"GET": Act.FILE_BATCH}

    query = with_fields(BatchRowOut, RowQuery)

    @schemas.operation("list_refund_batch_rows", schemas.page_of(BatchRowOut), pages=True, query=query)
    def get(self, request: Request, batch_id: int) -> Response:
        """Its rows, and what became of each."""
        wanted = self.read_query(self.query, besides=PAGE_PARAMETERS)
        if wanted.get("outcome") == "open":
            wanted["outcome"] = ""
        wanted.pop("fields", None)
        rows = batches.find(batch_id=batch_id, by=self.caller.by).rows.filter(**wanted)
        return self.rows(request, rows, self.query, BatchRowOut, order=OldestFirst)


class _Act(Endpoint):
    def acted(self, act: Callable[..., object], batch_id: int, **more: Any) -> Response:
        act(batch_id=batch_id, by=self.caller.by, at=clock.now(), **more)
        return Response(batch_json(batches.find(batch_id=batch_id, by=self.caller.by)))

    def confirmed(self, confirm: Callable[..., object], batch_id: int) -> Response:
        data = self.read(ConfirmBatchSerializer)
        window = timedelta(minutes=data["window_minutes"])
        return self.acted(confirm, batch_id, skip_bad=data["skip_bad"], window=window)


class ConfirmBatch(_Act):
    acts = {"POST": Act.CONFIRM_BATCH}

    @schemas.operation("confirm_refund_batch", BatchOut, takes=ConfirmBatchSerializer)
    def post(self, request: Request, batch_id: int) -> Response:
        """Let it run after a while. Nobody confirms what they, or a key they made, have filed."""
        return self.confirmed(batches.confirm, batch_id)


class ConfirmTestBatch(_Act):
    acts = {"POST": Act.FILE_BATCH}

    @schemas.operation("confirm_test_batch", BatchOut, takes=ConfirmBatchSerializer)
    def post(self, request: Request, batch_id: int) -> Response:
        """Have a second person confirm a batch of the sandbox that this key filed. Test keys only."""
        return self.confirmed(sandbox.confirm_batch, batch_id)


class CancelBatch(_Act):
    acts = {"POST": Act.FILE_BATCH}

    @schemas.operation("cancel_refund_batch", BatchOut)
    def post(self, request: Request, batch_id: int) -> Response:
        """Ask for no more of it. What was asked for already stays, and is withdrawn one by one."""
        return self.acted(batches.cancel, batch_id)
