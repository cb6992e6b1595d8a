"""A request's id is in its answer and in every line of the log that it leaves."""

from __future__ import annotations

import logging

import pytest
from django.test import Client

from config.request_id import InEveryLine
from config.settings import LOGGING

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path", ["/api/v1/policy", "/api/v1/nowhere", "/api/docs.md", "/login", "/nowhere", "/healthz"]
)
def test_answer_has_the_callers_id(path: str) -> None:
    assert Client().get(path, headers={"X-Request-Id": "till-7/000123"})["X-Request-Id"] == "till-7/000123"


@pytest.mark.parametrize("given", ["", "a b", "x" * 101, "é", "a\tb"])
def test_id_that_is_not_sane_is_another_one(given: str) -> None:
    ids = [Client().get("/healthz", headers={"X-Request-Id": given})["X-Request-Id"] for _ in range(2)]
    assert given not in ids
    assert len(set(ids)) == 2
    assert all(len(one) == 32 for one in ids)


def test_every_line_of_the_log_has_the_id_of_its_request() -> None:
    """Django's own of a refusal too, which it writes when the middleware is through."""
    lines: list[str] = []
    line = logging.Formatter(LOGGING["formatters"]["line"]["format"])

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(line.format(record))

    handler, root = Kept(), logging.getLogger()
    handler.addFilter(InEveryLine())
    root.addHandler(handler)
    try:
        Client().get("/api/v1/policy", headers={"X-Request-Id": "till-7"})
        logging.getLogger("tests").warning("outside")
    finally:
        root.removeHandler(handler)
    assert [
        text.partition(" django.request ")[0].endswith(" till-7") for text in lines if " django.request " in text
    ] == [True]
    assert " - tests outside" in lines[-1]


def test_answers_of_the_api_are_not_kept_by_anybody() -> None:
    assert Client().get("/api/v1/policy")["Cache-Control"] == "no-store"
