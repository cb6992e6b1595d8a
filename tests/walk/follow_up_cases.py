"""Incidents, tasks after a refund, and bank transfers by the file."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from merchants.models import Role
from merchants.principals import of_staff
from refunds.follow_up import incidents, reports
from refunds.follow_up.incidents import Problem
from refunds.models import (
    Apology,
    CustomerReport,
    Execution,
    Incident,
    PaymentFile,
    RefundRequest,
    ReturnedTransfer,
)
from refunds.payouts import payment_files, returned
from refunds.states import Route
from tests.refunds import hand
from tests.walk.cases import case
from tests.walk.stage import Stage, fresh, text_of

_API = "/api/v1/"
_REQUEST = f"{_API}refund-requests/<id:request_id>"
_DESK, _INCIDENT = "/desk/incidents", "/desk/incidents/<int:incident_id>"


def _opened(stage: Stage) -> Incident:
    stage.in_review(phone="13800006021")
    at = timezone.now()
    problem = Problem(title="收银机黑屏", began_at=at - timedelta(hours=2), store="S001")
    return incidents.open_incident(problem=problem, by=of_staff(stage.person(Role.CASHIER)), at=at)


@case("GET", _DESK)
def list_incidents(stage: Stage) -> None:
    assert _opened(stage).title in stage.get(Role.CASHIER, _DESK)


@case("POST", _DESK)
def report_incident(stage: Stage) -> None:
    began = timezone.localtime() - timedelta(hours=1)
    stage.post(Role.CASHIER, _DESK, title="断网", store="S001", began_at=f"{began:%Y-%m-%dT%H:%M}")
    assert Incident.objects.get().title == "断网"


@case("GET", _INCIDENT)
def see_incident(stage: Stage) -> None:
    incident = _opened(stage)
    assert RefundRequest.objects.get().number in stage.get(Role.CASHIER, f"{_DESK}/{incident.pk}")


@case("POST", f"{_INCIDENT}/ticket")
def ask_provider(stage: Stage) -> None:
    stage.post(Role.MANAGER, f"{_DESK}/{_opened(stage).pk}/ticket", provider="中国电信", cost="20")
    assert (Incident.objects.get().state, Incident.objects.get().cost_fen) == ("waiting", 2_000)


@case("POST", f"{_INCIDENT}/answer")
def note_answer(stage: Stage) -> None:
    stage.post(Role.MANAGER, f"{_DESK}/{_opened(stage).pk}/answer", words="明天来修")
    assert Incident.objects.get().answers[0]["words"] == "明天来修"


@case("POST", f"{_INCIDENT}/apologise")
def apologise(stage: Stage) -> None:
    path = f"{_DESK}/{_opened(stage).pk}/apologise"
    stage.post(Role.MANAGER, path, expect=200)
    assert not Apology.objects.exists()
    stage.post(Role.MANAGER, path, confirmed="1")
    assert Apology.objects.count() == 1


@case("POST", f"{_INCIDENT}/close")
def close_incident(stage: Stage) -> None:
    stage.post(Role.MANAGER, f"{_DESK}/{_opened(stage).pk}/close", cause="till", prevention="备用机")
    assert Incident.objects.get().state == "closed"


@case("POST", f"{_API}incidents")
def report_incident_call(stage: Stage) -> None:
    body = {"title": "断网", "store": "S001", "began_at": timezone.now().isoformat()}
    assert stage.call("POST", "incidents", body, expect=201)["title"] == "断网"


@case("GET", f"{_API}incidents")
def list_incidents_call(stage: Stage) -> None:
    incident = _opened(stage)
    assert [one["id"] for one in stage.call("GET", "incidents")["results"]] == [incident.pk]


@case("GET", f"{_API}incidents/lessons")
def list_lessons(stage: Stage) -> None:
    by, at = of_staff(stage.person(Role.MANAGER)), timezone.now()
    incidents.close(incident_id=_opened(stage).pk, cause="till", prevention="备用机", by=by, at=at)
    assert stage.call("GET", "incidents/lessons")["results"][0]["preventions"] == ["备用机"]


@case("GET", f"{_API}incidents/<int:incident_id>")
def get_incident(stage: Stage) -> None:
    assert stage.call("GET", f"incidents/{_opened(stage).pk}")["refunds_affected"] == 1


@case("POST", f"{_API}incidents/<int:incident_id>/ticket")
def ask_provider_call(stage: Stage) -> None:
    answer = stage.call_as(Role.MANAGER, f"incidents/{_opened(stage).pk}/ticket", {"provider": "中国电信"})
    assert answer["provider"] == "中国电信"


@case("POST", f"{_API}incidents/<int:incident_id>/answers")
def note_answer_call(stage: Stage) -> None:
    assert stage.call_as(Role.MANAGER, f"incidents/{_opened(stage).pk}/answers", {"words": "?"})["answers"]


@case("POST", f"{_API}incidents/<int:incident_id>/apologise")
def apologise_call(stage: Stage) -> None:
    stage.call_as(Role.MANAGER, f"incidents/{_opened(stage).pk}/apologise", {"dry_run": False})
    assert Apology.objects.count() == 1


@case("POST", f"{_API}incidents/<int:incident_id>/close")
def close_incident_call(stage: Stage) -> None:
    body = {"cause": "till", "prevention": "备用机"}
    assert stage.call_as(Role.MANAGER, f"incidents/{_opened(stage).pk}/close", body)["state"] == "closed"


# --- tasks ------------------------------------------------------------------------------------------------------------


def _noted(stage: Stage) -> CustomerReport:
    by, at = of_staff(stage.person(Role.REVIEWER)), timezone.now()
    return reports.note_task(request_id=stage.in_review().pk, kind="complaint", words="态度不好", by=by, at=at)


@case("POST", "/desk/tasks/new")
def note_task(stage: Stage) -> None:
    request = stage.in_review()
    stage.post(Role.REVIEWER, "/desk/tasks/new", number=request.number, kind="call_back", words="回电")
    assert CustomerReport.objects.get().kind == "call_back"


@case("POST", "/desk/tasks/<int:report_id>/hand-over")
def hand_over_task(stage: Stage) -> None:
    report, colleague = _noted(stage), stage.person(Role.MANAGER)
    stage.post(Role.REVIEWER, f"/desk/tasks/{report.pk}/hand-over", staff=str(colleague.pk))
    assert CustomerReport.objects.get().owner == colleague


@case("GET", f"{_API}tasks")
def list_tasks(stage: Stage) -> None:
    report = _noted(stage)
    assert [one["id"] for one in stage.call_as(Role.REVIEWER, "tasks", None, method="GET")["results"]] == [report.pk]


@case("POST", f"{_REQUEST}/tasks")
def note_task_call(stage: Stage) -> None:
    stage.call_as(Role.REVIEWER, f"refund-requests/{stage.in_review().pk}/tasks", {"kind": "complaint", "words": "?"})
    assert CustomerReport.objects.get().is_open


@case("POST", f"{_API}tasks/<int:task_id>/take")
def take_task_call(stage: Stage) -> None:
    answer = stage.call_as(Role.MANAGER, f"tasks/{_noted(stage).pk}/take", {})
    assert answer["owner"] == stage.person(Role.MANAGER).name


@case("POST", f"{_API}tasks/<int:task_id>/hand-over")
def hand_over_task_call(stage: Stage) -> None:
    colleague = stage.person(Role.MANAGER)
    answer = stage.call_as(Role.REVIEWER, f"tasks/{_noted(stage).pk}/hand-over", {"staff": colleague.pk})
    assert answer["owner"] == colleague.name


@case("POST", f"{_API}tasks/<int:task_id>/close")
def close_task_call(stage: Stage) -> None:
    assert stage.call_as(Role.MANAGER, f"tasks/{_noted(stage).pk}/close", {"outcome": "已道歉"})["closed_at"]


# --- transfers --------------------------------------------------------------------------------------------------------


def _filed(stage: Stage) -> tuple[RefundRequest, PaymentFile]:
    request = stage.by_hand(Route.BANK_TRANSFER)
    return request, payment_files.export(by=of_staff(stage.person(Role.FINANCE)), at=timezone.now())


def _result(request: RefundRequest) -> SimpleUploadedFile:
    number = Execution.objects.get(request=request).refund_no
    return SimpleUploadedFile("r.csv", f"业务参考号,处理结果,银行流水号\n{number},成功,B-1\n".encode())


def _came_back(stage: Stage) -> RefundRequest:
    request, _ = _filed(stage)
    by, at = of_staff(stage.person(Role.FINANCE)), timezone.now()
    payment_files.read_result(content=_result(request).read(), by=by, at=at)
    returned.note(request_id=request.pk, trouble="payee_wrong", by=by, at=at)
    return request


@case("GET", "/desk/transfers")
def transfers(stage: Stage) -> None:
    _, made = _filed(stage)
    assert str(made) in stage.get(Role.FINANCE, "/desk/transfers")


@case("POST", "/desk/transfers/export")
def export_transfers(stage: Stage) -> None:
    stage.by_hand(Route.BANK_TRANSFER)
    stage.post(Role.FINANCE, "/desk/transfers/export")
    assert PaymentFile.objects.get().rows.count() == 1


@case("POST", "/desk/transfers/files/<int:file_id>")
def download_file(stage: Stage) -> None:
    _, made = _filed(stage)
    answer: Any = stage.post(Role.FINANCE, f"/desk/transfers/files/{made.pk}", expect=200, **{"as": "csv"})
    assert hand.ACCOUNT_NO in text_of(answer)


@case("POST", "/desk/transfers/result")
def read_result(stage: Stage) -> None:
    request, _ = _filed(stage)
    seen: Any = stage.post(Role.FINANCE, "/desk/transfers/result", expect=200, file=_result(request))
    assert fresh(request).state != "refunded"
    stage.post(Role.FINANCE, "/desk/transfers/result", expect=200, kept=seen.context["kept"])
    assert fresh(request).state == "refunded"


@case("POST", "/desk/transfers/returned")
def note_return(stage: Stage) -> None:
    request, _ = _filed(stage)
    by, at = of_staff(stage.person(Role.FINANCE)), timezone.now()
    payment_files.read_result(content=_result(request).read(), by=by, at=at)
    stage.post(Role.FINANCE, "/desk/transfers/returned", number=request.number, trouble="payee_wrong")
    assert ReturnedTransfer.objects.get().request == request


@case("POST", "/desk/transfers/returned/<str:number>")
def pay_again(stage: Stage) -> None:
    request = _came_back(stage)
    stage.post(Role.MANAGER, f"/desk/transfers/returned/{request.number}", reference_no="B-2")
    assert ReturnedTransfer.objects.get().reference_no == "B-2"


@case("GET", f"{_API}payment-files")
def list_files(stage: Stage) -> None:
    _, made = _filed(stage)
    (found,) = stage.call_as(Role.FINANCE, "payment-files", None, method="GET")["results"]
    assert found["number"] == str(made)


@case("POST", f"{_API}payment-files")
def make_file(stage: Stage) -> None:
    stage.by_hand(Route.BANK_TRANSFER)
    (line,) = stage.call_as(Role.FINANCE, "payment-files", {})["transfers"]
    assert line["account_no"] == hand.ACCOUNT_NO


@case("POST", f"{_API}payment-results")
def read_result_call(stage: Stage) -> None:
    request, _ = _filed(stage)
    answer = stage.call_as(Role.FINANCE, "payment-results", _result(request))
    assert answer["results"][0]["result"] == "paid"


@case("POST", f"{_REQUEST}/returned-transfer")
def note_return_call(stage: Stage) -> None:
    request, _ = _filed(stage)
    by, at = of_staff(stage.person(Role.FINANCE)), timezone.now()
    payment_files.read_result(content=_result(request).read(), by=by, at=at)
    stage.call_as(Role.FINANCE, f"refund-requests/{request.pk}/returned-transfer", {"trouble": "payee_wrong"})
    assert ReturnedTransfer.objects.get().request == request


@case("POST", f"{_REQUEST}/repaid-transfer")
def pay_again_call(stage: Stage) -> None:
    request = _came_back(stage)
    stage.call_as(Role.MANAGER, f"refund-requests/{request.pk}/repaid-transfer", {"reference_no": "B-2"})
    assert ReturnedTransfer.objects.get().repaid_at
