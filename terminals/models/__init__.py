"""What was paid, and where."""

from terminals.models.terminal import Terminal
from terminals.models.transaction import Funding, Transaction, TransactionKind, TransactionLine, TransactionStatus

__all__ = ["Funding", "Terminal", "Transaction", "TransactionKind", "TransactionLine", "TransactionStatus"]
