"""Recognising callers, and what each may do."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from api import signing, throttling
from api.caller import Caller
from core.errors import Forbidden
from merchants import api_keys, principals, rights
from merchants.models import Staff


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
        return Caller(client.principal, client), None

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
        return Caller(principals.of_staff(staff)), None


class HasScope(BasePermission):
    """Who is turned away before anything is read.

    A view names the act of each method, as ``acts = {"POST": Act.CANCEL}``; whoever the table of rights gives nothing of it
    (where there are several: of any) goes no further. Whose request it is, the act asks.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        caller: object = request.user
        if not isinstance(caller, Caller):
            raise NotAuthenticated("send an API key as Authorization: Bearer <key>", code="not_authenticated")
        if request.method == "OPTIONS" or not hasattr(view, (request.method or "").lower()):
            return True  # a method that the path does not have is a 405, whoever asks
        refusal = Forbidden("nobody does this", code="role_required")
        for act in view.acts_of("GET" if request.method == "HEAD" else request.method or ""):
            try:
                rights.check_may(act, by=caller.by)
            except Forbidden as error:
                refusal = error
            else:
                return True
        raise PermissionDenied(refusal.message, code=refusal.code)


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
