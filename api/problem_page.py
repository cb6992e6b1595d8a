"""``/api/problems``: where the ``type`` of every problem document leads."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.codes import FIELDS, PROBLEMS


@require_safe
def problem_types(request: HttpRequest) -> HttpResponse:
    """One line a code, found by its fragment. For everybody: it tells nothing of anybody."""
    of_a_field = _("Stands in `errors`, beside the field that it is about.")
    kinds = [(kind, _pieces(str(kind.remedy or of_a_field))) for kind in (*PROBLEMS, *FIELDS)]
    return render(request, "api/problems.html", {"kinds": kinds})


def _pieces(text: str) -> list[tuple[bool, str]]:
    """A text as (is code, text): what stands between backticks is code."""
    return [(bool(number % 2), piece) for number, piece in enumerate(text.split("`")) if piece]
