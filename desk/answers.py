"""How an action answers: a browser without scripts with a page, htmx with a way on or with the refusal alone."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from core.errors import DomainError
from desk import words
from desk.access import is_htmx

#: Marks an answer that belongs into the form that asked; ``app.js`` lets only these through with a status from 400 on.
REFUSED = "Refused"


def go_on(request: HttpRequest, url: str) -> HttpResponse:
    """It is done; the person goes on at ``url``."""
    # htmx would follow a redirect out of sight and put a whole page into the form.
    return HttpResponse(status=204, headers={"HX-Redirect": url}) if is_htmx(request) else redirect(url)


def refusal(request: HttpRequest, error: DomainError, *, look_url: str = "") -> HttpResponse:
    """Why it was not done, for the form that asked; ``look_url`` is where to see how things stand now."""
    context = {"text": words.explain(error), "look_url": look_url}
    answer = render(request, "components/refusal.html", context, status=words.status(error))
    answer[REFUSED] = "1"
    return answer
