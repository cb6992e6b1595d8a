"""What was negotiated with the customer, as every room asks for it; ``refunds.review.agreeing`` keeps it."""

from uuid import UUID

from refunds.models import Agreement


def agreed_fen(*, request_id: UUID) -> int | None:
    """The amount that the customer agreed to last; None where none was negotiated."""
    amounts = Agreement.objects.filter(request_id=request_id, amount_fen__isnull=False).order_by("-pk")
    return amounts.values_list("amount_fen", flat=True).first()
