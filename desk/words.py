"""Refusals in the reader's words. Each says what happened and whether money moved."""

from django.utils.translation import gettext

from core import codes
from core.errors import DomainError
from core.plain_text import sentences
from refunds.models import RefundRequest
from refunds.states import State


def explain(error: DomainError) -> str:
    """One or two sentences for a refusal."""
    return sentences(codes.words_for(error), gettext("This moved no money."))


def short(error: DomainError) -> str:
    """The refusal alone, where the page says of the money itself."""
    return codes.words_for(error)


def status(error: DomainError) -> int:
    """The HTTP status of a refusal; what is not there is a fault of what was typed, and the page is."""
    return 422 if error.status == 404 else error.status


def adopted(request: RefundRequest) -> str:
    """What was taken into the books of what the channel's portal refunded."""
    said = (
        gettext("Adopted as %(number)s. No money moved: the channel had paid it already.")
        if request.state == State.REFUNDED
        else gettext("Adopted as %(number)s. The channel could not deliver it: name another account there.")
    )
    return said % {"number": request.number}
