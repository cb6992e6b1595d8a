"""A PDF from outside, written anew with nothing but what its pages show: no script, no attached file, no form, no link, no
metadata.

Run as a program it does the work, from standard input to standard output: a file that is made to break its reader breaks a
process of its own, which has little memory and little time.
"""

import io
import logging
import resource
import subprocess
import sys
from typing import Any

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, StreamObject

MAX_PAGES = 20
_SECONDS = 10
_MEMORY = 512 * 1024 * 1024

#: What of a page is shown; the rest (notes, links, forms, actions, thumbnails, an editor's own data) stays behind.
_OF_A_PAGE = ("/MediaBox", "/CropBox", "/Rotate", "/Resources", "/Contents", "/Group", "/UserUnit")
#: Wherever it stands: what acts, what is attached or fetched from elsewhere, what tells of the author.
_NEVER = frozenset(
    {
        *(
            "/AA",
            "/A",
            "/JS",
            "/JavaScript",
            "/OpenAction",
            "/Launch",
            "/URI",
            "/Annots",
            "/AcroForm",
            "/XFA",
            "/Names",
        ),
        *("/EmbeddedFiles", "/EmbeddedFile", "/EF", "/AF", "/Ref", "/OPI", "/RichMedia"),
        *("/Metadata", "/PieceInfo", "/Thumb", "/LastModified", "/StructParent", "/StructParents"),
    }
)
#: In a stream these name a file elsewhere that holds its content.
_ELSEWHERE = frozenset({"/F", "/FFilter", "/FDecodeParms"})

#: How the program says what is wrong.
_BROKEN, _TOO_MANY = 3, 4


class NotAPaper(ValueError):
    """It cannot be read as a PDF without a password, within our limits of time and memory."""


class TooManyPages(ValueError):
    """It has more than ``MAX_PAGES``."""


def strip(content: bytes) -> bytes:
    """The PDF written anew. Raises ``NotAPaper`` or ``TooManyPages``."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", __file__], input=content, capture_output=True, timeout=2 * _SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotAPaper("it takes too long to read") from error
    if done.returncode == _TOO_MANY:
        raise TooManyPages(f"a PDF may have {MAX_PAGES} pages")
    if done.returncode or not done.stdout.startswith(b"%PDF-"):
        raise NotAPaper("it cannot be read")
    return done.stdout


def rewritten(content: bytes) -> bytes:
    """The same in this process, without its limits. Raises ``TooManyPages``, or whatever a broken file makes of the reader."""
    reader = PdfReader(io.BytesIO(content), strict=False)
    if reader.is_encrypted:
        raise NotAPaper("it has a password")
    if len(reader.pages) > MAX_PAGES:
        raise TooManyPages
    if not reader.pages:
        raise NotAPaper("it has no page")
    writer = PdfWriter()
    writer.metadata = None
    for page in reader.pages:
        box = page.mediabox
        kept = writer.add_blank_page(width=box.width, height=box.height)
        for name in _OF_A_PAGE:
            # A page has what it does not say itself from the ones above it.
            if (value := _inherited(page, name)) is not None:
                kept[NameObject(name)] = value.clone(writer)
    for held in writer._objects:
        _clean(held)
    # What nothing leads to any more would be written all the same.
    writer.compress_identical_objects(remove_duplicates=False)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def _inherited(page: Any, name: str) -> Any:
    for _ in range(50):
        if name in page:
            return page.raw_get(name)
        if "/Parent" not in page:
            return None
        page = page["/Parent"]
    return None


def _clean(held: Any) -> None:
    """Take out of an object, and what stands in it directly, all that is never kept."""
    waiting = [held]
    while waiting:
        one = waiting.pop()
        if isinstance(one, DictionaryObject):
            never = _NEVER | _ELSEWHERE if isinstance(one, StreamObject) else _NEVER
            for name in [name for name in one if name in never and not _is_only_named_so(name, one[name])]:
                del one[name]
            waiting += [value for value in one.values() if not isinstance(value, IndirectObject)]
        elif isinstance(one, ArrayObject):
            waiting += [value for value in one if not isinstance(value, IndirectObject)]


def _is_only_named_so(name: str, value: Any) -> bool:
    """A page may call a font or a picture what it likes, ``/A`` as well: those show something."""
    shows = isinstance(value, DictionaryObject) and value.get("/Type") in ("/Font", "/XObject", "/ExtGState")
    return name == "/A" and shows


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(2000)
    try:
        content = rewritten(sys.stdin.buffer.read())
    except TooManyPages:
        return _TOO_MANY
    except Exception:
        # There is no end to what a broken file may raise; the process ends with it.
        return _BROKEN
    sys.stdout.buffer.write(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
