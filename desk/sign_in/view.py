"""Signing in and out. What guessing costs stands in ``merchants.sign_in``."""

from __future__ import annotations

from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpResponse
from django.urls import reverse

from desk.context import languages
from desk.sign_in.form import SignInForm, device_cookie
from merchants.sign_in import KNOWN_FOR_S


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
        response = super().form_valid(form)
        assert isinstance(form, SignInForm)
        response.set_cookie(
            device_cookie(form.cleaned_data["username"]),
            form.device_token,
            max_age=KNOWN_FOR_S,
            # Nothing but the sign-in has to see it.
            path=reverse("login"),
            secure=self.request.is_secure(),
            httponly=True,
            samesite="Lax",
        )
        return response

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
