"""From a page object to its answer.

A page is a frozen dataclass: what it shows is said once, in types, and its template names the fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string

from core.errors import DomainError
from core.spreadsheets import XLSX
from desk import words

#: Marks an answer that belongs into the form that asked; ``app.js`` lets only these through with a status from 400 on.
REFUSED = "Refused"
#: Where on a request it is kept below which page of the navigation the answer stands.
_BELOW = "desk_below"
#: What files are, by their names' endings.
_KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": XLSX,
    "json": "application/json",
    "jsonl": "application/x-ndjson",
}


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx asks for a fragment."""
    htmx: Any = getattr(request, "htmx", False)
    return bool(htmx)


def go_on(request: HttpRequest, url: str) -> HttpResponse:
    """It is done; the person goes on at ``url``."""
    # htmx would follow a redirect out of sight and put a whole page into the form.
    return HttpResponse(status=204, headers={"HX-Redirect": url}) if is_htmx(request) else redirect(url)


def done(request: HttpRequest, said: str, to: str, *args: Any) -> HttpResponse:
    """It is done: what is ``said`` of it stands on the page ``to`` that follows."""
    messages.success(request, said)
    return redirect(to, *args)


def as_file(content: str | bytes | Iterable[str] | Iterable[bytes], *, name: str) -> HttpResponseBase:
    """A file to take away, streamed where it comes line by line; what it is, its name's ending says."""
    kind = _KINDS[name.rpartition(".")[2]]
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if isinstance(content, str | bytes):
        return HttpResponse(content, content_type=kind, headers=headers)
    return StreamingHttpResponse(content, content_type=kind, headers={**headers, "X-Accel-Buffering": "no"})


def refusal(request: HttpRequest, error: DomainError, *, look_url: str = "") -> HttpResponse:
    """Why it was not done, for the form that asked; ``look_url`` is where to see how things stand now."""
    context = {"text": words.explain(error), "look_url": look_url}
    answer = render(request, "components/refusal.html", context, status=words.status(error))
    answer[REFUSED] = "1"
    return answer


if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def render_page(request: HttpRequest, template: str, page: DataclassInstance, *, status: int = 200) -> HttpResponse:
    """The template with the page's fields as its names.

    One that says which page it is ``below`` stands there in the navigation.
    """
    if below := getattr(page, "below", ""):
        setattr(request, _BELOW, below)
    return render(request, template, _names(page), status=status)


def stands_at(request: HttpRequest) -> str:
    """The path that says which entry of the navigation is current: the request's own, unless its page names another."""
    return str(getattr(request, _BELOW, request.path))


def render_parts(request: HttpRequest, template: str, page: DataclassInstance, *parts: str) -> HttpResponse:
    """Several fragments of the page's template in one answer, each for a place of its own (``htmx``'s out-of-band swap)."""
    names = {**_names(page), "fragment": True}
    return HttpResponse("".join(render_to_string(f"{template}#{part}", names, request) for part in parts))


def _names(page: DataclassInstance) -> dict[str, Any]:
    return {"fragment": False, **{field.name: getattr(page, field.name) for field in fields(page)}}
