"""Every kind of answer, by gunicorn as production starts it: its status, its code, its id, and what its headers promise."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from tests.api.conftest import api_for
from tests.factories import make_merchant
from tests.faults.house import House, house
from tests.faults.proxy import Proxy, proxy

pytestmark = pytest.mark.django_db(transaction=True)

_LANGUAGES = ("en", "zh-Hans")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.body).get("code", "")) if "json" in self.headers["Content-Type"] else ""


@dataclass
class Web:
    """A running web, its keys, and what stands between it and its services."""

    home: House
    database: Proxy
    broker: Proxy
    keys: Mapping[str, str]

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        line = http.client.HTTPConnection("127.0.0.1", self.home.web_port, timeout=30)
        try:
            line.request(method, path, body or None, dict(headers))
            answer = line.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            line.close()

    def send(self, head: bytes) -> Answer:
        """Bytes as they are."""
        with socket.create_connection(("127.0.0.1", self.home.web_port), timeout=30) as line:
            line.sendall(head)
            answer = http.client.HTTPResponse(line)
            answer.begin()
            return Answer(answer.status, answer.headers, answer.read())


def _through(url: str, standing: Proxy, path: str = "") -> str:
    parts = urlsplit(url)
    login, _, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{standing.port}", path=path or parts.path))


@pytest.fixture
def web(transactional_db: None, tmp_path: Path) -> Iterator[Web]:
    merchant = make_merchant()
    keys = {"key": api_for(merchant).key, "few": api_for(merchant, rate_limit=1).key}
    # Counted call by call: of a larger limit a process goes on with what it has taken of it.
    keys["small"] = api_for(merchant, rate_limit=500).key
    database, broker = urlsplit(os.environ["DATABASE_URL"]), urlsplit(settings.REDIS_URL)
    with (
        proxy(database.hostname or "", database.port or 0) as to_database,
        proxy(broker.hostname or "", broker.port or 0) as to_broker,
        house(
            database_url=_through(os.environ["DATABASE_URL"], to_database, f"/{connection.settings_dict['NAME']}"),
            redis_url=_through(settings.REDIS_URL, to_broker),
            folder=tmp_path,
            ALLOWED_HOSTS="127.0.0.1",
        ) as home,
    ):
        # Pages name their files as they were collected.
        collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
        subprocess.run(collect, cwd=settings.BASE_DIR, env=home.env(), check=True, timeout=120)
        home.web()
        yield Web(home, to_database, to_broker, keys)


@dataclass(frozen=True, kw_only=True)
class Case:
    status: int
    #: "": a page, or no problem.
    code: str = ""
    method: str = "GET"
    path: str = "/api/v1/policy"
    key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    #: What the answer says beside its id.
    has: tuple[str, ...] = ()


_JSON = {"Content-Type": "application/json"}
_SESSION = {"Cookie": "sessionid=" + "a" * 32}
_ONCE = {**_JSON, "Idempotency-Key": "one"}
_NO_ID = "00000000-0000-4000-8000-000000000000"
_CASES = {
    "answered": Case(status=200, key="key", has=("RateLimit", "RateLimit-Policy")),
    "who": Case(status=401, code="not_authenticated", has=("WWW-Authenticate",)),
    "unknown key": Case(status=401, code="invalid_api_key", headers={"Authorization": "Bearer rd_live_no"}),
    "no such thing": Case(status=404, code="not_found", path=f"/api/v1/transactions/{_NO_ID}", key="key", has=("RateLimit",)),
    "no such call": Case(status=404, code="not_found", path="/api/v1/nowhere", key="key"),
    "no such page of the API": Case(status=404, code="not_found", path="/api/nowhere"),
    "no such page": Case(status=404, path="/nowhere"),
    "no such file": Case(status=404, path="/static/nothing"),
    "another method": Case(status=405, code="method_not_allowed", method="DELETE", key="key", has=("Allow", "RateLimit")),
    "another method of the guide": Case(status=405, code="method_not_allowed", method="POST", path="/api/docs", has=("Allow",)),
    "another method of a watch": Case(status=405, method="POST", path="/healthz", has=("Allow",)),
    "another method of a page": Case(status=405, path="/i18n/setlang", has=("Allow",)),
    "unwanted": Case(status=406, code="not_acceptable", key="key", headers={"Accept": "text/csv"}),
    "wrong kind": Case(
        status=415, code="unsupported_media_type", method="POST", path="/api/v1/refund-quotes", key="key", body=b"a=1",
        headers={"Content-Type": "text/plain"},
    ),
    "packed": Case(
        status=415, code="unsupported_encoding", method="POST", path="/api/v1/refund-quotes", key="key", body=b"{}",
        headers={**_JSON, "Content-Encoding": "gzip"},
    ),
    "too large": Case(
        status=413, code="body_too_large", method="POST", path="/api/v1/refund-quotes", key="key", headers=_JSON,
        body=b'"' + b"x" * 1_100_000 + b'"',
    ),
    "no JSON": Case(
        status=400, code="invalid_json", method="POST", path="/api/v1/refund-quotes", key="key", headers=_JSON, body=b"{",
    ),
    "rules": Case(
        status=422, code="channel_number_missing", method="POST", path="/api/v1/transactions", key="key", headers=_ONCE,
        body=json.dumps({"order_no": "A1", "channel": "wechat", "amount_fen": 1, "paid_at": "2026-11-20T18:42:15+08:00",
                         "store": "S001", "payment_no": "P1"}).encode(),
    ),
    "another host": Case(status=400, code="bad_request", headers={"Host": "elsewhere.example"}),
    "another host's page": Case(status=400, path="/login", headers={"Host": "elsewhere.example"}),
}  # fmt: skip


def _agrees(web: Web, what: str, case: Case, language: str) -> Answer:
    headers = {"Accept-Language": language, "X-Request-Id": f"till-{language}", **case.headers}
    if case.key:
        headers["Authorization"] = f"Bearer {web.keys[case.key]}"
    answer = web.ask(case.method, case.path, headers, case.body)
    assert (answer.status, answer.code if case.status >= 400 else "") == (case.status, case.code), (what, answer)
    assert answer.headers["X-Request-Id"] == f"till-{language}", what
    assert [name for name in case.has if not answer.headers[name]] == [], what
    if case.path.startswith("/api/v1/"):
        assert answer.headers["Cache-Control"] == "no-store", what
    return answer


def test_every_kind_of_answer_has_its_code_its_id_and_its_headers(web: Web) -> None:
    for what, case in _CASES.items():
        answers = [_agrees(web, what, case, language) for language in _LANGUAGES]
        if case.code:
            titles = {json.loads(answer.body)["title"] for answer in answers}
            assert len(titles) == 2, (what, titles)
            assert {answer.headers["Content-Language"] for answer in answers} == {"en", "zh-hans"}, what

    _check_limits(web)


def _check_limits(web: Web) -> None:
    """Who asks too often is told for how long to wait."""
    case = Case(status=429, code="throttled", key="few", has=("RateLimit", "RateLimit-Policy"))
    for language in _LANGUAGES:
        answers = [web.ask("GET", case.path, {"Authorization": f"Bearer {web.keys['few']}"}) for _ in range(2)]
        assert 429 in {answer.status for answer in answers}
        answer = _agrees(web, "too often", case, language)
        assert 1 <= int(answer.headers["Retry-After"]) <= 11
    guess = Case(status=429, code="throttled", headers={"Authorization": "Bearer rd_live_no"})
    for _ in range(25):
        web.ask("GET", guess.path, guess.headers)
    for language in _LANGUAGES:
        assert int(_agrees(web, "guesses", guess, language).headers["Retry-After"]) >= 1


_UNREAD = {
    "no request line": (b"GARBAGE\r\n\r\n", 400, "bad_request"),
    "no version": (b"GET /api/v1/policy\r\n\r\n", 400, "bad_request"),
    "another version": (b"GET /api/v1/policy HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n", 400, "bad_request"),
    "no method": (b"g\xc3\xa9t /api/v1/policy HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "bad_request"),
    "no header": (b"GET /api/v1/policy HTTP/1.1\r\nno colon\r\n\r\n", 400, "bad_request"),
    "no header's name": (b"GET /api/v1/policy HTTP/1.1\r\na b: c\r\n\r\n", 400, "bad_request"),
    "NUL in a header": (b"GET /api/v1/policy HTTP/1.1\r\nX-A: a\0b\r\n\r\n", 400, "bad_request"),
    "two lengths": (
        b"POST /api/v1/refund-quotes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        400,
        "bad_request",
    ),
    "no chunk": (
        b"POST /api/v1/refund-quotes HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
        400,
        "bad_request",
    ),
    "packed in passing": (
        b"POST /api/v1/refund-quotes HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: rot13\r\n\r\n",
        400,
        "bad_request",
    ),
    "expects more": (
        b"POST /api/v1/refund-quotes HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: wonders\r\nContent-Length: 0\r\n\r\n",
        400,
        "bad_request",
    ),
    "long address": (
        b"GET /api/v1/transactions?order_no=" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        414,
        "address_too_long",
    ),
    "long header": (
        b"GET /api/v1/policy HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: a=" + b"x" * 9_000 + b"\r\n\r\n",
        431,
        "headers_too_large",
    ),
    "many headers": (
        b"GET /api/v1/policy HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-A: 1\r\n" * 120 + b"\r\n",
        431,
        "headers_too_large",
    ),
}


def test_what_is_no_request_is_a_problem_in_both_languages_with_an_id_that_the_log_has(web: Web) -> None:
    for what, (sent, status, code) in _UNREAD.items():
        answer = web.send(sent)
        assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json"), (what, answer)
        told = json.loads(answer.body)
        assert (told["code"], told["status"]) == (code, status), what
        assert told["type"].endswith(f"/api/problems#{code}"), what
        chinese, _, english = told["title"].partition(" · ")
        assert (chinese.isascii(), english.isascii()) == (False, True), what
        assert answer.headers["Cache-Control"] == "no-store", what
        assert web.home.children[0].says(f" {answer.headers['X-Request-Id']} config.web_worker "), what
    # What is just short enough is answered by the API.
    long = web.ask(
        "GET", "/api/v1/transactions?order_no=" + "x" * 8_000, {"Authorization": f"Bearer {web.keys['key']}"}
    )
    assert (long.status, json.loads(long.body)["results"]) == (200, [])


def test_without_database_or_broker_every_face_answers_and_says_when_to_come_back(web: Web) -> None:
    web.ask("GET", "/api/v1/policy", {"Authorization": f"Bearer {web.keys['key']}"})
    web.database.refuse = True
    web.database.cut()
    for language in _LANGUAGES:
        later = Case(status=503, code="try_again", key="key")
        assert int(_agrees(web, "a call", later, language).headers["Retry-After"]) >= 1
        page = _agrees(web, "a page", Case(status=503, path="/desk", headers=_SESSION), language)
        assert int(page.headers["Retry-After"]) >= 1
        _agrees(web, "ready", Case(status=503, path="/readyz"), language)
        _agrees(web, "alive", Case(status=200, path="/healthz"), language)
        _agrees(web, "the guide", Case(status=200, path="/api/docs.md"), language)
    web.database.refuse = False
    _agrees(web, "back", _CASES["answered"], "en")
    web.broker.refuse = True
    web.broker.cut()
    for language in _LANGUAGES:
        answer = _agrees(web, "a call that is not counted", Case(status=200, key="small"), language)
        assert answer.headers["RateLimit"] is None
        _agrees(web, "a page", Case(status=200, path="/login"), language)
        _agrees(web, "ready", Case(status=503, path="/readyz"), language)
