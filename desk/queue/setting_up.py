"""What a shop still needs before it can refund: shown on the desk, to those who may do it, until all of it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext

from desk.access import Scope
from merchants.models import ApiKey, ChannelAccount, Merchant, PolicyVersion, Staff, Store
from merchants.rights import Act
from refunds.models import RefundRequest
from refunds.states import PAID
from terminals.models import Terminal


@dataclass(frozen=True, slots=True)
class Step:
    """``url`` is empty where somebody else does it."""

    label: str
    what: str
    url: str
    done: bool


@dataclass(frozen=True, slots=True)
class SettingUp:
    """The steps in the order in which they are best done; ``next_url`` is the first of them that is left to this person."""

    steps: Sequence[Step]

    @property
    def done(self) -> int:
        return sum(step.done for step in self.steps)

    @property
    def next_url(self) -> str:
        return next((step.url for step in self.steps if step.url and not step.done), "")


#: Whoever may do one of these sets the shop up.
_ACTS = (Act.MANAGE_STORES, Act.MANAGE_TEAM, Act.CHANGE_CREDENTIALS, Act.MANAGE_KEYS)


def setting_up(scope: Scope) -> SettingUp | None:
    """None: all is done, or it is no business of this person's. One statement."""
    if scope.store_ids is not None or not any(map(scope.may, _ACTS)):
        return None
    done = _done(scope.staff)
    if all(done.values()):
        return None
    steps = [
        (
            Act.MANAGE_STORES,
            "stores",
            gettext("Stores"),
            gettext("The first store, with the phone that customers call"),
        ),
        (Act.SET_HOURS, "hours", gettext("Opening hours"), gettext("The time to decide counts while a store is open")),
        (Act.MANAGE_TEAM, "team", gettext("Colleagues"), gettext("Nobody approves what they asked for themselves")),
        (
            Act.CHANGE_CREDENTIALS,
            "channel-accounts",
            gettext("Channel accounts"),
            gettext("Refunds go back through the account that took the payment; test it"),
        ),
        (Act.MANAGE_TILLS, "terminals", gettext("Tills"), gettext("Where refunds are asked for")),
        (Act.MANAGE_KEYS, "api-keys", gettext("API keys"), gettext("Tills report sales and refunds with a key")),
        (
            Act.DRAFT_POLICY,
            "policy",
            gettext("Refund policy"),
            gettext("Cautious rules are in force; change them, and a second person publishes"),
        ),
        (
            Act.SUBMIT,
            "new",
            gettext("First refund"),
            gettext("Once a till has reported a sale, find it here and refund it"),
        ),
    ]
    return SettingUp(
        [
            Step(label, what, reverse(f"desk:{name}") if scope.may(act) else "", done[name])
            for act, name, label, what in steps
        ]
    )


def _done(staff: Staff) -> dict[str, bool]:
    mine = {"merchant": OuterRef("pk")}
    stores = Store.objects.filter(**mine, closed_at=None)
    refunded = Exists(RefundRequest.objects.filter(**mine, state__in=PAID))
    people = Staff.objects.filter(**mine, is_active=True).exclude(pk=staff.pk)
    has = {
        "stores": Exists(stores),
        "hours": _all(Exists(stores), ~Exists(stores.filter(hours={}))),
        "team": Exists(people),
        "channel-accounts": _all(
            Exists(ChannelAccount.objects.filter(**mine, is_active=True)),
            Q(Exists(ChannelAccount.objects.filter(**mine, is_active=True, test_word="works"))) | Q(refunded),
        ),
        "terminals": Exists(Terminal.objects.filter(store__merchant=OuterRef("pk"))),
        "api-keys": Exists(ApiKey.objects.filter(**mine, revoked_at=None)),
        "policy": Exists(PolicyVersion.objects.filter(**mine, published_by__isnull=False)),
        "new": refunded,
    }
    merchant = Merchant.objects.filter(pk=staff.merchant_id)
    return dict(zip(has, merchant.values_list(*has.values()).get(), strict=True))


def _all(*conditions: Exists | Q) -> ExpressionWrapper:
    both = Q()
    for condition in conditions:
        both &= Q(condition)
    return ExpressionWrapper(both, output_field=BooleanField())
