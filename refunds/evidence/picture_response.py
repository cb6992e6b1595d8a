"""Serving evidence, the same way at the desk and on the customer's page; each decides for itself who may ask."""

from pathlib import Path

from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header

from refunds.evidence import files
from refunds.models import Evidence


def picture_response(evidence: Evidence | None, *, small: bool) -> HttpResponse:
    """The stored file: shown when it is a picture, downloaded otherwise, and never taken for anything else."""
    if evidence is None:
        raise Http404
    return stored_response(evidence.path, evidence.content_type, name=str(evidence.pk), small=small)


def stored_response(path: str, content_type: str, *, name: str, small: bool = False) -> HttpResponse:
    """The same for any file that we have written."""
    try:
        content = files.read_file(path, small=small)
    except FileNotFoundError as error:
        raise Http404 from error
    is_picture = content_type == files.CONTENT_TYPE
    disposition = content_disposition_header(as_attachment=not is_picture, filename=f"{name}{Path(path).suffix}")
    return HttpResponse(
        content,
        content_type=content_type if is_picture else "application/octet-stream",
        headers={
            "Content-Disposition": disposition or "attachment",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "X-Robots-Tag": "noindex",
        },
    )
