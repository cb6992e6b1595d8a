"""What no client means to send, to every address of the URLconf: never a fault of ours, and said to be the sender's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from django.test import Client

from merchants.models import Role
from refunds.telling import tracking
from refunds.telling.tracking import Receipt
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.walk.addresses import example, routes

pytestmark = pytest.mark.django_db

#: Served before any view is asked, or by none.
_BESIDE_THE_VIEWS = ("/static/app.css", "/static/nothing", "/favicon.ico", "/nowhere")
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_FILES = "multipart/form-data; boundary=x"
_FILE = b'--x\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--x--\r\n'
_LONG = "x" * 20_000


@dataclass(frozen=True, kw_only=True)
class _Sent:
    what: str
    method: str = "POST"
    #: Goes behind the address.
    after: str = ""
    body: bytes = b""
    kind: str = _FORM
    headers: Mapping[str, str] = field(default_factory=dict)


def _in_the_address() -> Iterator[_Sent]:
    for what, after in {
        "a percent sign alone": "%",
        "no hexadecimal": "%zz",
        "NUL": "%00",
        "not UTF-8": "%ff",
        "half a pair": "%ed%a0%80",
        "long": _LONG,
        "dots": "/../%2e%2e/%2e%2e%2fetc",
    }.items():
        yield _Sent(what=f"path: {what}", method="GET", after=after)
        yield _Sent(what=f"query: {what}", method="GET", after=f"?limit={after}&q={after}&{after}={after}")
    yield _Sent(what="query: many names", method="GET", after="?" + "&".join(f"n{number}=1" for number in range(2_000)))
    yield _Sent(what="query: one name often", method="GET", after="?" + "&".join(["state=paid"] * 500))


def _in_the_body() -> Iterator[_Sent]:
    for what, text in {"NUL": b"%00", "not UTF-8": b"%ff", "malformed": b"%zz%", "long": _LONG.encode()}.items():
        yield _Sent(what=f"form: {what}", body=b"version=1&q=" + text + b"&" + text + b"=1")
    for what, body in {
        "NUL": rb'{"order_no": "a\u0000b", "note": "\u0000", "\u0000": 1, "version": 1}',
        "raw NUL": b'{"order_no": "a\0b"}',
        "not UTF-8": b'{"order_no": "\xff\xfe"}',
        "half a pair": rb'{"order_no": "\ud800", "note": "\udfff"}',
        "deep": b"[" * 50_000,
        "a huge number": b'{"version": 1e999, "amount_fen": ' + b"9" * 5_000 + b"}",
        "not an object": b"null",
        "broken": b'{"version": ',
    }.items():
        yield _Sent(what=f"json: {what}", body=body, kind=_JSON)
    for what, name in {
        "NUL": b"a\0b.png",
        "not UTF-8": b"\xff.png",
        "long": _LONG.encode(),
        "a path": b"../../x",
    }.items():
        yield _Sent(what=f"file name: {what}", body=_FILE % (b"file", name), kind=_FILES)
        yield _Sent(what=f"file's field: {what}", body=_FILE % (name, b"a.png"), kind=_FILES)
    yield _Sent(what="files: cut off", body=_FILE[:40], kind=_FILES)
    yield _Sent(what="files: no boundary", body=_FILE, kind="multipart/form-data")
    yield _Sent(what="a kind of body that is none", body=b"x", kind="\x7f;;=")


def _in_the_head() -> Iterator[_Sent]:
    for name in (
        "x-request-id",
        "idempotency-key",
        "authorization",
        "accept",
        "accept-language",
        "user-agent",
        "hx-target",
    ):
        for what, text in {"NUL": "a\0b", "not UTF-8": "Bearer \xff\xfe", "long": _LONG}.items():
            yield _Sent(what=f"{name}: {what}", method="GET", headers={name: text})
    yield _Sent(what="cookie: NUL", method="GET", headers={"cookie": r'sessionid="a\000b"; messages="\000"'})
    yield _Sent(what="cookie: not UTF-8", method="GET", headers={"cookie": "sessionid=\xff\xfe; csrftoken=\xff"})
    yield _Sent(what="cookie: long", method="GET", headers={"cookie": f"sessionid={_LONG}; messages={_LONG}"})
    yield _Sent(what="host", method="GET", headers={"host": "a b\xff"})


def _methods() -> Iterator[_Sent]:
    for method in ("OPTIONS", "TRACE", "PROPFIND", "CONNECT", "get", "NONSENSE", "\xff", "M" * 500):
        yield _Sent(what=f"method {method[:9]}", method=method)
    yield _Sent(
        what="preflight",
        method="OPTIONS",
        headers={"origin": "https://x.example", "access-control-request-method": "X"},
    )


_ALL = [*_in_the_address(), *_in_the_body(), *_in_the_head(), *_methods()]
#: Whatever the address: nothing of this is text.
_NO_TEXT = {
    *("path: NUL", "path: not UTF-8", "path: half a pair"),
    *(one.what for one in _ALL if one.what.endswith(": NUL") and one.headers),
}


def _callers() -> dict[str, Client]:
    english = {"accept-language": "en"}
    nobody, owner = (Client(headers=english, raise_request_exception=False) for _ in range(2))
    staff = make_staff(make_merchant(), Role.OWNER)
    owner.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return {"nobody": nobody, "owner": owner}


def _addresses() -> dict[str, list[str]]:
    """Of each caller. A customer is who has a link."""
    sale = make_sale(make_merchant())
    link, receipt = tracking.token_for(make_request(sale).pk), tracking.apply_token(Receipt(sale.store_id, sale.pk))
    plain = [example(route) for route in routes()] + list(_BESIDE_THE_VIEWS)
    customers = [
        example(route, token=receipt if route.startswith("/r/apply/") else link)
        for route in routes()
        if "<str:token>" in route
    ]
    return {"nobody": plain + customers, "owner": plain}


def _fault(client: Client, address: str, sent: _Sent) -> str:
    """ "": there is none."""
    answer = client.generic(
        sent.method, address + sent.after, sent.body, content_type=sent.kind, headers=dict(sent.headers)
    )
    status = answer.status_code
    said = f"{sent.what}: {sent.method[:9]} {address}: {status}"
    if status >= 500 and address != "/readyz":
        return said
    if sent.what in _NO_TEXT and not 400 <= status < 500:
        return f"{said}, and it is no text"
    return "" if answer.has_header("X-Request-Id") else f"{said} without X-Request-Id"


#: Each address is sent every so many of them, each of them goes to so many addresses; NONSENSE_EVERY=1: all to all.
_EVERY = int(os.environ.get("NONSENSE_EVERY", "24"))


def test_nonsense_is_never_a_fault_of_ours() -> None:
    callers, faults = _callers(), []
    for caller, addresses in _addresses().items():
        for at, address in enumerate(addresses):
            faults += [
                fault for sent in _ALL[at % _EVERY :: _EVERY] if (fault := _fault(callers[caller], address, sent))
            ]
    assert not faults, "\n".join(faults[:40]) + f"\n{len(faults)} in all"
