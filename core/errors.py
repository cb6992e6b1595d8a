"""The four ways in which a wish can be refused. Every domain error is one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.utils.functional import Promise

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field; ``field`` is a dotted path. ``message``, translated lazily, says more than the catalogue
    does of the code; a plain text is for a log.
    """

    field: str
    code: str
    message: Promise | str = ""


class DomainError(Exception):
    """A refusal that the caller can understand. ``code`` is stable, and ``core.codes`` says in words what it means;
    ``message`` is for a log, ``facts`` for whoever asked. ``status`` is of HTTP.
    """

    code = "refused"
    status = 422

    def __init_subclass__(cls, *, code: str = "") -> None:
        super().__init_subclass__()
        if code:
            cls.code = code

    def __init__(
        self, message: str, *, code: str | None = None, errors: Sequence[FieldError] = (), **facts: Any
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.errors = tuple(errors)
        self.facts = facts


class Invalid(DomainError):
    """The input is well formed but cannot be accepted."""


def wrong(field: str, *, code: str) -> Invalid:
    """What is wrong with one field of a form or body."""
    return Invalid(f"{field}: {code}", code=code, errors=[FieldError(field, code, code)])


class Forbidden(DomainError):
    """This actor may not do this."""

    status = 403


class NotFound(DomainError, code="not_found"):
    """There is no such thing here, or none that the actor may know of."""

    status = 404


def existing(row: T | None, what: str) -> T:
    """The row that a query found. Raises ``NotFound`` where it found none."""
    if row is None:
        raise NotFound(f"there is no such {what}")
    return row


class Conflict(DomainError):
    """The thing is not in a state that allows this now."""

    status = 409
