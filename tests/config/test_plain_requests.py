"""What is no text is a 400 wherever it comes in, and marks that turn text around come neither in nor out."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.utils import timezone

from merchants.models import Role, Staff
from merchants.principals import of_staff
from refunds.models import RefundRequest, Survey
from refunds.review import deciding
from refunds.telling import tracking
from refunds.telling.wording import words
from tests import pictures
from tests.api.conftest import api_for
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.refunds.settled import paid
from tests.walk.addresses import example, routes

pytestmark = pytest.mark.django_db

_MARKS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_TURNED = re.compile(f"[{_MARKS}]")
_FORM = "application/x-www-form-urlencoded"
#: As they stand in an address or a form: NUL, other controls, bytes that are not UTF-8, half a surrogate pair.
_NO_TEXT = ["%00", "%01", "%1B", "%7F", "%ff", "%c0%80", "%ed%a0%80"]
#: These go to every address; the others, which the same look finds, to a few.
_EVERYWHERE = {"%00", "%ff"}


def _asked_for(part: str) -> list[str]:
    return routes()[:: 1 if part in _EVERYWHERE else 12]


def _browser(staff: Staff | None = None) -> Client:
    client = Client(headers={"accept-language": "en"}, raise_request_exception=False)
    if staff is not None:
        client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def owner() -> Staff:
    return make_staff(make_merchant(), Role.OWNER)


def _refused(answer: Any, *, machine: bool) -> None:
    assert answer.status_code == 400
    if machine:
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "bad_request"
    else:
        assert answer["Content-Type"].startswith("text/html")
        assert "cannot be read" in answer.content.decode()
        assert "default-src" in answer["Content-Security-Policy"]


def _is_machines(path: str) -> bool:
    return path.startswith(("/api", "/channels/", "/healthz", "/readyz", "/metrics"))


# --- 400 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [*_NO_TEXT, "%0a", "%09"])
def test_path_that_is_no_text_is_refused_to_everybody(owner: Staff, part: str) -> None:
    for client in (_browser(), _browser(owner)):
        for route in _asked_for(part):
            path = re.sub(r"nothing|nowhere|$", lambda found: found[0] and part, example(route), count=1)
            if path == example(route):
                path = f"{path.rstrip('/')}/{part}"
            for method in ("GET", "POST"):
                _refused(client.generic(method, path), machine=_is_machines(path))


@pytest.mark.parametrize("part", _NO_TEXT)
def test_query_that_is_no_text_is_refused(owner: Staff, part: str) -> None:
    client = _browser(owner)
    for route in _asked_for(part):
        for query in (f"q={part}", f"{part}=1", f"q=a+{part}+b&state=in_review"):
            answer = client.get(f"{example(route)}?{query}")
            if route.startswith("/api/v1/"):
                # There it is judged by name.
                assert answer.status_code < 500
            else:
                _refused(answer, machine=_is_machines(example(route)))


@pytest.mark.parametrize("part", _NO_TEXT)
@pytest.mark.parametrize("name", ["username", "password", "next", "csrfmiddlewaretoken", "nobody_asked_for_this"])
def test_form_that_is_no_text_is_refused(part: str, name: str) -> None:
    _refused(_browser().post("/login", f"{name}=a{part}b", content_type=_FORM), machine=False)


@pytest.mark.parametrize("content", [b"a\0b", b"a\x1bb", b"\xff\xfe", b"\xed\xa0\x80"])
def test_form_with_files_that_is_no_text_is_refused_and_stores_nothing(owner: Staff, content: bytes) -> None:
    request = make_request(make_sale(owner.merchant, 33_980), 26_800)
    head = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n'
    file = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n\x89PNG\0\xff\r\n--x--\r\n'
    body = head + content + b"\r\n" + file
    answer = _browser(owner).post(
        f"/desk/refunds/{request.number}/evidence", body, content_type="multipart/form-data; boundary=x"
    )
    _refused(answer, machine=False)
    answer = _browser().post(
        f"/r/{tracking.token_for(request.pk)}/evidence", body, content_type="multipart/form-data; boundary=x"
    )
    _refused(answer, machine=False)
    assert RefundRequest.objects.get().version == request.version
    assert not request.evidence.exists()


@pytest.mark.parametrize("name", ["a\0b.jpg", "a\x1bb.jpg", "\u202egpj.exe", "../../x\0.jpg", "\0", "a" * 5_000])
def test_name_of_a_file_is_never_a_fault_of_ours(owner: Staff, name: str) -> None:
    request = make_request(make_sale(owner.merchant, 33_980), 26_800)
    file = SimpleUploadedFile("x.jpg", pictures.encoded())
    file.name = name
    for client, path in (
        (_browser(owner), f"/desk/refunds/{request.number}/evidence"),
        (_browser(), f"/r/{tracking.token_for(request.pk)}/evidence"),
    ):
        answer = client.post(path, {"version": request.version, "files": file})
        assert answer.status_code < 500
        file.seek(0)


@pytest.mark.parametrize(
    "headers",
    [
        {"cookie": r'sessionid="a\000b"'},
        {"cookie": "sessionid=a\0b"},
        {"cookie": r'csrftoken="\000"; django_language="\001"'},
        {"cookie": r'messages="\000"'},
        {"accept-language": "en\0"},
        {"referer": "http://testserver/\0"},
        {"user-agent": "a\x1b[31mb"},
        {"hx-current-url": "/desk\0"},
        {"x-forwarded-for": "127.0.0.1\0"},
        {"content-type": f"{_FORM}\0"},
    ],
)
@pytest.mark.parametrize("path", ["/login", "/desk", "/i18n/setlang", "/r/nothing", "/channels/wechat/x/notices"])
def test_header_that_is_no_text_is_refused(path: str, headers: dict[str, str]) -> None:
    client = Client(raise_request_exception=False)
    for method in ("GET", "POST"):
        answer = client.generic(method, path, "a=b", content_type=_FORM, headers=headers)
        assert answer.status_code == 400, answer.content


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "gbk", "iso-8859-1"])
@pytest.mark.parametrize("kind", [_FORM, "multipart/form-data; boundary=x", "text/plain"])
def test_charset_that_is_not_ours_is_refused(owner: Staff, charset: str, kind: str) -> None:
    client = _browser(owner)
    for method, path in (("GET", "/desk/refunds?q=a%20b"), ("POST", "/i18n/setlang"), ("POST", "/login")):
        body = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nabc\r\n--x--\r\n'
        answer = client.generic(method, path, body, content_type=f"{kind}; charset={charset}")
        assert answer.status_code == 400, answer.status_code


@pytest.mark.parametrize(
    "kind",
    [
        *(f"text/plain; charset={name}" for name in ("hex", "base64", "idna", "undefined", "rot13", '"zip"', "uu")),
        "text/plain; Charset = hex; charset=utf-8",
        "text/plain; charset=utf-8; charset=hex",
        "text/plain; charset*=utf-8''hex",
        "text/plain; charset*0=he; charset*1=x",
    ],
)
def test_charset_that_is_no_text_is_no_fault_of_ours(kind: str) -> None:
    """Django decodes the query before the first of its middleware is asked: so this goes through the server's own door."""
    environ = RequestFactory().get("/login?q=a%20b%00").environ | {"CONTENT_TYPE": kind}
    said: list[str] = []
    from config.wsgi import application  # noqa: PLC0415 -- it asks the database for its key when it is loaded

    content = application(environ, lambda status, _headers, *_: said.append(status))  # type: ignore[arg-type]
    b"".join(content)
    assert said == ["400 Bad Request"]


@pytest.mark.parametrize("length", ["abc", "-1", "+5", "1e3", "\u0665"])
def test_length_that_is_no_number_is_refused(length: str) -> None:
    request = make_request(make_sale(make_merchant(), 33_980), 26_800)
    for path in (f"/r/{tracking.token_for(request.pk)}/answer", "/channels/wechat/x/notices"):
        answer = Client(raise_request_exception=False).post(path, "a=b", content_type=_FORM, CONTENT_LENGTH=length)
        assert answer.status_code == 400


def test_page_of_the_refusal_speaks_both_languages() -> None:
    said = [Client(headers={"accept-language": code}).get("/desk/%00").content.decode() for code in ("en", "zh-hans")]
    assert "This request cannot be read" in said[0]
    assert "无法读取" in said[1]


def test_white_space_that_people_paste_is_taken(owner: Staff) -> None:
    request = make_request(make_sale(owner.merchant, 33_980), 26_800)
    pasted = "第一行\r\n第二行\t缩进\x0b软回车\x0c换页"
    answer = _browser(owner).post(f"/desk/refunds/{request.number}/note", {"version": request.version, "text": pasted})
    assert answer.status_code == 302


# --- marks that turn the direction of writing -----------------------------------------------------------------------


def _nasty(text: str) -> str:
    """``text`` with every mark in it."""
    return text[:1] + _MARKS + text[1:]


def test_marks_typed_at_the_desk_are_not_stored(owner: Staff) -> None:
    sale = make_sale(owner.merchant, 33_980)
    client = _browser(owner)
    (key,) = re.findall(
        r'name="idempotency_key" value="([^"]+)"', client.get(f"/desk/new?sale={sale.pk}").content.decode()
    )
    form = {"sale": sale.pk, "amount": "268", "reason": "quality", "consent": "1", "idempotency_key": key}
    assert client.post("/desk/new", {**form, "note": _nasty("面板开裂")}).status_code == 302
    request = RefundRequest.objects.get()
    assert request.description == "面板开裂"
    reviewer = _browser(make_staff(owner.merchant, Role.REVIEWER))
    reject = {"version": request.version, "reason_code": "no_proof", "message": _nasty("没有小票")}
    reviewer.post(f"/desk/refunds/{request.number}/reject", reject)
    assert RefundRequest.objects.get().message_to_customer == "没有小票"


def test_marks_sent_to_the_api_are_not_stored() -> None:
    api = api_for(make_merchant())
    sale = make_sale(api.merchant, 33_980)
    body = {
        "order_no": _nasty(sale.order_no),
        "amount_fen": 26_800,
        "reason": "quality",
        "description": _nasty("面板开裂"),
        "customer": {"name": _nasty("王敏"), "phone": "\u202d13800006021\u202c"},
        "customer_consent": True,
        "cashier": _nasty("C001"),
    }
    answer = api.post("refund-requests", body)
    assert answer.status_code == 201, answer.content
    request = RefundRequest.objects.get()
    stored = (request.description, request.customer_name, request.customer_phone, request.cashier)
    assert stored == ("面板开裂", "王敏", "13800006021", "C001")
    assert api.get("refund-requests", order_no=_nasty(sale.order_no)).json()["results"]
    only_marks = api.post("refund-quotes", {**body, "order_no": _MARKS})
    assert only_marks.status_code == 400


def test_customers_marks_are_not_stored() -> None:
    request = paid(make_request(make_sale(make_merchant())))
    form = {"score": "5", "comment": _nasty("很快")}
    assert Client().post(f"/r/{tracking.token_for(request.pk)}/rate", form).status_code == 302
    assert Survey.objects.get().comment == "很快"


def test_marks_that_were_stored_before_turn_nothing_in_pages_messages_and_files(owner: Staff) -> None:
    sale = make_sale(owner.merchant, 33_980, cashier=_nasty("C001"), order_no=_nasty("A1"))
    request = make_request(sale, 26_800, email="wangmin@example.com", phone="13800006021")
    text = _nasty("gpj.exe 1200")
    RefundRequest.objects.update(description=text, cashier=text)
    owner.merchant.stores.update(name=text)
    Staff.objects.filter(pk=owner.pk).update(name=text)
    type(owner.merchant).objects.filter(pk=owner.merchant.pk).update(name=text)
    client = _browser(owner)
    files = ("/desk/refunds.csv", "/desk/analytics.csv")
    pages = ("/desk", "/desk/refunds", f"/desk/refunds/{request.number}", "/desk/transactions", "/desk/analytics")
    for path in (*pages, *files, f"/desk/transactions/{sale.pk}", f"/r/{tracking.token_for(request.pk)}"):
        answer: Any = client.get(path)
        shown = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code == 200, path
        assert _TURNED.search(shown.decode()) is None, path
    deciding.request_info(
        request_id=request.pk,
        by=of_staff(owner),
        at=timezone.now(),
        version=request.version,
        message=_nasty("请补照片"),
    )
    for medium in ("email", "sms"):
        stored = RefundRequest.objects.get()
        mail = words(event="needs_info", medium=medium, locale="zh-Hans", request=stored)
        assert _TURNED.search(mail.subject + mail.body + mail.html) is None


def test_search_says_back_what_was_typed_without_marks(owner: Staff) -> None:
    page = _browser(owner).get("/desk/refunds", {"q": _nasty("RF-1")}).content.decode()
    assert 'value="RF-1"' in page


def test_password_counts_as_it_was_typed() -> None:
    staff = make_staff(make_merchant(), Role.OWNER, password="a long \u200fpassword")
    form = {"username": staff.username, "password": "a long \u200fpassword"}
    assert _browser().post("/login", form)["Location"] == "/desk/start"
    assert _browser().post("/login", {**form, "password": "a long password"}).status_code == 200


@pytest.mark.parametrize("path", ["/login", "/desk/imports/add", "/i18n/setlang"])
def test_a_form_that_is_larger_than_anything_is_refused_before_it_is_written_to_the_disk(
    owner: Staff, path: str
) -> None:
    sent = io.BytesIO(b"x" * 1000)
    environ: dict[str, Any] = {
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
        "CONTENT_LENGTH": "5000000000",
        "wsgi.input": sent,
    }
    assert _browser(owner).post(path, **environ).status_code == 400
    assert sent.tell() == 0
