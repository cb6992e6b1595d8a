"""Between the password and the second factor: nobody is signed in yet, the session only knows whose password was right."""

import time
from dataclasses import dataclass

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from merchants import account, sign_in
from merchants.models import Staff
from merchants.sign_in import KNOWN_FOR_S
from merchants.signing import remember as remember_factor

#: As long as it takes to find one's phone.
GOOD_FOR_S = 600
_KEY = "half_way"


@dataclass(frozen=True, slots=True)
class HalfWay:
    """Whose password was right, where they want to, and the token by which their browser will be known."""

    staff: Staff
    next_url: str
    device_token: str


def device_cookie(username: str) -> str:
    """The name of the cookie by which a browser is known to this account; several people may share a browser."""
    return f"known_{sign_in.cookie_suffix(username)}"


def remember(request: HttpRequest, half: HalfWay, url_name: str) -> HttpResponse:
    """Go on to the second step. Whatever the session held belongs to nobody any more."""
    request.session.flush()
    request.session[_KEY] = {
        "staff": half.staff.pk,
        "rests_on": half.staff.get_session_auth_hash(),
        "next": half.next_url,
        "device": half.device_token,
        "at": int(time.time()),
    }
    return redirect(url_name)


def recall(request: HttpRequest) -> HalfWay | None:
    """Who is half way in; nobody after a while, or once the account was switched off or has another password."""
    kept = request.session.get(_KEY)
    if not kept or time.time() - kept["at"] > GOOD_FOR_S:
        return None
    staff = Staff.objects.filter(pk=kept["staff"], is_active=True).select_related("merchant").first()
    if staff is None or not constant_time_compare(kept["rests_on"], staff.get_session_auth_hash()):
        return None
    return HalfWay(staff, kept["next"], kept["device"])


def finish(request: HttpRequest, half: HalfWay, *, factor: str, answer: HttpResponse | None = None) -> HttpResponse:
    """Sign in, and go where they wanted to, or show ``answer`` first. ``factor``: the kind that was shown, "" for none."""
    request.session.pop(_KEY, None)
    auth.login(request, half.staff, backend=settings.AUTHENTICATION_BACKENDS[0])
    if factor:
        remember_factor(request.session, factor, at=timezone.now())
    account.keep_session(request=request, staff=half.staff, factor=factor, at=timezone.now())
    answer = answer or redirect(half.next_url)
    answer.set_cookie(
        device_cookie(half.staff.username),
        half.device_token,
        max_age=KNOWN_FOR_S,
        # Nothing but the sign-in has to see it.
        path=reverse("login"),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    if half.staff.language:
        speak(answer, half.staff.language)
    return answer


def speak(answer: HttpResponse, language: str) -> None:
    """Later pages are in this language, as after Django's own switch."""
    answer.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=365 * 24 * 3600, samesite="Lax")
