"""From a page object to its answer.

A page is a frozen dataclass: what it shows is said once, in types, and its template names the fields.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def render_page(request: HttpRequest, template: str, page: DataclassInstance, *, status: int = 200) -> HttpResponse:
    """The template with the page's fields as its names."""
    names = {field.name: getattr(page, field.name) for field in fields(page)}
    return render(request, template, names, status=status)
