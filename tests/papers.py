"""PDFs for tests: honest ones, and such as carry what nobody should get."""

from __future__ import annotations

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from pypdf import PdfWriter
from pypdf.annotations import Link
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, TextStringObject

SCRIPT = "app.alert('SCRIPT')"


def encoded(text: str = "hello", pages: int = 1, *, armed: bool = False, password: str = "") -> bytes:
    """Pages that show a text; ``armed`` ones run a script when opened, link elsewhere, carry a program and name their author."""
    writer = PdfWriter()
    for _ in range(pages):
        page = writer.add_blank_page(200, 200)
        shown = DecodedStreamObject()
        shown.set_data(f"BT /F1 12 Tf ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(shown)
    if armed:
        action = DictionaryObject({NameObject("/S"): NameObject("/JavaScript")})
        action[NameObject("/JS")] = TextStringObject(SCRIPT)
        writer._root_object[NameObject("/OpenAction")] = writer._add_object(action)
        writer.pages[0][NameObject("/AA")] = DictionaryObject({NameObject("/O"): action})
        writer.add_attachment("PROGRAM.exe", b"MZ-PROGRAM")
        writer.add_metadata({"/Author": "AUTHORSNAME"})
        writer.add_annotation(0, Link(rect=(0, 0, 10, 10), url="https://elsewhere.example"))
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def upload(content: bytes | None = None, name: str = "paper.pdf") -> SimpleUploadedFile:
    """What Django hands a view."""
    return SimpleUploadedFile(name, encoded() if content is None else content, "application/pdf")
