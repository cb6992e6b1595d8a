"""Every error as a problem document (RFC 9457): ``type, title, status, detail, code, errors[{field, code, message}]``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from psycopg2.errors import LockNotAvailable, QueryCanceled
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from api.problem_types import PROBLEM_TYPES, address_of
from api.rendering import JSONRenderer
from api.representations import verdict_json
from core.errors import Conflict, DomainError, FieldError, Forbidden, Invalid, NotFound
from refunds.intake.judging import PolicyRefused

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[DomainError], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (Conflict, 409),
    (Invalid, 422),
)

#: The field that a refusal is about, where what raises it does not know how the field is called here.
_FIELD_OF = {
    "amount_above_requested": "amount_fen",
    "ambiguous_order_no": "order_no",
    "exceeds_quantity": "lines",
    "exceeds_refundable": "amount_fen",
    "idempotency_key_reused": "Idempotency-Key",
    "message_required": "message",
    "no_cash_for_credit": "route",
    "not_a_picture": "file",
    "original_route": "route",
    "picture_too_large": "file",
    "reason_code_required": "reason_code",
    "reported_elsewhere": "channel_transaction_no",
    "route_allowed": "route",
    "transaction_not_found": "transaction",
    "unknown_reason_code": "reason_code",
    "unknown_store": "store",
    "unknown_terminal": "terminal",
    "version_conflict": "version",
}


def problem(
    *, status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None, **more: Any
) -> dict[str, Any]:
    """The document itself. ``title`` and the messages are in the caller's language; ``detail`` is for a log."""
    kind = PROBLEM_TYPES.get(code)
    return {
        "type": "about:blank" if kind is None else address_of(code),
        "title": HTTPStatus(status).phrase if kind is None else str(kind.title),
        "status": status,
        "detail": detail,
        "code": code,
        "errors": errors or [],
        **more,
    }


def problem_response(error: Exception, context: dict[str, Any]) -> Response | HttpResponse | None:
    """DRF's exception handler. Unforeseen errors pass through and become a 500."""
    response = _translate(error)
    if response is None:
        return None
    set_rollback()
    response.content_type = MEDIA_TYPE
    request: Any = context.get("request")
    if not isinstance(getattr(request, "accepted_renderer", None), JSONRenderer | None):
        # The description of the API is YAML to most; what is wrong with asking for it is JSON all the same.
        return HttpResponse(JSONRenderer().render(response.data), status=response.status_code, content_type=MEDIA_TYPE)
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
    if isinstance(error, OperationalError) and isinstance(error.__cause__, QueryCanceled):
        logger.error("a statement ran out of time", exc_info=error)
        return Response(_too_slow(), status=503, headers={"Retry-After": "5"})
    if isinstance(error, InterfaceError | OperationalError):
        logger.error("the database did not do it", exc_info=error)
        body = problem(status=503, code="try_again", detail="the database is not there right now; try again")
        return Response(body, status=503, headers={"Retry-After": "2"})
    if isinstance(error, exceptions.APIException):
        return _of_api_exception(error)
    return None


def _of_domain_error(error: DomainError) -> Response:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 400)
    facts = dict(error.facts)
    if isinstance(error, PolicyRefused):
        facts["verdict"] = verdict_json(facts["verdict"].as_json())
    errors = [_field(item) for item in error.errors]
    if not errors and (field := _FIELD_OF.get(error.code)):
        errors = [_field(FieldError(field, error.code, error.message))]
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


def _plain(*, status: int, code: str, detail: str) -> HttpResponse:
    """A problem that no view of ours could tell of."""
    content = JSONRenderer().render(problem(status=status, code=code, detail=detail))
    return HttpResponse(content, status=status, content_type=MEDIA_TYPE)


@csrf_exempt
def not_found(request: HttpRequest) -> HttpResponse:
    """For paths below /api that lead nowhere, with whatever method."""
    return _plain(status=404, code="not_found", detail="there is no such thing here")


def bad_request(request: HttpRequest) -> HttpResponse:
    """For requests that Django itself turns away."""
    return _plain(status=400, code="bad_request", detail="the request cannot be read")


def too_slow(request: HttpRequest) -> HttpResponse:
    """For what the database stopped outside of a view of ours."""
    return HttpResponse(JSONRenderer().render(_too_slow()), status=503, content_type=MEDIA_TYPE)


def _too_slow() -> dict[str, Any]:
    return problem(
        status=503,
        code="took_too_long",
        detail="the database took too long for this and was stopped; ask for less at once",
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """For what nobody foresaw: it is in the log, and the caller may send the same call again."""
    return _plain(status=500, code="internal_error", detail="the fault is ours and was recorded")
