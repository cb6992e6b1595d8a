"""All settings, by page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from desk.access import Scope, staff_page
from desk.settings.layout import show
from desk.settings.page import settings_page


@require_safe
@staff_page()
def settings(request: HttpRequest, scope: Scope) -> HttpResponse:
    """What this person may open of them."""
    return show(request, settings_page(scope=scope))
