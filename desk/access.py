"""Who is at the desk and what they may look at. Every page and every list starts here."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlsplit, urlunsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from core import tenant_wall
from core.errors import Forbidden, Invalid, NotFound
from desk import signing
from desk.rendering import is_htmx
from merchants import principals, rights
from merchants.models import Staff, Store
from merchants.principals import Principal, Shown
from merchants.rights import Act
from merchants.signing import MustSign, remember
from refunds.models import Notification, RefundRequest
from terminals.models import Transaction

Parameters = ParamSpec("Parameters")
#: What a form sends for all stores.
ALL_STORES = "*"


@dataclass(frozen=True, slots=True)
class Scope:
    """A member of staff and what they act as; ``store_ids`` None means all of their merchant's stores.

    ``known`` keeps, for one request, what page and navigation both show.
    """

    staff: Staff
    by: Principal
    known: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def store_ids(self) -> frozenset[int] | None:
        return self.by.stores

    def may(self, act: Act) -> bool:
        """Whether there is anything that this person may do this to: whether to show a page or a menu."""
        return rights.may(act, by=self.by)

    def requests(self) -> QuerySet[RefundRequest]:
        """The refunds this person may know of."""
        return self.by.in_stores(RefundRequest.objects.filter(merchant_id=self.staff.merchant_id))

    def sales(self) -> QuerySet[Transaction]:
        """The sales this person may know of."""
        return self.by.in_stores(Transaction.objects.filter(merchant_id=self.staff.merchant_id))

    def stores(self) -> QuerySet[Store]:
        """The stores this person works for, by code."""
        return self.by.in_stores(Store.objects.filter(merchant_id=self.staff.merchant_id).order_by("code"), field="pk")

    def store_or_all(self, chosen: str) -> Store | None:
        """The store that a form names; None for all of them, which are asked for by name: one that was forgotten or is not known
        is never all. Raises ``Invalid``.
        """
        if chosen == ALL_STORES and self.store_ids is None:
            return None
        store = self.stores().filter(code=chosen).first()
        if store is None:
            raise Invalid("choose one of your stores", code="unknown_store")
        return store

    def notifications(self) -> QuerySet[Notification]:
        """The messages about refunds this person may know of."""
        rows = Notification.objects.filter(merchant_id=self.staff.merchant_id)
        return self.by.in_stores(rows, field="request__store_id")


def scope_of(staff: Staff, shown: Shown | None = None) -> Scope:
    """The person's scope, read anew: a store taken away counts from the next page on."""
    return Scope(staff, principals.of_staff(staff, shown))


#: Where a request keeps its scope for the page's navigation.
_KEPT = "desk_scope"


def scope_of_request(request: HttpRequest) -> Scope | None:
    """The scope of the person who asks; None for nobody."""
    kept = getattr(request, _KEPT, None)
    if isinstance(kept, Scope):
        return kept
    staff = getattr(request, "user", None)
    return scope_of(staff) if isinstance(staff, Staff) else None


View = Callable[Concatenate[HttpRequest, Scope, Parameters], HttpResponseBase]
Routed = Callable[Concatenate[HttpRequest, Parameters], HttpResponseBase]


def staff_page(
    *acts: Act, methods: Sequence[str] = ("GET", "HEAD", "POST")
) -> Callable[[View[Parameters]], Routed[Parameters]]:
    """The method first, sign-in next, then whether the person may do any of the acts that the page is for, then the view with
    their scope, behind their merchant's wall.

    What the domain does not know, or may not tell of, is a 404; what it forbids and the view does not explain, a 403.
    """

    def decorate(view: View[Parameters]) -> Routed[Parameters]:
        @require_http_methods(methods)
        @wraps(view)
        def routed(request: HttpRequest, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> HttpResponseBase:
            staff = request.user
            if not isinstance(staff, Staff):
                return _sign_in_first(request)
            shown = signing.shown_by(request)
            scope = scope_of(staff, shown)
            setattr(request, _KEPT, scope)
            if acts and not any(map(scope.may, acts)):
                raise PermissionDenied
            try:
                with tenant_wall.within(staff.merchant_id):
                    response = view(request, scope, *args, **kwargs)
            except MustSign as asked:
                response = signing.page(request, asked)
            except NotFound as error:
                raise Http404 from error
            except Forbidden as error:
                raise PermissionDenied from error
            if shown.accepted and response.status_code < 400:
                remember(request.session, shown.accepted, at=timezone.now())
            if isinstance(response, StreamingHttpResponse):
                # Its lines are read from the database when the view is long over.
                lines = cast("Iterator[bytes]", response.streaming_content)
                response.streaming_content = _behind_the_wall(lines, staff.merchant_id)
            # Pages hold customers' data: no cache keeps them, and "back" after signing out shows nothing.
            response["Cache-Control"] = "private, no-store"
            return response

        return routed

    return decorate


def staff_reads(*acts: Act) -> Callable[[View[Parameters]], Routed[Parameters]]:
    """A ``staff_page`` that changes nothing."""
    return staff_page(*acts, methods=("GET", "HEAD"))


def staff_posts(*acts: Act) -> Callable[[View[Parameters]], Routed[Parameters]]:
    """A ``staff_page`` that is only an act."""
    return staff_page(*acts, methods=("POST",))


def _behind_the_wall(content: Iterator[bytes], merchant_id: int) -> Iterator[bytes]:
    with tenant_wall.within(merchant_id):
        yield from content


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    if is_htmx(request) and request.method == "POST":
        # Leaving the page would lose what was typed: the form says so itself (app.js).
        return HttpResponse(status=401)
    if is_htmx(request):
        # A fragment cannot hold the sign-in page: the whole page goes there, and comes back to where it was.
        return HttpResponse(
            status=204, headers={"HX-Redirect": redirect_to_login(_page_it_was_sent_from(request))["Location"]}
        )
    return redirect_to_login(request.get_full_path() if request.method == "GET" else _page_it_was_sent_from(request))


def _page_it_was_sent_from(request: HttpRequest) -> str:
    """Where a form stood: many are sent to an address that shows nothing. The start where the browser does not say."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    if came_from.netloc != request.get_host() or not came_from.path.startswith("/desk"):
        return reverse("desk:start")
    return urlunsplit(("", "", came_from.path, came_from.query, ""))
