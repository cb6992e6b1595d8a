"""What a person can do about a channel's refusal, in the reader's language."""

from django.utils.translation import gettext

from payment_channels.remedies import REMEDIES


def remedy(key: str) -> str:
    """One sentence, or nothing where there is no advice."""
    return gettext(REMEDIES[key]) if key in REMEDIES else ""
