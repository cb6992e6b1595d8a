"""Somebody signed in without the form."""

from __future__ import annotations

from django.test import Client
from playwright.sync_api import Page

from merchants.models import Staff


def sign_in(page: Page, live_server: object, staff: Staff) -> None:
    """Put a session into the browser, in place of the one before."""
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": str(live_server)}])
