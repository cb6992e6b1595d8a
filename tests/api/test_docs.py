"""The API for people to read: one text, as Markdown and as a page, in both languages and without scripts."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from api.description import BODIES
from core.codes import PROBLEMS

pytestmark = pytest.mark.django_db


def _get(path: str, language: str = "en") -> str:
    answer = Client().get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("language", "title", "meaning"), [("en", "## The first refund", "Meaning"), ("zh-Hans", "## 第一笔退款", "含义")]
)
def test_markdown_has_guide_calls_shapes_and_codes(language: str, title: str, meaning: str) -> None:
    text = _get("/api/docs.md", language)
    assert text.index(title) < text.index("### POST /api/v1/transactions\n") < text.index("### RefundRequestOut\n")
    assert f"| {meaning} |" in text
    assert all(f"| `{code.name}` |" in text for code in PROBLEMS)
    assert all(f"`{name}`." in text for name in BODIES)
    schema = Client().get("/api/schema", headers={"Accept": "application/json"}).json()
    for path, item in schema["paths"].items():
        assert all(f"### {method.upper()} {path}\n" in text for method in item)


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_every_link_of_the_page_leads_to_one_of_its_headings(language: str) -> None:
    page = _get("/api/docs", language)
    anchors = re.findall(r'<(?:h[1-6]|div) id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors)) > 200
    assert set(re.findall(r'href="#([^"]+)"', page)) - {"main"} <= set(anchors)
    assert "<script>" not in page
    schema = Client().get("/api/schema", headers={"Accept": "application/json"}).json()
    calls = sum(len(item) for item in schema["paths"].values())
    assert page.count("<details>") == page.count("</details>") > calls


def test_programs_that_read_find_the_text() -> None:
    text = _get("/llms.txt")
    assert text.startswith("# RefundDesk\n\n> ")
    assert {"/api/docs.md?lang=en", "/api/docs.md?lang=zh-hans", "/api/problems"} <= {
        re.sub(r"https?://[^/]+", "", link) for link in re.findall(r"\((.*?)\)", text)
    }


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs.md"])
def test_language_of_a_link_is_that_of_its_page(path: str) -> None:
    assert "The first refund" in _get(f"{path}?lang=en", "zh-Hans")
    assert "第一笔退款" in _get(f"{path}?lang=zh-hans", "en")
    assert "第一笔退款" in _get(f"{path}?lang=xx", "zh-Hans")


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs.md", "/llms.txt"])
def test_reading_is_all_that_can_be_done(path: str) -> None:
    assert Client().post(path).status_code == 405
