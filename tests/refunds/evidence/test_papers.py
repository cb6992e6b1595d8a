"""PDFs from outside: what is kept of them is what their pages show."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from refunds.evidence import papers
from tests.papers import encoded


def test_strip_when_it_carries_more_than_pages_keeps_the_pages_alone() -> None:
    content = encoded("AGREED", 2, armed=True)
    never = (b"SCRIPT", b"PROGRAM", b"AUTHORSNAME", b"elsewhere", b"/JavaScript", b"/Annots", b"/AA", b"/OpenAction")
    assert all(one in content for one in never)
    kept = papers.strip(content)
    assert [one for one in never if one in kept] == []
    pages = PdfReader(io.BytesIO(kept)).pages
    assert len(pages) == 2
    assert all(b"(AGREED)" in page.get_contents().get_data() for page in pages)  # type: ignore[union-attr]


def test_strip_when_it_is_the_same_file_gives_the_same_bytes() -> None:
    content = encoded()
    assert papers.strip(content) == papers.strip(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"%PDF-1.7", id="a start alone"),
        pytest.param(b"%PDF-1.7\n<html><script>alert(1)</script></html>", id="HTML with a start"),
        pytest.param(encoded()[:200], id="cut off"),
        pytest.param(encoded(password="secret"), id="with a password"),
        pytest.param(encoded(pages=0), id="without a page"),
    ],
)
def test_strip_when_it_cannot_be_read_refuses(content: bytes) -> None:
    with pytest.raises(papers.NotAPaper):
        papers.strip(content)


def test_strip_when_it_has_too_many_pages_refuses() -> None:
    with pytest.raises(papers.TooManyPages):
        papers.strip(encoded(pages=papers.MAX_PAGES + 1))
