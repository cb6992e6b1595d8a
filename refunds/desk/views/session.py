"""Signing in and out. Wrong passwords are counted and locked out by axes."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import views as auth_views
from django.urls import reverse

from refunds.desk.context import languages


class SignIn(auth_views.LoginView):
    template_name = "registration/login.html"
    redirect_authenticated_user = True
    http_method_names = ("get", "head", "post")

    def get_default_redirect_url(self) -> str:
        return reverse("desk:start")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "next": self.get_redirect_url(),
            "languages": languages(),
            "demo_logins": [],
        }


class SignOut(auth_views.LogoutView):
    """POST only, as Django has it."""

    next_page = "login"
