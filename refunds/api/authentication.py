"""Recognising callers, and what each may do."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from merchants import api_keys
from merchants.models import Staff
from refunds.api import signing, throttling
from refunds.api.caller import Caller


class ApiKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer <key>``; keys that demand it must also sign the request."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        header = get_authorization_header(request).split()
        if not header or header[0].lower() != b"bearer":
            return None
        client = api_keys.recognise(header[1].decode("latin-1")) if len(header) == 2 else None
        if client is None:
            throttling.slow_down_guessing(request)
            raise AuthenticationFailed("the API key is unknown or revoked", code="invalid_api_key")
        if client.signing_secret:
            signing.check(request, client)
        return Caller(client=client), None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class StaffSession(SessionAuthentication):
    """The staff member who is logged in, with CSRF enforced."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        staff: Any = found[0]
        if isinstance(staff, AnonymousUser) or not isinstance(staff, Staff):
            return None
        return Caller(staff=staff), None


class HasScope(BasePermission):
    """A key needs the view's scope for the method; a session may use views that let staff in.

    A view says ``scopes = {"GET": "refunds:read", "POST": "refunds:write"}`` and ``staff_may = True``.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        caller: object = request.user
        if not isinstance(caller, Caller):
            raise NotAuthenticated("send an API key as Authorization: Bearer <key>", code="not_authenticated")
        if request.method == "OPTIONS" or not hasattr(view, (request.method or "").lower()):
            return True  # a method that the path does not have is a 405, whoever asks
        if caller.staff is not None:
            return bool(getattr(view, "staff_may", False))
        assert caller.client is not None
        scope = getattr(view, "scopes", {}).get("GET" if request.method == "HEAD" else request.method)
        if scope is None:
            raise PermissionDenied("this is for staff in the browser, not for API keys", code="staff_only")
        if scope not in caller.client.scopes:
            raise PermissionDenied(f"the API key lacks the scope {scope}", code="missing_scope")
        return True


class _ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class _SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = StaffSession
    name = "staffSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
