"""A request's id is in its answer and in every line of the log that it leaves."""

from __future__ import annotations

import logging

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from config.request_id import InEveryLine, RequestId
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


def test_every_line_of_the_log_has_the_id_of_its_request(caplog: pytest.LogCaptureFixture) -> None:
    said = logging.getLogger("tests.request_id")
    line = logging.Formatter(LOGGING["formatters"]["line"]["format"])
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(line.format(record))

    handler = Kept()
    handler.addFilter(InEveryLine())
    said.addHandler(handler)

    def answer(_request: HttpRequest) -> HttpResponse:
        said.warning("in between")
        return HttpResponse()

    try:
        RequestId(answer)(RequestFactory().get("/", headers={"X-Request-Id": "till-7"}))
        said.warning("outside")
    finally:
        said.removeHandler(handler)
    assert " till-7 tests.request_id in between" in lines[0]
    assert " - tests.request_id outside" in lines[1]


def test_answers_of_the_api_are_not_kept_by_anybody() -> None:
    assert Client().get("/api/v1/policy")["Cache-Control"] == "no-store"
