"""What an account's contract says, as a form: fields made from ``payment_channels.profile``, each empty where it is as usual."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import time
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.errors import wrong
from desk.filters import Choice
from desk.forms import FormField
from merchants import channels
from merchants.models import ChannelAccount
from payment_channels.profile import Profile

LABELS: Mapping[str, Promise] = {
    "timeout_s": _("Waits for an answer (s)"),
    "connect_timeout_s": _("Waits for a connection (s)"),
    "pool_size": _("Connections at once"),
    "max_per_second": _("Calls a second, 0: no limit"),
    "window_days": _("Refunds a sale for (days)"),
    "max_partials": _("Partial refunds of a sale"),
    "partial_spacing_s": _("Between two refunds of a sale (s)"),
    "voids": _("Voids on the same clearing day"),
    "void_cutoff": _("The clearing day ends at"),
    "closed_number": _("After the channel closed a refund"),
    "query_after_s": _("Not asked before (s)"),
    "first_query_s": _("First asked after (s)"),
    "query_lag_s": _("A query may lag by (s)"),
    "fee_rate_bp": _("Fee (hundredths of a per cent)"),
    "fee_returned": _("The fee comes back with a refund"),
    "arrival": _("Working days until arrival"),
    "bill_basis": _("A refund stands on the statement of the day when"),
    "bill_cutoff": _("The statement's day ends at"),
    "bill_ready_at": _("The statement is ready at"),
    "bill_grace_s": _("Clocks may differ by (s)"),
    "bill_shared": _("The statement has other merchants' rows, too"),
    "funding": _("Pays refunds from (funds account)"),
    "biz_type": _("Business type (bizType)"),
    "channel_type": _("Channel type (channelType)"),
}  # fmt: skip
_CHOICES: Mapping[str, Mapping[str, Promise]] = {
    "closed_number": {"new_number": _("a new number"), "same_number": _("the same number")},
    "bill_basis": {"accepted": _("the channel took it on"), "succeeded": _("its money moved")},
}


def form_fields(account: ChannelAccount) -> Iterator[FormField]:
    """One field an entry, with what is usual beside it."""
    usual, own = channels.profile(account.channel, {}), account.profile_overrides
    for entry in fields(Profile):
        name = entry.name
        if name not in LABELS:
            continue
        value, standard = own.get(name), getattr(usual, name)
        choices = [Choice("", gettext("as usual")), *_choices(name, standard)] if _choices(name, standard) else []
        yield FormField(
            name=name,
            label=str(LABELS[name]),
            kind="choice" if choices else "long" if name == "arrival" else "text",
            values=(_typed(value),) if value is not None else (),
            choices=choices,
            hint=_hint(name, standard),
        )


def typed_profile(data: QueryDict, account: ChannelAccount) -> dict[str, Any]:
    """What the form says otherwise than usual. Raises ``Invalid`` that names the entry."""
    usual = channels.profile(account.channel, {})
    said = {name: data.get(name, "").strip() for name in LABELS}
    return {name: _read(name, text, getattr(usual, name)) for name, text in said.items() if text}


def _read(name: str, text: str, standard: object) -> Any:
    try:
        if name == "arrival":
            return dict(_span(line) for line in text.splitlines() if line.strip())
        if isinstance(standard, bool):
            return {"true": True, "false": False}[text]
        if isinstance(standard, int):
            return int(text)
        if isinstance(standard, float) or name == "first_query_s":
            return float(text)
    except (ValueError, KeyError) as error:
        raise wrong(name, code="profile_invalid") from error
    return text


def _span(line: str) -> tuple[str, list[int]]:
    paid_to, days = line.rsplit(maxsplit=1)
    first, _, last = days.partition("-")
    return paid_to.strip(), [int(first), int(last or first)]


def _choices(name: str, standard: object) -> list[Choice]:
    if isinstance(standard, bool):
        return [Choice("true", gettext("yes")), Choice("false", gettext("no"))]
    return [Choice(value, str(label)) for value, label in _CHOICES.get(name, {}).items()]


def _typed(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "\n".join(f"{paid_to} {first}-{last}" for paid_to, (first, last) in value.items())
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)


def _hint(name: str, standard: object) -> str:
    if name == "arrival":
        return gettext("A line each: credit_card 1-3")
    if standard in (None, ""):
        return ""
    shown = next((choice.label for choice in _choices(name, standard) if choice.value == _typed(standard)), "")
    return gettext("usually %(value)s") % {"value": shown or _typed(standard)}
