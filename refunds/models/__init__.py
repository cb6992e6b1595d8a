"""The records of the journey."""

from refunds.models.agreement import Agreement
from refunds.models.approval import Approval
from refunds.models.assignment import Assignment, Reviewer, ReviewSettings
from refunds.models.batch import ImportFile, RefundBatch, RefundBatchRow
from refunds.models.compensation import Compensation
from refunds.models.customer_report import CustomerReport
from refunds.models.evidence import Evidence
from refunds.models.execution import Execution
from refunds.models.export import ListExport
from refunds.models.goods_return import ExchangeOffer, GoodsReturn, GoodsReturnLine
from refunds.models.idempotency import IdempotencyRecord
from refunds.models.incident import Apology, Incident
from refunds.models.judgement import Judgement
from refunds.models.ledger import LedgerEntry
from refunds.models.leg import Leg
from refunds.models.no_receipt import NoReceiptCase
from refunds.models.notice import ChannelNotice
from refunds.models.notification import Notification
from refunds.models.outbox import OutboxMessage
from refunds.models.payee import Payee
from refunds.models.payment_file import PaymentFile, PaymentFileRow, ReturnedTransfer
from refunds.models.pending_decision import PendingDecision
from refunds.models.request import RefundLine, RefundRequest
from refunds.models.running_sum import RunningSum
from refunds.models.second_look import SecondLook
from refunds.models.staff_notice import StaffNotice
from refunds.models.survey import Survey
from refunds.models.till import Shift, ShiftLine, TillAuthorisation
from refunds.models.wechat_consent import WeChatConsent

__all__ = [
    "Agreement",
    "Apology",
    "Approval",
    "Assignment",
    "ChannelNotice",
    "Compensation",
    "CustomerReport",
    "Evidence",
    "ExchangeOffer",
    "Execution",
    "GoodsReturn",
    "GoodsReturnLine",
    "IdempotencyRecord",
    "ImportFile",
    "Incident",
    "Judgement",
    "LedgerEntry",
    "Leg",
    "ListExport",
    "NoReceiptCase",
    "Notification",
    "OutboxMessage",
    "Payee",
    "PaymentFile",
    "PaymentFileRow",
    "PendingDecision",
    "RefundBatch",
    "RefundBatchRow",
    "RefundLine",
    "RefundRequest",
    "ReturnedTransfer",
    "ReviewSettings",
    "Reviewer",
    "RunningSum",
    "SecondLook",
    "Shift",
    "ShiftLine",
    "StaffNotice",
    "Survey",
    "TillAuthorisation",
    "WeChatConsent",
]
