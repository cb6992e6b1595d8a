"""What the payer gets of a refund where a coupon paid a part of the sale: refund x paid / total, as the channels reckon it."""


def payer_share_fen(
    *, amount_fen: int, sale_fen: int, payer_paid_fen: int | None, before_fen: int = 0, payer_before_fen: int = 0
) -> int:
    """The payer's part of a refund of ``amount_fen``; all of it where no coupon was used (None).

    Cumulative: ``before_fen`` went back by earlier refunds, ``payer_before_fen`` of that to the payer. The refunds of a whole
    sale, in any grouping, give exactly what the payer paid, and never more.
    """
    if payer_paid_fen is None:
        return amount_fen
    due_fen = (before_fen + amount_fen) * payer_paid_fen // sale_fen - payer_before_fen
    return max(0, min(due_fen, amount_fen, payer_paid_fen - payer_before_fen))
