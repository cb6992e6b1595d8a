"""What was paid, and where."""

from terminals.models.terminal import Terminal
from terminals.models.transaction import (
    Funding,
    LineKind,
    Transaction,
    TransactionKind,
    TransactionLine,
    TransactionStatus,
)

__all__ = ["Funding", "LineKind", "Terminal", "Transaction", "TransactionKind", "TransactionLine", "TransactionStatus"]
