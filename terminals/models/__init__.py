"""What was paid, and where."""

from terminals.models.deposit import Deposit, DepositKind
from terminals.models.terminal import Terminal
from terminals.models.transaction import (
    CONFIRMING,
    REPORTED_KINDS,
    Funding,
    LineKind,
    PaymentWord,
    Transaction,
    TransactionKind,
    TransactionLine,
    TransactionStatus,
)

__all__ = [
    "CONFIRMING",
    "REPORTED_KINDS",
    "Deposit",
    "DepositKind",
    "Funding",
    "LineKind",
    "PaymentWord",
    "Terminal",
    "Transaction",
    "TransactionKind",
    "TransactionLine",
    "TransactionStatus",
]
