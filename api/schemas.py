"""How the API describes its calls: problems, pages, and what every call may answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers as s

from api.shapes import Row, Shape

Method = TypeVar("Method", bound=Callable[..., Any])


#: Required on every POST that creates.
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 255 visible ASCII characters. The same key and body within 24 hours get the first answer again.",
)


LIMIT = OpenApiParameter("limit", {"type": "integer", "minimum": 1}, description="rows a page; 200 at most are given")


CURSOR = OpenApiParameter("cursor", str, description="from `next` or `previous` of another page; not to be made up")


class FieldProblem(Shape):
    field = s.CharField()
    code = s.CharField()
    message = s.CharField()


class Problem(Shape):
    """RFC 9457, as ``application/problem+json``. A state conflict adds ``state`` and ``version``, a refusal ``verdict``, another
    plan ``plan``.
    """

    type = s.URLField(help_text="what this code means and what to do about it, as a page")
    title = s.CharField()
    message = s.CharField(help_text="what happened and what to do, for a person, in the language that was asked for")
    status = s.IntegerField()
    detail = s.CharField(help_text="for a log, not for a customer")
    code = s.CharField(help_text="decide by this one")
    errors = FieldProblem(many=True)  # type: ignore[assignment]  # RFC 9457 with our list


# Many stand in it, but it is one: the library would describe a list of pages. What derives from it is told so, too.
@extend_schema_serializer(many=False)
class Page(Shape):
    next = s.URLField(allow_null=True)
    previous = s.URLField(allow_null=True)


def page_of(shape: type[Shape]) -> type[Shape]:
    """A page of rows of which `fields` may ask for some alone."""
    name = shape.__name__.removesuffix("Out")
    row = type(f"{name}RowOut", (Row, shape), {})
    return type(f"{name}PageOut", (Page,), {"results": row(many=True)})


#: What may go wrong on a write, beside what the status line of its own says.
WRITE_PROBLEMS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem, 429: Problem}


READ_PROBLEMS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 429: Problem}


def operation(
    name: str,
    gives: type[Shape],
    *,
    takes: type[s.Serializer[Any]] | Mapping[str, Any] | None = None,
    form: type[s.Serializer[Any]] | None = None,
    query: type[s.Serializer[Any]] | None = None,
    pages: bool = False,
    once: bool = False,
    status: Sequence[int] = (),
    besides: Sequence[int] = (),
) -> Callable[[Method], Method]:
    """Describes a view's method: what it gives, and takes as JSON, by media type, or as a ``form``. ``once``: it makes something,
    under an Idempotency-Key. ``besides``: problems beside those that reading or writing may have.
    """
    parameters: list[Any] = [
        *([query] if query else []),
        *([LIMIT, CURSOR] if pages else []),
        *([IDEMPOTENCY_KEY] if once else []),
    ]

    def describe(method: Method) -> Method:
        problems = READ_PROBLEMS if method.__name__ == "get" else WRITE_PROBLEMS
        return extend_schema(
            operation_id=name,
            request={"multipart/form-data": form} if form else takes,
            parameters=parameters or None,
            responses=dict.fromkeys(status or (201 if once else 200,), gives)
            | problems
            | dict.fromkeys(besides, Problem),
        )(method)

    return describe
