"""Signing in and out."""

from __future__ import annotations

from django.urls import path

from desk.views import session

urlpatterns = [
    path("login", session.SignIn.as_view(), name="login"),
    path("logout", session.SignOut.as_view(), name="logout"),
]
