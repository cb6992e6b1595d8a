"""Every error as a problem document (RFC 9457): ``type, title, status, detail, code, errors[{field, code, message}]``."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from psycopg2.errors import LockNotAvailable
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from core.errors import Conflict, DomainError, FieldError, Forbidden, Invalid, NotFound
from refunds.api.representations import verdict_json
from refunds.flow.intake import PolicyRefused

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[DomainError], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (Conflict, 409),
    (Invalid, 422),
)


def problem(
    *, status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None, **more: Any
) -> dict[str, Any]:
    """The document itself."""
    return {
        "type": f"urn:refunddesk:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": errors or [],
        **more,
    }


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. Unforeseen errors pass through and become a 500."""
    response = _translate(error)
    if response is not None:
        set_rollback()
        response.content_type = MEDIA_TYPE
    return response


def _translate(error: Exception) -> Response | None:
    if isinstance(error, Http404):
        error = NotFound("there is no such thing here")
    if isinstance(error, DjangoPermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, DomainError):
        return _of_domain_error(error)
    if isinstance(error, OperationalError) and isinstance(error.__cause__, LockNotAvailable):
        body = problem(status=409, code="busy", detail="the same thing is being changed right now; try again")
        return Response(body, status=409, headers={"Retry-After": "1"})
    if isinstance(error, exceptions.APIException):
        return _of_api_exception(error)
    return None


def _of_domain_error(error: DomainError) -> Response:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 400)
    facts = dict(error.facts)
    if isinstance(error, PolicyRefused):
        facts["verdict"] = verdict_json(facts["verdict"].as_json())
    errors = [_field(item) for item in error.errors]
    return Response(
        problem(status=status, code=error.code, detail=error.message, errors=errors, **facts), status=status
    )


def _of_api_exception(error: exceptions.APIException) -> Response:
    headers = {}
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if isinstance(error, exceptions.ValidationError):
        body = problem(
            status=400, code="invalid_input", detail="the input has errors", errors=[*_flatten(error.detail, "")]
        )
        return Response(body, status=400, headers=headers)
    detail = error.detail if isinstance(error.detail, str) else str(error.default_detail)
    code = str(getattr(detail, "code", error.default_code))
    return Response(
        problem(status=error.status_code, code=code, detail=str(detail)), status=error.status_code, headers=headers
    )


def _flatten(detail: Any, path: str) -> Iterator[dict[str, str]]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            part = "" if name == "non_field_errors" else str(name)
            yield from _flatten(inner, f"{path}.{part}".strip("."))
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            if not nested or inner:
                yield from _flatten(inner, f"{path}.{number}".strip(".") if nested else path)
    else:
        yield {"field": path, "code": str(getattr(detail, "code", "invalid")), "message": str(detail)}


def _field(item: FieldError) -> dict[str, str]:
    return {"field": item.field, "code": item.code, "message": item.message}


def not_found(request: HttpRequest) -> JsonResponse:
    """For paths below /api that lead nowhere."""
    body = problem(status=404, code="not_found", detail="there is no such thing here")
    return JsonResponse(body, status=404, content_type=MEDIA_TYPE)
