"""Where a person starts: at the work of their role."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from desk.access import Scope, staff_reads
from merchants.rights import Act


@staff_reads()
def start(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Reviewers at the queue, finance at the channels' trouble, cashiers at a new refund."""
    if scope.may(Act.CLAIM):
        return redirect("desk:queue")
    if scope.may(Act.RETRY):
        return redirect("/desk?view=trouble")
    return redirect("desk:new")
