"""What people find of goods that came back, and what becomes of each piece."""

from collections.abc import Iterable

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Condition(TextChoices):
    """From the best to the worst."""

    AS_DESCRIBED = "as_described", _("As the customer described")
    USED = "used", _("Used")
    DAMAGED = "damaged", _("Damaged by the customer")
    WRONG_ARTICLE = "wrong_article", _("Another article")
    MISSING = "missing", _("Missing")


class Disposition(TextChoices):
    """What becomes of a piece."""

    RESTOCK = "restock", _("Back on the shelf")
    REPAIR = "repair", _("To be repaired")
    SCRAP = "scrap", _("Scrapped")
    SUPPLIER = "supplier", _("Back to the supplier")
    HAND_BACK = "hand_back", _("Handed back to the customer")


#: Nothing was found that keeps the policy from going on by itself.
FINE = Condition.AS_DESCRIBED.value
NOT_COME, NOT_NEEDED, FOR_REVIEWER, LESS = "not_come", "not_needed", "for_reviewer", "less"

#: What else a judgement may be told of the goods, as verdicts say it.
OTHERWISE: dict[str, Promise] = {
    NOT_COME: _("they did not come in time"),
    NOT_NEEDED: _("a person said that they are not needed"),
    FOR_REVIEWER: _("as described; whoever asked for them decides"),
    LESS: _("a lower amount is proposed"),
}


def found(conditions: Iterable[str], *, is_less: bool, by_policy: bool) -> str:
    """What an inspection comes to: the worst of its pieces; goods that a person asked for, a person decides on."""
    order = list(Condition)
    worst = max((Condition(one) for one in conditions), key=order.index)
    if worst != FINE:
        return worst.value
    return LESS if is_less else FINE if by_policy else FOR_REVIEWER
