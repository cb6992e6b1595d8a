"""``/api/problems``: where the ``type`` of every problem document leads."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from api.problem_types import PROBLEM_TYPES


@require_safe
def problem_types(request: HttpRequest) -> HttpResponse:
    """One section a code, found by its fragment. For everybody: it tells nothing of anybody."""
    return render(request, "api/problems.html", {"kinds": PROBLEM_TYPES.values()})
