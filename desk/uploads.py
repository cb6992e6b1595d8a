"""Pictures that came with a form."""

from __future__ import annotations

from django.http import HttpRequest

from refunds.evidence import files
from refunds.evidence.files import Picture, TooManyPictures


def pictures_of(request: HttpRequest) -> list[Picture]:
    """The uploads, decoded before anything is stored. Raises ``NotAPicture``, ``PictureTooLarge`` or ``TooManyPictures``."""
    uploads = request.FILES.getlist("files")
    if len(uploads) > files.MAX_PER_REQUEST:
        raise TooManyPictures("too many pictures")
    return [files.read_picture(upload=upload) for upload in uploads]
