"""The words of messages: written in versions, looked at, sent as a test. Owners and managers of the whole merchant."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import Invalid, NotFound
from desk import words
from desk.access import Scope, staff_page, staff_posts, staff_reads
from desk.message_templates.page import Which, message_page, messages_page, stored_text
from desk.settings.layout import refused, show, take, whole_number
from merchants.rights import Act
from refunds.telling import own_words
from refunds.telling import wording as built_in


@staff_reads(Act.SET_WORDING)
def wordings(request: HttpRequest, scope: Scope) -> HttpResponse:
    """All messages."""
    return show(request, messages_page(scope=scope))


@staff_page(Act.SET_WORDING)
def wording(request: HttpRequest, scope: Scope, event: str, medium: str, language: str) -> HttpResponse:
    """One message, to begin with the words of an older ``version``; a POST stores words of the merchant's own."""
    which = _which(event, medium, language)

    def write() -> str:
        own_words.write(
            event=event,
            language=language,
            medium=medium,
            text=request.POST.get("text", ""),
            after=whole_number(request.POST.dict(), "after"),
            by=scope.by,
            at=timezone.now(),
        )
        return gettext("These words are used from now on.")

    return _take(request, scope, which, "wording", write)


@staff_posts(Act.SET_WORDING)
def preview(request: HttpRequest, scope: Scope, event: str, medium: str, language: str) -> HttpResponse:
    """How the words that were typed read; nothing is stored."""
    which = _which(event, medium, language)
    try:
        tried = own_words.checked(medium=medium, text=request.POST.get("text", ""))
    except Invalid as error:
        page = refused(message_page(scope=scope, which=which), form="wording", error=error, typed=request.POST)
        return show(request, page, status=words.status(error))
    return show(request, message_page(scope=scope, which=which, tried=tried))


@staff_posts(Act.SET_WORDING)
def send_test(request: HttpRequest, scope: Scope, event: str, medium: str, language: str) -> HttpResponse:
    """Send the stored words to somebody of one's own."""
    which = _which(event, medium, language)

    def send() -> str:
        own = stored_text(scope=scope, which=which)
        to = own_words.send_test(
            event=event,
            medium=medium,
            text=built_in.example(
                event=event, medium=medium, language=language, merchant=scope.staff.merchant, own=own
            ),
            recipient=request.POST.get("recipient", "").strip(),
            by=scope.by,
            at=timezone.now(),
        )
        return gettext("Sent to %(recipient)s.") % {"recipient": to}

    return _take(request, scope, which, "test", send)


def _which(event: str, medium: str, language: str) -> Which:
    which = Which(event, medium, language)
    if not which.is_one:
        raise NotFound("there is no such message")
    return which


def _take(request: HttpRequest, scope: Scope, which: Which, form: str, act: Callable[[], str]) -> HttpResponse:
    return take(
        request,
        form=form,
        act=act,
        page=lambda: message_page(scope=scope, which=which, again=whole_number(request.GET.dict(), "version")),
        back=reverse("desk:message", args=[which.event, which.medium, which.language]),
    )
