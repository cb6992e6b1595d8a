"""Imports: a file is brought, its columns are named, and what failed is taken back. In between it is a batch."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import Conflict, Invalid
from core.spreadsheets import csv_lines, name, workbook
from core.table_files import MAX_BYTES, NotATable
from desk import words
from desk.access import Scope, staff_posts, staff_reads
from desk.imports.page import columns_page, imports_page, named
from desk.rendering import as_file, render_page
from desk.settings.layout import show, take
from merchants.rights import Act
from refunds.intake import importing
from refunds.models.batch import BatchState


@staff_reads(Act.FILE_BATCH)
def imports(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The last ones, and a form for the next."""
    return render_page(request, "desk/imports.html", imports_page(scope=scope))


@staff_posts(Act.FILE_BATCH)
def add(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Keep a file; its columns are named next."""
    sent = request.FILES.get("file")
    try:
        if sent is None:
            raise NotATable("no file", code="table_empty")
        if (sent.size or 0) > MAX_BYTES:
            raise NotATable("the file is too large", code="table_too_large")
        batch = importing.offer(
            kind=request.POST.get("kind", ""),
            name=sent.name or "",
            content=sent.read(),
            by=scope.by,
            at=timezone.now(),
        )
    except (Invalid, Conflict) as error:
        return render_page(
            request, "desk/imports.html", imports_page(scope=scope, error=error), status=words.status(error)
        )
    return redirect("desk:import", batch_id=batch.pk)


@staff_reads(Act.FILE_BATCH)
def columns(request: HttpRequest, scope: Scope, batch_id: int) -> HttpResponse:
    """What its columns are; once that is said, it is a batch like any other."""
    file = importing.file_of(batch_id=batch_id, by=scope.by)
    if file.batch.state != BatchState.MAPPING:
        return redirect("desk:batch", batch_id=batch_id)
    return show(request, columns_page(scope=scope, file=file))


@staff_posts(Act.FILE_BATCH)
def name_columns(request: HttpRequest, scope: Scope, batch_id: int) -> HttpResponse:
    """Say what its columns are."""
    file = importing.file_of(batch_id=batch_id, by=scope.by)

    def act() -> str:
        columns = named(request.POST, kind=file.batch.kind)
        importing.name_columns(batch_id=batch_id, columns=columns, by=scope.by, at=timezone.now())
        return gettext("It is read and checked now.")

    return take(
        request,
        form="columns",
        act=act,
        page=lambda: columns_page(scope=scope, file=file),
        back=reverse("desk:batch", args=[batch_id]),
    )


@staff_reads(Act.FILE_BATCH)
def failed(request: HttpRequest, scope: Scope, batch_id: int) -> HttpResponseBase:
    """What was not taken in, as it stood in the file, with the reasons."""
    rows = importing.failed(batch_id=batch_id, by=scope.by, at=timezone.now())
    if request.GET.get("as") == "csv":
        return as_file(csv_lines([name(cell) for cell in row] for row in rows), name=f"failed-{batch_id}.csv")
    return as_file(workbook(rows), name=f"failed-{batch_id}.xlsx")
