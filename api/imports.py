"""Sales and refunds from a file: brought, its columns named, what failed taken back. In between it is a refund batch."""

from typing import Any

from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import idempotency, schemas
from api.batches import BatchOut, batch_json
from api.evidence import TakesAFile
from api.fields import Flag, StrictSerializer, Text
from api.shapes import Shape
from api.views import Endpoint
from core import clock
from core.table_files import MAX_BYTES
from merchants.rights import Act
from refunds.intake import import_fields, importing
from refunds.models import ImportFile
from refunds.models.batch import BatchKind

_SAMPLE = 5


class ImportSerializer(StrictSerializer):
    file = s.FileField(help_text="CSV in UTF-8, UTF-16 or GBK, or a workbook (.xlsx, .xls, .ods)")
    kind = s.ChoiceField(BatchKind.choices)


class ImportColumnsSerializer(StrictSerializer):
    columns = s.DictField(child=Text(max_length=100), help_text="the column of each field")
    same = s.DictField(
        child=Text(max_length=200),
        required=False,
        default=dict,
        help_text="what a field is in all rows, without a column",
    )
    is_fen = Flag(required=False, default=False, help_text="amounts are in fen, not in yuan")


class ImportOut(Shape):
    id = s.IntegerField(source="pk")
    kind = s.ChoiceField(BatchKind.choices)
    columns = s.ListField(
        child=s.CharField(), help_text="as the file names them; a name that comes again has its number"
    )
    guess = s.DictField(child=s.CharField(), help_text="the column that each field probably is")
    fields = s.ListField(child=s.CharField(), help_text="what columns can be")  # type: ignore[assignment]  # the library's
    sample = s.ListField(child=s.ListField(child=s.CharField()), help_text="the first rows")


class FailedRowsOut(Shape):
    columns = s.ListField(child=s.CharField(), help_text="those of the file, behind the reason")
    rows = s.ListField(child=s.ListField(child=s.CharField()), help_text="the lines that were not taken in")


def _json(file: ImportFile) -> dict[str, Any]:
    table, kind = importing.table_of(file), file.batch.kind
    return ImportOut.of(
        file.batch,
        columns=table.columns,
        guess=import_fields.guess(table.columns, kind=kind),
        fields=[one.name for one in import_fields.fields_of(kind)],
        sample=[list(cells) for _, cells in table.rows[:_SAMPLE]],
    )


class Imports(TakesAFile):
    acts = {"POST": Act.FILE_BATCH}
    max_body_bytes = MAX_BYTES + 100_000

    @schemas.operation("bring_import", ImportOut, form=ImportSerializer, once=True, besides=(413, 415, 422))
    def post(self, request: Request) -> Response:
        """Bring a file of sales or refunds. Nothing is read of it before its columns are named; keys need `transactions:write`
        for sales as well.
        """
        data, by = self.read(ImportSerializer), self.caller.by

        def kept() -> tuple[int, Any]:
            batch = importing.offer(
                kind=data["kind"], name=data["file"].name, content=data["file"].read(), by=by, at=clock.now()
            )
            return 201, _json(batch.file)

        return idempotency.answer_once(request, self.caller, kept)


class ImportDetail(Endpoint):
    acts = {"GET": Act.FILE_BATCH}

    @schemas.operation("get_import", ImportOut)
    def get(self, request: Request, batch_id: int) -> Response:
        """Its columns and first rows, until a week after its end. How far it is says `refund-batches/{batch_id}`."""
        return Response(_json(importing.file_of(batch_id=batch_id, by=self.caller.by)))


class ImportColumns(Endpoint):
    acts = {"POST": Act.FILE_BATCH}

    @schemas.operation("name_import_columns", BatchOut, takes=ImportColumnsSerializer, besides=(422,))
    def post(self, request: Request, batch_id: int) -> Response:
        """Say what the columns are: it is then checked without effect, confirmed by somebody else, followed and cancelled as the
        refund batch of this id.
        """
        data = self.read(ImportColumnsSerializer)
        columns = importing.Columns(columns=data["columns"], same=data["same"], is_fen=data["is_fen"])
        batch = importing.name_columns(batch_id=batch_id, columns=columns, by=self.caller.by, at=clock.now())
        return Response(batch_json(batch))


class ImportFailed(Endpoint):
    acts = {"GET": Act.FILE_BATCH}

    @schemas.operation("list_import_failures", FailedRowsOut)
    def get(self, request: Request, batch_id: int) -> Response:
        """The lines that were not taken in. Each is behind its reason, to be mended and brought again; this is recorded."""
        header, *rows = importing.failed(batch_id=batch_id, by=self.caller.by, at=clock.now())
        return Response({"columns": header, "rows": rows})
