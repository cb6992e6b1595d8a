"""The second step of signing in: showing a second factor, or setting one up where the merchant requires it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core.client_address import client_address
from core.errors import Conflict, Invalid
from core.guessing import TooManyGuesses
from desk import words
from desk.context import Language, languages
from desk.rendering import render_page
from desk.sign_in import half_way
from desk.sign_in.half_way import HalfWay
from desk.sign_in.view import wait_words, wrong_words
from merchants import principals, second_factor, sign_in
from merchants.principals import Principal
from merchants.second_factor import Offer

_TEMPLATE = "registration/second.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPage:
    """``passkey`` is what the browser is asked, "" without one; ``has_codes``: an app or recovery codes are there."""

    passkey: str
    has_codes: bool
    form_error: str
    languages: Sequence[Language]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolPage:
    """What is offered; ``asks_password`` where a session alone is not enough."""

    offer: Offer
    asks_password: bool
    form_error: str
    languages: Sequence[Language]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesPage:
    """Recovery codes, shown this once."""

    codes: Sequence[str]
    next_url: str
    languages: Sequence[Language]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second(request: HttpRequest) -> HttpResponse:
    """A code or a passkey of whoever's password was right."""
    half = half_way.recall(request)
    if half is None or not second_factor.factors(half.staff):
        return redirect("login")
    error, wait_s = "", 0
    if request.method == "POST":
        try:
            kind, tried = sign_in.show_second(
                staff=half.staff, address=client_address(request.META), check=lambda: _shown(request, half)
            )
        except TooManyGuesses as refusal:
            error, wait_s = wait_words(refusal.wait_s), refusal.wait_s
        else:
            if kind:
                return half_way.finish(request, half, factor=kind)
            error = wrong_words("second_factor_wrong", tried)
    passkey = second_factor.passkey_request(half.staff)
    has_codes = any(one.kind == "totp" for one in second_factor.factors(half.staff))
    page = SecondPage(
        passkey=passkey,
        has_codes=has_codes or bool(second_factor.recovery_codes_left(half.staff)),
        form_error=error,
        languages=languages(),
    )
    answer = render_page(request, _TEMPLATE, page, status=429 if wait_s else 200)
    if wait_s:
        answer["Retry-After"] = str(wait_s)
    return answer


def _shown(request: HttpRequest, half: HalfWay) -> str:
    passkey, now = request.POST.get("passkey", ""), timezone.now()
    if passkey:
        return "webauthn" if second_factor.check_passkey(staff=half.staff, answer=passkey, at=now) else ""
    return second_factor.check_code(staff=half.staff, code=request.POST.get("code", "")[:40], at=now)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """The first factor of whoever may not come in without one; with it they are in."""
    half = half_way.recall(request)
    if half is None or second_factor.factors(half.staff):
        return redirect("login")
    error = ""
    if request.method == "POST":
        try:
            codes = add(request, by=principals.of_staff(half.staff))
        except (Invalid, Conflict) as refused:
            error = words.short(refused)
        else:
            shown = codes_page(request, codes, half.next_url)
            kind = "webauthn" if request.POST.get("kind") == "webauthn" else "totp"
            return half_way.finish(request, half, factor=kind, answer=shown)
    page = EnrolPage(
        offer=second_factor.offer(request=request, staff=half.staff),
        asks_password=False,
        form_error=error,
        languages=languages(),
    )
    return render_page(request, "registration/enrol.html", page, status=422 if error else 200)


def add(request: HttpRequest, *, by: Principal) -> tuple[str, ...]:
    """The factor of a form of ``components/enrol_forms.html``; recovery codes where there are none yet."""
    now = timezone.now()
    if request.POST.get("kind") == "webauthn":
        name = request.POST.get("name", "").strip()[:40]
        return second_factor.add_passkey(name=name, answer=request.POST.get("passkey", ""), by=by, at=now)
    return second_factor.add_app(request=request, code=request.POST.get("code", "")[:40], by=by, at=now)


def codes_page(request: HttpRequest, codes: Sequence[str], next_url: str) -> HttpResponse:
    """The recovery codes, or straight on where there are no new ones."""
    if not codes:
        return redirect(next_url)
    page = CodesPage(codes=codes, next_url=next_url, languages=languages())
    answer = render_page(request, "registration/recovery_codes.html", page)
    answer["Cache-Control"] = "private, no-store"
    return answer
