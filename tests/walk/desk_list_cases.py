"""The lists of the desk: the queue, refunds, figures, saved views and exports."""

from __future__ import annotations

from core.audit.models import AuditEvent
from desk.exports import making
from merchants import saved_views
from merchants.models import Role, SavedView
from merchants.principals import of_staff
from refunds.models import ListExport
from refunds.review import exporting
from tests.walk.cases import case
from tests.walk.stage import Stage


@case("GET", "/desk")
def queue(stage: Stage) -> None:
    request = stage.in_review()
    assert request.number in stage.get(Role.REVIEWER, "/desk")


@case("GET", "/desk/start")
def start(stage: Stage) -> None:
    answer = stage.browser(Role.FINANCE).get("/desk/start")
    assert (answer.status_code, answer["Location"]) == (302, "/desk?view=trouble")


@case("GET", "/desk/search")
def search(stage: Stage) -> None:
    request = stage.in_review()
    answer = stage.browser(Role.CASHIER).get("/desk/search", {"q": request.number})
    assert answer["Location"] == f"/desk/refunds/{request.number}"


@case("GET", "/desk/refunds")
def refunds(stage: Stage) -> None:
    request = stage.in_review()
    assert request.number in stage.get(Role.CASHIER, "/desk/refunds", q=request.number, state="in_review")


@case("GET", "/desk/refunds.csv")
def refunds_csv(stage: Stage) -> None:
    request = stage.in_review()
    assert request.number in stage.get(Role.FINANCE, "/desk/refunds.csv")
    assert AuditEvent.objects.get(action="refund.export").data["rows"] == 1


@case("GET", "/desk/analytics")
def analytics(stage: Stage) -> None:
    stage.paid()
    assert "¥268" in stage.get(Role.REVIEWER, "/desk/analytics", period="today")


@case("GET", "/desk/analytics.csv")
def analytics_csv(stage: Stage) -> None:
    stage.paid()
    assert "268.00" in stage.get(Role.FINANCE, "/desk/analytics.csv", period="today")


def _export(stage: Stage) -> ListExport:
    by = of_staff(stage.person(Role.FINANCE))
    return exporting.ask(page="refunds", query="", form="csv", language="en", by=by, at=stage.now())


@case("GET", "/desk/exports")
def exports(stage: Stage) -> None:
    _export(stage)
    assert "CSV" in stage.get(Role.FINANCE, "/desk/exports")


@case("POST", "/desk/exports/ask")
def exports_ask(stage: Stage) -> None:
    stage.post(Role.FINANCE, "/desk/exports/ask", page="transactions", query="days=7", form="xlsx")
    assert ListExport.objects.get().state == "waiting"


@case("GET", "/desk/exports/<int:export_id>")
def export_file(stage: Stage) -> None:
    request, made = stage.paid(), _export(stage)
    making.work()
    assert request.number in stage.get(Role.FINANCE, f"/desk/exports/{made.pk}")


@case("POST", "/desk/exports/<int:export_id>/cancel")
def export_cancel(stage: Stage) -> None:
    made = _export(stage)
    stage.post(Role.FINANCE, f"/desk/exports/{made.pk}/cancel")
    assert ListExport.objects.get().state == "cancelled"


@case("POST", "/desk/views")
def view_save(stage: Stage) -> None:
    stage.post(Role.CASHIER, "/desk/views", page="refunds", name="mine", query="days=today")
    assert SavedView.objects.get().query == "days=today"


@case("POST", "/desk/views/<int:view_id>/remove")
def view_remove(stage: Stage) -> None:
    by = of_staff(stage.person(Role.CASHIER))
    view = saved_views.keep(page="refunds", name="mine", query="", by=by)
    stage.post(Role.CASHIER, f"/desk/views/{view.pk}/remove")
    assert not SavedView.objects.exists()
