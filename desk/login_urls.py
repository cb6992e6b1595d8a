"""Signing in and out."""

from __future__ import annotations

from django.urls import path

from desk.sign_in import view

urlpatterns = [
    path("login", view.SignIn.as_view(), name="login"),
    path("logout", view.SignOut.as_view(), name="logout"),
]
