"""What was paid, and where."""

from terminals.models.terminal import Terminal
from terminals.models.transaction import (
    CONFIRMING,
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
    "Funding",
    "LineKind",
    "PaymentWord",
    "Terminal",
    "Transaction",
    "TransactionKind",
    "TransactionLine",
    "TransactionStatus",
]
