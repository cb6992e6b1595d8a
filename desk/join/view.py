"""Where an invitation leads: name, password, language; or, after a reset, a new password."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core.client_address import client_address
from core.errors import Invalid, NotFound
from core.guessing import Bucket, Limit, TooManyGuesses, take
from core.plain_text import sentences
from desk import words
from desk.context import Language, languages
from desk.filters import Choice
from desk.rendering import render_page
from desk.sign_in.half_way import speak
from merchants import invitations
from merchants.invitations import WeakPassword
from merchants.models import Invitation, Staff

#: Wrong links from one address; genuine ones are never counted.
BAD_LINKS = Limit(free=20, first_wait_s=10, longest_wait_s=600)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPage:
    """``invitation`` None: the link does not work, and nothing says why; ``name`` is what was typed."""

    invitation: Invitation | None
    name: str
    chosen: str
    choices: Sequence[Choice]
    form_error: str
    languages: Sequence[Language]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """The form, or what comes of it."""
    now, error = timezone.now(), ""
    row = invitations.found(token=token, at=now)
    if row is not None and request.method == "POST":
        try:
            staff = _accept(request, token)
        except (Invalid, WeakPassword) as refused:
            error = explain(refused)
        except NotFound:
            row = None
        else:
            said = gettext("Welcome, %(name)s. Sign in as %(login)s.")
            messages.success(request, said % {"name": staff.name, "login": staff.username})
            answer = redirect("login")
            if staff.language:
                speak(answer, staff.language)
            return answer
    if row is None and (wait_s := _wait_for_bad_link(request)):
        return HttpResponse(status=429, headers={"Retry-After": str(wait_s)})
    page = JoinPage(
        invitation=row,
        name=request.POST.get("name", "")[:60],
        chosen=request.POST.get("language", get_language() or ""),
        choices=[Choice(code, label) for code, label in settings.LANGUAGES],
        form_error=error,
        languages=languages(),
    )
    return render_page(request, "registration/join.html", page, status=404 if row is None else 422 if error else 200)


def _accept(request: HttpRequest, token: str) -> Staff:
    check_twice(request)
    return invitations.accept(
        token=token,
        name=request.POST.get("name", ""),
        password=request.POST["password"],
        language=request.POST.get("language", ""),
        at=timezone.now(),
    )


def check_twice(request: HttpRequest) -> None:
    """A new password is typed twice. Raises ``Invalid``."""
    if not request.POST.get("password") or request.POST["password"] != request.POST.get("again"):
        raise Invalid("typed differently", code="passwords_differ")


def explain(refused: Invalid) -> str:
    """Why a password was not taken, in the reader's words."""
    reasons = refused.reasons if isinstance(refused, WeakPassword) else ()
    return sentences(words.short(refused), *reasons)


def _wait_for_bad_link(request: HttpRequest) -> int:
    address = client_address(request.META)
    try:
        take(Bucket(name=f"join:{address}", limit=BAD_LINKS))
    except TooManyGuesses as refusal:
        return refusal.wait_s
    return 0
