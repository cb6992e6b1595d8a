"""Switching the language, as Django does it, without a trailing slash to trip over."""

from __future__ import annotations

from django.urls import path
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

urlpatterns = [path("setlang", require_POST(set_language), name="set_language")]
