"""All settings, by page."""

from django.http import HttpRequest, HttpResponse

from desk.access import Scope, staff_reads
from desk.settings.layout import show
from desk.settings.page import settings_page


@staff_reads()
def settings(request: HttpRequest, scope: Scope) -> HttpResponse:
    """What this person may open of them."""
    return show(request, settings_page(scope=scope))
