"""Requests are text: what is none is answered with 400 here, before anything could store it, look it up or break on it.

PostgreSQL holds no NUL, and most of what would try to store one answers with a 500. The marks that turn the direction of writing
are taken out of what people send, and once more out of every page: whatever was stored before or came from elsewhere, a number
beside it reads as it is. JSON below /api/v1 is judged where it is parsed, field by field.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.utils.datastructures import MultiValueDict

from config.whole_bodies import MOST_BYTES
from core.plain_text import without_direction, without_direction_in_bytes

#: C0 and DEL. Forms and queries may have what is typed or pasted as white space.
_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f]")
_NOT_IN_A_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NOT_IN_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
#: Who parse their own bodies, and say more of what is wrong in them than that.
_OWN_BODIES = ("/api/v1/", "/channels/")
_OWN_QUERIES = "/api/v1/"
#: A password is compared, never shown; it counts as it was typed.
_AS_TYPED = "password"


class PlainRequests:
    """Refuse what is no text, take direction marks out of the rest and out of the page."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Raises ``BadRequest``, which Django answers by handler400."""
        _check_head(request)
        if not request.path_info.startswith(_OWN_QUERIES):
            _check_query(request)
        if request.content_type in _FORMS and not request.path_info.startswith(_OWN_BODIES):
            _check_form_when_read(request)
        response = self._get_response(request)
        if not response.streaming and response.headers.get("Content-Type", "").startswith("text/html"):
            _show_no_direction(response)
        return response


def _check_head(request: HttpRequest) -> None:
    meta = request.META
    path = request.path_info
    if _NOT_IN_A_LINE.search(path):
        raise BadRequest("control characters in the path")
    if "%" in path:
        # As Django leaves bytes that are not UTF-8.
        _decoded(unquote_to_bytes(path))
    headers = "".join([value for name, value in meta.items() if name.startswith("HTTP_") and isinstance(value, str)])
    # A cookie in quotes may spell any character in octal.
    cookies = "".join(request.COOKIES.values())
    if _NOT_IN_A_HEADER.search(headers + str(meta.get("CONTENT_TYPE", ""))) or _NOT_IN_A_LINE.search(cookies):
        raise BadRequest("control characters in a header")
    if meta.get("CONTENT_LENGTH") and not re.fullmatch(r"[0-9]{1,18}", str(meta["CONTENT_LENGTH"])):
        raise BadRequest("the length of the body is no number")


def _check_query(request: HttpRequest) -> None:
    query = request.META.get("QUERY_STRING", "")
    # Django would decode it by the charset of a body that is not even there.
    if (request.encoding or "utf-8").lower() not in {"utf-8", "utf8"}:
        raise BadRequest("text is sent as UTF-8")
    if "%" not in query and query.isascii() and query.isprintable():
        return
    if _NOT_IN_TEXT.search(_decoded(unquote_to_bytes(query.encode("latin-1")))):
        raise BadRequest("control characters in the query")
    request.GET = _without_direction(request.GET)  # type: ignore[assignment]  # a copy may be changed


def _check_form_when_read(request: Any) -> None:
    """Judge a form at the moment at which somebody reads it: views look at the length of a body, and who sends it, before."""
    load = request._load_post_and_files

    def load_and_check() -> None:
        # Django writes whatever is uploaded to the disk before a view sees it.
        if int(request.META.get("CONTENT_LENGTH") or 0) >= MOST_BYTES:
            request._post, request._files = QueryDict(), MultiValueDict()
            raise BadRequest("nothing that is sent is so large")
        load()
        form, files = request._post, request._files
        # Should somebody go on after the refusal, there is nothing to read.
        request._post, request._files = QueryDict(), MultiValueDict()
        if request.content_type == _FORMS[0]:
            _decoded(unquote_to_bytes(request.body))
        text = "".join([name + "".join(map(str, values)) for name, values in form.lists()])
        # The parser of uploads has put U+FFFD where there was no UTF-8.
        if _NOT_IN_TEXT.search(text) or (request.content_type != _FORMS[0] and "\ufffd" in text):
            raise BadRequest("the form holds what is no text")
        request._post, request._files = _without_direction(form), files

    request._load_post_and_files = load_and_check


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise BadRequest("text is sent as UTF-8") from error


def _without_direction(sent: QueryDict) -> QueryDict:
    """The same without the marks; itself where there are none."""
    changed = {
        name: cleaned
        for name, values in sent.lists()
        if not name.startswith(_AS_TYPED) and (cleaned := [without_direction(value) for value in values]) != values
    }
    if not changed:
        return sent
    copy = sent.copy()
    for name, values in changed.items():
        copy.setlist(name, values)
    copy._mutable = False
    return copy


def _show_no_direction(response: Any) -> None:
    content = response.content
    shown = without_direction_in_bytes(content)
    if len(shown) != len(content):
        response.content = shown
        if response.has_header("Content-Length"):
            response["Content-Length"] = str(len(shown))
