"""One version of the policy, for every member of staff."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from desk.access import Scope, staff_reads
from desk.policy_version.page import policy_version_page
from desk.rendering import render_page
from merchants.rights import Act


@staff_reads(Act.SEE_POLICY)
def policy_version(request: HttpRequest, scope: Scope, number: int) -> HttpResponse:
    page = policy_version_page(scope=scope, number=number, at=timezone.now())
    return render_page(request, "desk/policy_version.html", page)
