"""The list of payouts that wait for a person. Cashiers see the cash of their stores."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from desk.access import Scope, staff_reads
from desk.by_hand.page import by_hand_page
from desk.rendering import render_page
from merchants.rights import Act


@staff_reads(Act.PAY_CASH, Act.PAY_BY_HAND)
def by_hand(request: HttpRequest, scope: Scope) -> HttpResponse:
    return render_page(request, "desk/by_hand.html", by_hand_page(scope=scope, at=timezone.now()))
