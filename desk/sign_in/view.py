"""Signing in and out. What guessing costs stands in ``merchants.sign_in``."""

from typing import Any

from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import ngettext

from core import codes
from core.client_address import client_address
from core.guessing import TooManyGuesses, Try
from core.plain_text import sentences
from desk.context import languages
from desk.sign_in import half_way
from desk.sign_in.half_way import HalfWay, device_cookie
from merchants import second_factor, sign_in
from merchants.models import Staff

#: From how few free tries on they are told.
_FEW = 3


class SignInForm(AuthenticationForm):
    """``wait_s`` is set when the try was not even looked at; ``device_token`` once somebody is signed in."""

    wait_s = 0
    device_token = ""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)

    def clean(self) -> dict[str, Any]:
        username, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not username or not password:
            return self.cleaned_data
        assert self.request is not None
        try:
            done = sign_in.sign_in(
                username=username,
                password=password,
                address=client_address(self.request.META),
                device_token=self.request.COOKIES.get(device_cookie(username), ""),
            )
        except TooManyGuesses as refusal:
            self.wait_s = refusal.wait_s
            raise ValidationError(wait_words(refusal.wait_s), code="too_many_guesses") from refusal
        if done.staff is None:
            raise ValidationError(wrong_words("invalid_login", done.tried), code="invalid_login")
        self.user_cache = done.staff
        self.device_token = done.device_token
        return self.cleaned_data


def wait_words(seconds: int) -> str:
    """How long it is before a try is looked at again."""
    return sentences(codes.words("too_many_guesses"), _again_in(seconds))


def _again_in(seconds: int) -> str:
    return ngettext("Try again in %(n)s second.", "Try again in %(n)s seconds.", seconds) % {"n": seconds}


def wrong_words(code: str, tried: Try) -> str:
    """That it was wrong, and what the next try costs."""
    said = codes.words(code)
    if tried.next_wait_s:
        return sentences(said, _again_in(tried.next_wait_s))
    if 0 < tried.free_left <= _FEW:
        left = ngettext(
            "%(n)s more try, then every one has to wait.",
            "%(n)s more tries, then every one has to wait.",
            tried.free_left,
        )
        return sentences(said, left % {"n": tried.free_left})
    return said


class SignIn(auth_views.LoginView):
    template_name = "registration/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True
    # Called by the template: the language is another one with each visit.
    extra_context = {"languages": languages}
    http_method_names = ("get", "head", "post")

    def get_default_redirect_url(self) -> str:
        return reverse("desk:start")

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        assert isinstance(form, SignInForm)
        staff = form.get_user()
        assert isinstance(staff, Staff)
        half = HalfWay(staff, self.get_success_url(), form.device_token)
        if second_factor.factors(staff):
            return half_way.remember(self.request, half, "login-second")
        if second_factor.is_required(staff):
            return half_way.remember(self.request, half, "login-enrol")
        return half_way.finish(self.request, half, factor="")

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        assert isinstance(form, SignInForm)
        if form.wait_s:
            response.status_code = 429
            response["Retry-After"] = str(form.wait_s)
        return response


class SignOut(auth_views.LogoutView):
    """POST only, as Django has it."""

    next_page = "login"
