"""Tasks after a refund, and bank transfers by the file: for staff in their session."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.evidence import TakesAFile
from api.fields import Instant, StrictSerializer, Text, WholeNumber, with_fields
from api.no_receipt import NewestCaseFirst
from api.pagination import OldestFirst
from api.refund_requests import ActOnRequest
from api.schemas_refunds import CustomerReportOut
from api.shapes import Shape, read
from api.views import ActOnOne, Endpoint
from core import clock
from core.dry_run import taken_back
from merchants.principals import Principal
from merchants.rights import Act
from refunds.follow_up import reports
from refunds.models import CustomerReport
from refunds.models.customer_report import NOTED_BY_STAFF
from refunds.payouts import payment_files, returned
from refunds.payouts.returned import NewAccount
from refunds.states import HandTrouble

TASK_KINDS = [(kind.value, kind.label) for kind in NOTED_BY_STAFF]


class TaskSerializer(StrictSerializer):
    kind = s.ChoiceField(TASK_KINDS)
    words = Text(multiline=True, max_length=reports.MAX_WORDS)
    due_at = Instant(required=False, default=None, help_text="by default in two days")


class HandOverSerializer(StrictSerializer):
    staff = WholeNumber(min_value=1, help_text="the id of a colleague of the store who may answer")


class OutcomeSerializer(StrictSerializer):
    outcome = Text(max_length=reports.MAX_WORDS, help_text="the customer reads it")


class TaskOut(CustomerReportOut):
    id = s.IntegerField(source="pk")
    refund_request = s.UUIDField(source="request_id")


class FirstDue(OldestFirst):
    field = "due_at"


class Tasks(Endpoint):
    """What is to be done for customers after their refunds."""

    acts = {"GET": Act.SEE_QUEUE}

    query = with_fields(TaskOut)

    @schemas.operation("list_tasks", schemas.page_of(TaskOut), pages=True, query=query)
    def get(self, request: Request) -> Response:
        """Open tasks, the most urgent first."""
        rows = reports.open_reports(by=self.caller.by).order_by()
        return self.rows(request, rows, self.query, TaskOut, order=FirstDue)


class NoteTask(ActOnRequest):
    """Note a complaint, or that the customer is to be called back. One of a kind is open at a time."""

    acts = {"POST": Act.ANSWER_REPORT}
    operation, body, does = "note_task", TaskSerializer, reports.note_task


class ActOnTask(ActOnOne):
    acts = {"POST": Act.ANSWER_REPORT}
    gives, key = TaskOut, "report_id"

    def load(self, task_id: int) -> CustomerReport:
        return reports.find(report_id=task_id, by=self.caller.by)

    def shown(self, found: CustomerReport) -> dict[str, Any]:
        return TaskOut.of(found)


class TakeTask(ActOnTask):
    """Make a task one's own."""

    operation, does = "take_task", reports.take


class HandOverTask(ActOnTask):
    """Give a task to a colleague."""

    operation, body = "hand_over_task", HandOverSerializer

    def act(self, task_id: int, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        reports.hand_over(report_id=task_id, staff_id=data["staff"], by=by, at=at)


class CloseTask(ActOnTask):
    """Close a task, with what came of it."""

    operation, body, does = "close_task", OutcomeSerializer, reports.close


class TransferOut(Shape):
    reference = s.CharField()
    holder_name = s.CharField()
    account_no = s.CharField()
    bank_name = s.CharField()
    amount_fen = s.IntegerField()
    remark = s.CharField(help_text="the refund's number")


class PaymentFileOut(Shape):
    id = s.IntegerField(source="pk")
    number = read(s.CharField(), str)
    made_by = s.CharField()
    made_at = s.DateTimeField()


class WholePaymentFileOut(PaymentFileOut):
    transfers = TransferOut(
        many=True, help_text="those that are not paid yet, with full accounts; the look is recorded"
    )


class NewestFileFirst(NewestCaseFirst):
    field = "made_at"


class PaymentFiles(Endpoint):
    """Transfers taken to the bank in one file."""

    acts = {"GET": Act.TAKE_TRANSFERS, "POST": Act.TAKE_TRANSFERS}

    query = with_fields(PaymentFileOut)

    @schemas.operation("list_payment_files", schemas.page_of(PaymentFileOut), pages=True, query=query)
    def get(self, request: Request) -> Response:
        """Files, the newest first."""
        rows = payment_files.files_of(by=self.caller.by).order_by()
        return self.rows(request, rows, self.query, PaymentFileOut, order=NewestFileFirst)

    @schemas.operation("make_payment_file", WholePaymentFileOut)
    def post(self, request: Request) -> Response:
        """Put every transfer that waits and that you may pay into a file. Each is in one file only: no key is needed."""
        self.read(StrictSerializer)
        by, at = self.caller.by, clock.now()
        made = payment_files.export(by=by, at=at)
        found = payment_files.transfers_of(file_id=made.pk, by=by, at=at)
        return Response(WholePaymentFileOut.of(made, transfers=TransferOut.all_of(found)))


class BankResult(StrictSerializer):
    """The bank's result as CSV or XLSX, with the columns 业务参考号 and 处理结果, and 银行流水号 of what is paid."""

    file = s.FileField()
    dry_run = s.BooleanField(required=False, default=False)  # a form has only texts


class ResultOut(Shape):
    line = s.IntegerField()
    reference = s.CharField()
    result = s.ChoiceField(["paid", "not_paid", "returned", "known", "odd"], source="outcome")
    code = s.CharField(help_text="why a row is odd")


@extend_schema_serializer(many=False)
class ResultsOut(Shape):
    results = ResultOut(many=True)


class PaymentResults(TakesAFile):
    """What the bank says of the transfers of a file."""

    acts = {"POST": Act.TAKE_TRANSFERS}
    max_body_bytes = payment_files.MAX_BYTES + 10_000

    @schemas.operation("read_payment_results", ResultsOut, form=BankResult, besides=(413, 415))
    def post(self, request: Request) -> Response:
        """Settle each row by itself. The same rows again change nothing: no key is needed. `dry_run` only says what would be."""
        asked = self.read(BankResult)
        content, by, at = asked["file"].read(payment_files.MAX_BYTES + 1), self.caller.by, clock.now()
        if asked["dry_run"]:
            with taken_back():
                found = payment_files.read_result(content=content, by=by, at=at)
        else:
            found = payment_files.read_result(content=content, by=by, at=at)
        return Response({"results": ResultOut.all_of(found)})


class ReturnedSerializer(StrictSerializer):
    """Why a transfer came back, and where it goes instead."""

    trouble = s.ChoiceField(HandTrouble.choices)
    note = Text(max_length=300, required=False, allow_blank=True, default="")
    holder_name = Text(max_length=60, required=False, allow_blank=True, default="")
    account_no = Text(max_length=40, required=False, allow_blank=True, default="")
    bank_name = Text(max_length=60, required=False, allow_blank=True, default="")


class RepaidSerializer(StrictSerializer):
    reference_no = Text(max_length=40, help_text="of the new transfer; used once")


class TransferReturned(ActOnRequest):
    """The bank sent a paid transfer back. A colleague pays it again."""

    acts = {"POST": Act.TAKE_TRANSFERS}
    operation, body = "note_returned_transfer", ReturnedSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        account = NewAccount(data["holder_name"], data["account_no"], data["bank_name"])
        returned.note(
            request_id=request_id,
            trouble=data["trouble"],
            note=data["note"],
            account=account if account.holder_name or account.account_no else None,
            by=by,
            at=at,
        )


class TransferRepaid(ActOnRequest):
    """A transfer that came back was paid again."""

    acts = {"POST": Act.PAY_BY_HAND}
    operation, body, does = "confirm_repaid_transfer", RepaidSerializer, returned.pay_again
