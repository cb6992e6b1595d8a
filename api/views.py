"""What the views have in common: who may call, in which pages lists come."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api import calls, idempotency, schemas
from api.authentication import ApiKeyAuthentication, StaffSession
from api.bodies import JSONRenderer
from api.caller import Caller
from api.fields import StrictSerializer, refused
from api.pagination import NewestFirst
from api.shapes import Shape
from core import clock, tenant_wall
from core.audit.reading import has_been_acted_on
from core.plain_text import without_direction
from merchants.principals import Principal
from merchants.rights import TABLE, Act
from refunds.queries import Changes


class Endpoint(APIView):
    """A view for callers who may do what it names: ``acts`` by method, of the table of rights."""

    authentication_classes = (ApiKeyAuthentication, StaffSession)
    acts: ClassVar[Mapping[str, Act | tuple[Act, ...]]] = {}
    #: The scope that a key needs, by method, as the table has it.
    scopes: ClassVar[Mapping[str, str]] = {}
    has_read_query = False
    #: Of what changes something, who takes a query: with another, ``?dry_run=true`` would be passed over and the deed done.
    takes_query: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        named = {method: TABLE[cls.acts_of(method)[-1]].scope for method in cls.acts}
        cls.scopes = {method: scope for method, scope in named.items() if scope}

    @classmethod
    def acts_of(cls, method: str) -> tuple[Act, ...]:
        act = cls.acts.get(method, ())
        return (act,) if isinstance(act, Act) else act

    def check_permissions(self, request: Request) -> None:
        """Calls are counted before it is asked whether they may be made: what is refused is a call, too."""
        super().check_throttles(request)
        super().check_permissions(request)

    def check_throttles(self, request: Request) -> None:
        """Counted already."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Behind the wall of the caller's merchant, and for a test key by the clock of its sandbox: both are known once the key
        is.
        """
        try:
            with ExitStack() as self._walls:
                return super().dispatch(request, *args, **kwargs)
        finally:
            clock.run_ahead()
            calls.remember(request, self.request)

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if isinstance(request.user, Caller):
            self._walls.enter_context(tenant_wall.within(request.user.merchant_id))
            if request.user.by.clock_ahead:
                clock.run_ahead(request.user.by.clock_ahead)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        changes = request.method not in {"GET", "HEAD", "OPTIONS"} and request.method not in self.takes_query
        if changes and request.query_params:
            raise refused("unknown_field", *map(without_direction, request.query_params))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """What is asked for and nobody has read is unknown, as in a body: who wants two fields of one thing is not given all."""
        asked = request.method in {"GET", "HEAD"} and response.status_code < 400 and request.query_params
        if asked and not self.has_read_query:
            response = self.handle_exception(refused("unknown_field", *map(without_direction, request.query_params)))
        return super().finalize_response(request, response, *args, **kwargs)

    @property
    def caller(self) -> Caller:
        return cast(Caller, self.request.user)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: FBT001, FBT002 -- DRF's
        """As DRF does it, but for those who want JSON or anything: there is nothing to weigh for them. Who deletes expects no
        body but a refusal's.
        """
        if request.META.get("HTTP_ACCEPT", "") in {"", "*/*", JSONRenderer.media_type, "application/problem+json"}:
            return JSONRenderer(), JSONRenderer.media_type
        return super().perform_content_negotiation(request, force)

    def read(self, serializer: type[StrictSerializer]) -> dict[str, Any]:
        """The validated body. Raises ``ValidationError``."""
        data: dict[str, Any] = _kept(serializer, get_language()).run_validation(self.request.data)
        return data

    def read_query(
        self, serializer: type[StrictSerializer], *, besides: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        """The validated query parameters; repeated ones (but for ``name[]``) and unknown ones are errors."""
        given = self.request.query_params
        self.has_read_query = True
        if repeated := [name for name, values in given.lists() if len(values) > 1 and not name.endswith("[]")]:
            raise refused("repeated", *repeated)
        parameters = {name: value for name, value in given.items() if name not in besides}
        data: dict[str, Any] = _kept(serializer, get_language()).run_validation(parameters)
        return data

    def page(
        self,
        request: Request,
        found: QuerySet[Any],
        represent: Any,
        *,
        order: type[NewestFirst] = NewestFirst,
        changes: Changes | None = None,
    ) -> Response:
        """One cursor page of a list; with ``changes`` of its rows that have changed."""
        pages = order(changes)
        rows = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response([represent(row) for row in rows])

    def rows(
        self, request: Request, found: QuerySet[Any], query: Any, shape: type[Shape], *, order: type[NewestFirst]
    ) -> Response:
        """One page of those that a query asks for, with the fields that it asks for."""
        wanted = self.read_query(query, besides=PAGE_PARAMETERS)
        if since := wanted.get("updated_after"):
            found = found.filter(has_been_acted_on(found.model, merchant_id=self.caller.merchant_id, since=since))
        return self.page(request, found, partial(shape.of, only=wanted.get("fields")), order=order)


class ActOnOne(Endpoint, ABC):
    # One act on the one thing that the address names first. The answer is the thing as it is by then, unless the act gives
    # another. The docstring of each is its description.
    operation: ClassVar[str]
    #: None: there is nothing to say beside the address.
    body: ClassVar[type[StrictSerializer] | None] = None
    gives: ClassVar[type[Shape]]
    #: The call of the domain, where it takes what was sent as it is, and what it calls the thing; "": as the address does.
    does: ClassVar[Callable[..., object]]
    key: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "operation" in vars(cls):
            responses = {200: cls.gives, **schemas.WRITE_PROBLEMS}
            described = extend_schema(operation_id=cls.operation, request=cls.body, responses=responses)
            extend_schema_view(post=described)(cls)

    def post(self, request: Request, **named: Any) -> Response:
        # It is looked up before anything that was sent is judged.
        (_, key), *more = named.items()
        self.load(key)
        data = {**self.read(self.body or StrictSerializer), **dict(more)}
        said = self.act(key, data, by=self.caller.by, at=clock.now())
        return Response(self.shown(self.load(key)) if said is None else said)

    @abstractmethod
    def load(self, key: Any, /) -> Any:
        """The thing. Raises ``NotFound``, also for another merchant's."""

    @abstractmethod
    def shown(self, found: Any, /) -> dict[str, Any]:
        """The thing as it goes out."""

    def act(self, key: Any, data: dict[str, Any], /, *, by: Principal, at: datetime) -> dict[str, Any] | None:
        """The one call of the domain, with what was sent and what else the address names."""
        type(self).does(**{self.key or next(iter(self.kwargs)): key}, by=by, at=at, **data)
        return None


class Creating(Endpoint):
    def answer_once(self, request: Request, make: Callable[[], Any], *, hidden: Sequence[str] = ()) -> Response:
        """What ``make`` answers, once for one Idempotency-Key; what is ``hidden`` is not told to a repeat."""
        return idempotency.answer_once(request, self.caller, lambda: (201, make()), hidden=hidden)


@lru_cache(maxsize=128)
def _kept(serializer: type[StrictSerializer], language: str | None) -> StrictSerializer:
    """Validation leaves nothing behind in a serializer but the language of its first refusals, and making one copies every field
    of it: one serves all of a language.
    """
    return serializer()


PAGE_PARAMETERS = frozenset({"limit", "cursor"})
