"""What the payer reads at the channel as the reason of a refund: a short phrase in their language, never a code of ours."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from refunds.states import Reason

#: WeChat Pay takes 80 bytes of UTF-8 (``reason``), which is less than the others do.
MAX_BYTES: Final = 80

_PHRASES: Final[Mapping[str, Promise | str]] = {
    Reason.QUALITY: _("Refund: quality problem"),
    Reason.NOT_AS_DESCRIBED: _("Refund: not as described"),
    Reason.SERVICE_FAILURE: _("Refund: service not provided as agreed"),
    Reason.PRICE_ADJUSTMENT: _("Refund of a price difference"),
    Reason.WRONG_AMOUNT: _("Refund of an amount charged wrongly"),
    Reason.DUPLICATE_CHARGE: _("Refund of a double charge"),
    Reason.SYSTEM_FAULT: _("Refund after a system fault"),
    Reason.NETWORK_FAULT: _("Refund after a network fault"),
    Reason.OPERATOR_ERROR: _("Refund after a mistake at the till"),
    Reason.CUSTOMER_CANCELLED: _("Refund: order cancelled"),
    Reason.DEPOSIT: _("Deposit returned"),
    Reason.NO_REASON: _("Refund: goods returned"),
    Reason.GOODWILL: _("Goodwill refund"),
}


@cache
def phrase(*, reason: str, locale: str) -> str:
    """The phrase for a reason, at most ``MAX_BYTES`` of UTF-8 and cut at a character; a general one for a reason unknown here."""
    with translation.override(locale if translation.check_for_language(locale) else "zh-hans"):
        said = str(_PHRASES.get(reason, _("Refund")))
    return said.encode()[:MAX_BYTES].decode("utf-8", "ignore")
