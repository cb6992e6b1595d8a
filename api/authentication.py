"""Recognising callers and signed requests (HMAC over id, time, method, path with query, body), and what each may do."""

import base64
import hashlib
import hmac
import time
from typing import Any

import redis
from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from api import throttling
from api.bodies import whole_body
from api.caller import Caller
from core.errors import Forbidden
from core.redis_client import client as broker
from merchants import api_keys, principals, rights
from merchants.api_keys import Client
from merchants.models import Staff
from merchants.principals import Shown
from merchants.signing import shown_in_session

_WINDOW_S = 300


class NonceStoreDown(APIException):
    """Without the memory of used ids a replay could not be told from a request: refuse rather than guess."""

    status_code = 503
    default_code = "try_again"
    default_detail = "signed requests cannot be checked right now; try again"


def signature(*, secret: str, request_id: str, timestamp: str, method: str, path: str, body: bytes) -> str:
    """``v1=<hex>`` over ``id.timestamp.method.path.body``; ``path`` includes the query string."""
    text = f"{request_id}.{timestamp}.{method}.{path}.".encode() + body
    return "v1=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def check(request: Request, client: Client) -> None:
    """Raises ``AuthenticationFailed`` for a missing, wrong, stale or replayed signature."""
    request_id = request.headers.get("X-Request-Id", "")
    timestamp = request.headers.get("X-Request-Timestamp", "")
    given = request.headers.get("X-Request-Signature", "")
    if not (request_id and given and timestamp.isascii() and timestamp.isdigit() and len(request_id) <= 100):
        raise AuthenticationFailed("this key only takes signed requests", code="signature_required")
    if abs(time.time() - int(timestamp[:12])) > _WINDOW_S:
        raise AuthenticationFailed("the signature is too old or from the future", code="signature_stale")
    expected = signature(
        secret=client.signing_secret,
        request_id=request_id,
        timestamp=timestamp,
        method=request.method or "",
        path=request.get_full_path(),
        body=whole_body(request),
    )
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise AuthenticationFailed("the signature does not match", code="signature_mismatch")
    used = hashlib.sha256(request_id.encode()).hexdigest()
    try:
        first = broker().set(f"signed:{client.principal.key_id}:{used}", 1, nx=True, ex=2 * _WINDOW_S)
    except redis.RedisError as error:
        raise NonceStoreDown from error
    if not first:
        raise AuthenticationFailed("this request id was used before", code="signature_replayed")


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
            check(request, client)
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
        return Caller(principals.of_staff(staff, _shown(request))), None


def _shown(request: Request) -> Shown:
    """What the person shows of a second factor: their session's, and with this call ``Second-Factor: totp 123456`` or
    ``Second-Factor: webauthn <the browser's answer as JSON, in base64url>``.
    """
    shown = shown_in_session(request.session, request.META)
    kind, _, said = request.headers.get("Second-Factor", "").partition(" ")
    if kind == "totp":
        shown.code = said.strip()[:40]
    elif kind == "webauthn":
        try:
            shown.passkey = base64.urlsafe_b64decode(f"{said.strip()[:20_000]}==").decode()
        except ValueError:
            # Shown, and wrong: not what no passkey at all would be.
            shown.passkey = "-"
    return shown


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


class _ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key, shown once when it is made."}


class _SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = StaffSession
    name = "staffSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        said = "A member of staff who is signed in; what changes anything also has the cookie `csrftoken` as `X-CSRFToken`."
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": said}
