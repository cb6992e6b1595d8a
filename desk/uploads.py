"""Pictures that came with a form."""

from __future__ import annotations

from django.http import HttpRequest

from refunds.evidence import files
from refunds.evidence.files import Picture, TooManyPictures
from refunds.models.evidence import EvidenceKind


def pictures_of(request: HttpRequest) -> list[Picture]:
    """The uploads, decoded before anything is stored. Raises ``NotAPicture``, ``PictureTooLarge`` or ``TooManyPictures``."""
    return uploads_of(request, kind=EvidenceKind.PHOTO)


def uploads_of(request: HttpRequest, *, kind: str) -> list[Picture]:
    """The same of a form that takes PDFs as well, where the kind of evidence may be one. Raises ``PaperTooLong``, too."""
    uploads = request.FILES.getlist("files")
    _check_count(len(uploads))
    return [files.read_upload(upload=upload, kind=kind) for upload in uploads]


def sorted_uploads(request: HttpRequest) -> dict[str, list[Picture]]:
    """The uploads of a form with a field for each kind of evidence: ``files`` for photos, ``files-receipt`` and so on. Raises as
    ``uploads_of`` does.
    """
    fields = {kind: request.FILES.getlist(f"files-{kind}") for kind in EvidenceKind.values}
    fields[EvidenceKind.PHOTO] = request.FILES.getlist("files")
    _check_count(sum(map(len, fields.values())))
    return {
        kind: [files.read_upload(upload=upload, kind=kind) for upload in uploads]
        for kind, uploads in fields.items()
        if uploads
    }


def _check_count(uploads: int) -> None:
    if uploads > files.MAX_PER_REQUEST:
        raise TooManyPictures("too many pictures")
