"""What comes back, line by line, with what each line is worth in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext

from core.money import yuan_grouped
from core.quantities import quantity_text
from refunds.models import RefundLine


def goods_with_worth(lines: Iterable[RefundLine]) -> Sequence[str]:
    """``空气炸锅 × 1 (¥54.00)`` a line; ``lines`` come with their article."""
    return [
        gettext("%(name)s × %(quantity)s (¥%(amount)s)")
        % {"name": one.line.name, "quantity": quantity_text(one.quantity), "amount": yuan_grouped(one.value_fen)}
        for one in lines
    ]
