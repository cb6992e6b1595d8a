"""What is kept of people: for how long, and erased when they ask. Owners of the whole merchant."""

from collections.abc import Callable
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import NotFound, wrong
from desk.access import Scope, staff_page, staff_posts
from desk.personal_data.page import personal_data_page
from desk.settings.layout import take, whole_number
from merchants.rights import Act
from refunds.follow_up import erasing


@staff_page(Act.ERASE)
def personal_data(request: HttpRequest, scope: Scope) -> HttpResponse:
    """What is kept; a POST says for how long."""

    def save() -> str:
        erasing.set_term(days=whole_number(request.POST.dict(), "days"), by=scope.by, at=timezone.now())
        return gettext("The term is saved.")

    return _take(request, scope, "term", save)


@staff_posts(Act.ERASE)
def erase(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Erase a person."""

    def gone() -> str:
        said = {name: request.POST.get(name, "") for name in ("phone", "again", "reason")}
        try:
            erased = erasing.erase_person(**said, by=scope.by, at=timezone.now())
        except NotFound as error:
            raise wrong("phone", code="nothing_known") from error
        return gettext("Erased. Refunds: %(requests)s, sales: %(sales)s, files: %(files)s.") % {
            "requests": erased.requests,
            "sales": erased.sales,
            "files": erased.files,
        }

    return _take(request, scope, "erase", gone)


def _take(request: HttpRequest, scope: Scope, form: str, act: Callable[[], str]) -> HttpResponse:
    page = partial(personal_data_page, scope=scope)
    return take(request, form=form, act=act, page=page, back=reverse("desk:personal-data"))
