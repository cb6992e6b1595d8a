"""By whom a message goes: the merchant's own contracts first, in their order, else the installation's carriers.

A provider that does not answer is paused and delays messages, no more: those that can go another way do, the others wait.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from merchants.models import MessageCarrier, MessageOrder
from refunds.models.notification import Medium
from refunds.telling.carriers import Carrier, DeliveryFailed, Text, carrier_for
from refunds.telling.providers.contract import Template
from refunds.telling.providers.registry import PROVIDERS

#: Chains of media: each is tried until one is reached, and every chain is begun.
ORDERS: Mapping[str, Sequence[Sequence[str]]] = {
    "usual": ((Medium.WECHAT, Medium.SMS), (Medium.EMAIL,)),
    "one": ((Medium.WECHAT, Medium.SMS, Medium.EMAIL),),
    "mail_first": ((Medium.EMAIL, Medium.WECHAT, Medium.SMS),),
    "sms_first": ((Medium.SMS, Medium.EMAIL),),
}
USUAL = "usual"
#: Failures in a row from which on a provider is paused, and for how long.
PAUSED_FROM = 3
_PAUSE_S, _LONGEST_PAUSE_S = 30, 900

Contracts = Mapping[int, Sequence[MessageCarrier]]


def contracts(merchant_ids: Collection[int]) -> Contracts:
    """What these merchants have switched on, in the order in which it is asked."""
    found: dict[int, list[MessageCarrier]] = defaultdict(list)
    for row in MessageCarrier.objects.filter(merchant_id__in=merchant_ids, enabled=True).order_by("position", "pk"):
        found[row.merchant_id].append(row)
    return found


def orders(merchant_ids: Collection[int]) -> Mapping[tuple[int, str, str], Sequence[Sequence[str]]]:
    """The orders that these merchants have chosen, by merchant, event and language."""
    rows = MessageOrder.objects.filter(merchant_id__in=merchant_ids)
    return {(row.merchant_id, row.event, row.language): ORDERS[row.order] for row in rows}


def carried(own: Sequence[MessageCarrier], *, key: str, chains: Sequence[Sequence[str]]) -> list[list[str]]:
    """The chains without WeChat where nobody has an approved text for this message. An SMS that the merchant's contracts have no
    text for goes by the installation's carrier: a contract that is half set up keeps no customer uninformed.
    """
    return [[medium for medium in chain if _can_carry(own, medium, key)] for chain in chains]


def _can_carry(own: Sequence[MessageCarrier], medium: str, key: str) -> bool:
    return medium != Medium.WECHAT or any(key in row.templates for row in _of_medium(own, medium))


def _of_medium(own: Sequence[MessageCarrier], medium: str) -> list[MessageCarrier]:
    return [row for row in own if PROVIDERS[row.kind].medium == medium]


@dataclass(frozen=True, slots=True)
class Choice:
    """Who carries a message; ``contract`` None: the installation's carrier. ``said`` is what is sent, for the log: without the
    customer's link, which is a key. With ``wait_until`` all who could are paused.
    """

    carrier: Carrier
    contract: MessageCarrier | None
    said: str
    wait_until: datetime | None = None


def choose(own: Sequence[MessageCarrier], *, medium: str, text: Text, at: datetime, turn: int = 0) -> Choice:
    """Each try is another provider's turn, but for those that are paused. Raises ``DeliveryFailed`` where there is none."""
    able = [row for row in _of_medium(own, medium) if text.key in row.templates]
    if not able:
        if medium == Medium.WECHAT:
            raise DeliveryFailed(f"no template for {text.key}", setting=True)
        return Choice(carrier_for(medium), None, masked(text, text.body))
    awake = [row for row in able if row.paused_until is None or row.paused_until <= at]
    row = awake[turn % len(awake)] if awake else able[0]
    until = None if awake else min(one.paused_until for one in able if one.paused_until is not None)
    return Choice(made(row), row, masked(text, templates_of(row)[text.key].filled(text.values)), until)


def made(row: MessageCarrier) -> Carrier:
    """The carrier that a contract makes."""
    return PROVIDERS[row.kind].carrier(row.settings, templates_of(row))


def templates_of(row: MessageCarrier) -> dict[str, Template]:
    """The templates of a contract, by event and language: ``refunded/zh-hans``."""
    return {key: Template(one["id"], one["text"]) for key, one in row.templates.items()}


def masked(text: Text, said: str) -> str:
    """What was said, without what opens the customer's page or proves who they are."""
    for name, instead in (("url", f"{settings.BASE_URL}/r/…"), ("token", "…"), ("code", "******")):
        if text.values.get(name):
            said = said.replace(text.values[name], instead)
    return said


@transaction.atomic
def note(outcomes: Iterable[tuple[MessageCarrier, DeliveryFailed | None]], *, at: datetime) -> None:
    """Learn from how calls ended. A message that is refused for itself speaks of a provider that answers."""
    ended: dict[int, list[DeliveryFailed | None]] = defaultdict(list)
    for row, error in outcomes:
        ended[row.pk].append(None if error is None or error.permanent else error)
    for row in MessageCarrier.objects.select_for_update(no_key=True).filter(pk__in=ended).order_by("pk"):
        errors = [error for error in ended[row.pk] if error is not None]
        if len(errors) < len(ended[row.pk]):
            row.failures, row.failing_since, row.paused_until = 0, None, None
            # Somebody got theirs: a template that is wrong is still to be said.
            wrong = [error for error in errors if error.setting]
            row.trouble = str(wrong[-1])[:120] if wrong else ""
        else:
            row.failures, row.failing_since = row.failures + len(errors), row.failing_since or at
            row.trouble = str(errors[-1])[:120]
            if row.failures >= PAUSED_FROM and not errors[-1].setting:
                pause_s = _PAUSE_S * 2 ** min(row.failures - PAUSED_FROM, 5)
                row.paused_until = at + timedelta(seconds=min(pause_s, _LONGEST_PAUSE_S))
        row.save(update_fields=["failures", "failing_since", "paused_until", "trouble"])
