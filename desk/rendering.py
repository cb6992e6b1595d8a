"""From a page object to its answer.

A page is a frozen dataclass: what it shows is said once, in types, and its template names the fields.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def render_page(request: HttpRequest, template: str, page: DataclassInstance, *, status: int = 200) -> HttpResponse:
    """The template with the page's fields as its names."""
    return render(request, template, _names(page), status=status)


def render_parts(request: HttpRequest, template: str, page: DataclassInstance, *parts: str) -> HttpResponse:
    """Several fragments of the page's template in one answer, each for a place of its own (``htmx``'s out-of-band swap)."""
    names = {**_names(page), "fragment": True}
    return HttpResponse("".join(render_to_string(f"{template}#{part}", names, request) for part in parts))


def _names(page: DataclassInstance) -> dict[str, Any]:
    return {"fragment": False, **{field.name: getattr(page, field.name) for field in fields(page)}}
