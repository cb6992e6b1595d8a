"""What the API answers about attempts to pay."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers as s

from api.shapes import Shape, read
from core import clock
from refunds.models import Execution, RefundRequest
from refunds.rules.arrival import PaidFrom
from refunds.states import ExecutionState
from refunds.telling import payout_words
from refunds.telling.payout_words import advice, to_staff
from refunds.telling.stands import Stand, stand


class FailureOut(Shape):
    code = s.CharField(source="failure_code")
    message = s.CharField(source="failure_message")
    remedy = read(s.CharField(help_text="what can be done; empty where waiting is all"), advice)


class ExecutionOut(Shape):
    tranche = s.IntegerField(source="sequence", help_text="the `sequence` of its leg")
    method = s.ChoiceField(["refund", "void"])
    state = s.ChoiceField(ExecutionState.choices)
    refund_no = s.CharField()
    channel_refund_no = s.CharField(allow_null=True)
    amount_fen = s.IntegerField()
    payer_fen = s.IntegerField(
        allow_null=True, help_text="what the payer got of it, the rest being a coupon's, where the channel says so"
    )
    sent_at = s.DateTimeField(allow_null=True, source="first_sent_at")
    succeeded_at = s.DateTimeField(allow_null=True)
    stand = read(s.ChoiceField([(stand.value, stand.value) for stand in Stand], help_text="finer than `state`"), stand)
    explanation = read(s.CharField(help_text="where it stands, as a sentence for staff"), to_staff)
    needs_attention = s.BooleanField(help_text="a person has to look into it")
    paid_to = s.ChoiceField(
        ["original", "balance", "other_balance", "other_card", "merchant"],
        allow_null=True,
        help_text="where the channel says that the money went; null while it says nothing",
    )
    received_account = s.CharField(allow_null=True, help_text="as the channel masks it")
    second_leg = s.ChoiceField(
        ["pending", "done", "failed"],
        allow_null=True,
        help_text="from the channel to the payer's bank; `failed`: the money is in their balance at the channel",
    )
    arrives_at = s.DateTimeField(allow_null=True, help_text="when the payer's bank has it, where the channel says so")
    failure = read(FailureOut(allow_null=True), lambda execution: execution if execution.failure_code else None)


def executions_json(request: RefundRequest, executions: Iterable[Execution], sale: PaidFrom) -> list[dict[str, Any]]:
    return [ExecutionOut.of(execution, explanation=_explained(execution, request, sale)) for execution in executions]


def _explained(execution: Execution, request: RefundRequest, sale: PaidFrom) -> str:
    open_ = execution.state not in (ExecutionState.FAILED, ExecutionState.CANCELLED)
    waited = payout_words.waits(request, now=clock.now(), payout=execution, sale=sale) if open_ else None
    return to_staff(execution, waited=waited)
