"""One version of the policy, for every member of staff."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from desk.access import Scope, staff_page
from desk.policy_version.page import policy_version_page
from desk.rendering import render_page
from merchants.rights import Act


@require_safe
@staff_page(Act.SEE_POLICY)
def policy_version(request: HttpRequest, scope: Scope, number: int) -> HttpResponse:
    page = policy_version_page(scope=scope, number=number, at=timezone.now())
    return render_page(request, "desk/policy_version.html", page)
