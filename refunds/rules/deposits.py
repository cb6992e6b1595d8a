"""What goes back of a deposit, by its kind and by why it ends: a pure function to amounts in fen, and a line for each step.

民法典 586-588: only an earnest (定金) has the deposit rule. Of it at most 20% of the contract counts, what is above is paid in
advance like any other money; who breaks the contract loses it, or gives it back twice. Nobody's fault, or that of both, sets
the rule aside. Where a part was performed the rule holds for the rest. An advance (订金) and a security (押金) go back, the
security less what is proven to be owed. Doubling is the deposit by its own way back, and as much once more apart from it: no
channel gives more than was paid.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.money import yuan
from terminals.models import DepositKind

#: 民法典 586: what an earnest is above this share of the contract has no force as one.
CAP_PERCENT = 20

#: Kinds of evidence that a deduction from a security is proven by.
PROVES_DEDUCTION = frozenset({"photo", "receipt", "document"})


class Cause(models.TextChoices):
    """Why the deposit is settled."""

    PERFORMED = "performed", _("The contract was performed")
    CUSTOMER_BREAKS = "customer_breaks", _("The customer does not perform")
    MERCHANT_BREAKS = "merchant_breaks", _("The merchant does not perform")
    BOTH_BREAK = "both_break", _("Neither performs")
    FORCE_MAJEURE = "force_majeure", _("Force majeure")
    AGREED = "agreed", _("Ended by agreement")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """A deposit that is to be settled. ``contract_fen``: what the whole contract comes to. ``open_percent``: how much of it was
    not performed. ``deduction_fen``: what the merchant says is owed.
    """

    kind: str
    contract_fen: int
    cause: str
    open_percent: int = 100
    deduction_fen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositClaim:
    """What whoever asks says of a deposit's end, as ``Deposit`` has it; ``agreement``: what the customer agreed to where another
    amount than the rule's goes back.
    """

    cause: str
    open_percent: int = 100
    deduction_fen: int = 0
    agreement: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """``code`` is one of ``refunds.rules.explanations.RULES``; ``of`` is what the amount is reckoned from."""

    code: str
    fen: int
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """``refund_fen`` goes back the way it came, ``compensation_fen`` beside it; ``kept_fen`` stays with the merchant."""

    refund_fen: int
    compensation_fen: int
    kept_fen: int
    steps: Sequence[Step]


def settle(deposit: Deposit, *, paid_fen: int) -> Settlement:
    """Who gets what. What is kept is rounded down to the fen, what is owed on top is rounded up: for the customer, both times."""
    kept_fen = compensation_fen = 0
    steps = []
    if deposit.kind == DepositKind.EARNEST:
        most_fen = deposit.contract_fen * CAP_PERCENT // 100
        counts_fen = min(paid_fen, most_fen)
        if paid_fen > most_fen:
            steps.append(Step("deposit_cap", paid_fen - counts_fen, yuan(most_fen)))
        if deposit.cause == Cause.CUSTOMER_BREAKS:
            kept_fen = counts_fen * deposit.open_percent // 100
            steps.append(Step("deposit_forfeited", kept_fen, str(deposit.open_percent)))
        elif deposit.cause == Cause.MERCHANT_BREAKS:
            compensation_fen = -(-counts_fen * deposit.open_percent // 100)
            steps.append(Step("deposit_doubled", compensation_fen, str(deposit.open_percent)))
    elif deposit.kind == DepositKind.SECURITY and deposit.deduction_fen:
        kept_fen = min(deposit.deduction_fen, paid_fen)
        steps.append(Step("deposit_deduction", kept_fen, yuan(paid_fen)))
    refund_fen = paid_fen - kept_fen
    return Settlement(refund_fen=refund_fen, compensation_fen=compensation_fen, kept_fen=kept_fen, steps=tuple(steps))
