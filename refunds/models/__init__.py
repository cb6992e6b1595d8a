"""The records of the journey."""

from refunds.models.approval import Approval
from refunds.models.bill import Bill, BillLine, ReconciliationDay
from refunds.models.difference import Difference
from refunds.models.evidence import Evidence
from refunds.models.execution import Execution
from refunds.models.fund_line import FundLine, FundStatement
from refunds.models.idempotency import IdempotencyRecord
from refunds.models.ledger import LedgerEntry
from refunds.models.notice import ChannelNotice
from refunds.models.notification import Notification
from refunds.models.outbox import OutboxMessage
from refunds.models.payee import Payee
from refunds.models.request import RefundLine, RefundRequest
from refunds.models.running_sum import RunningSum
from refunds.models.survey import Survey

__all__ = [
    "Approval",
    "Bill",
    "BillLine",
    "ChannelNotice",
    "Difference",
    "Evidence",
    "Execution",
    "FundLine",
    "FundStatement",
    "IdempotencyRecord",
    "LedgerEntry",
    "Notification",
    "OutboxMessage",
    "Payee",
    "ReconciliationDay",
    "RefundLine",
    "RefundRequest",
    "RunningSum",
    "Survey",
]
