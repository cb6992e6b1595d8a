"""What a shop still needs before it can refund: shown on the desk, to those who may do it, until all of it is done."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext

from desk.access import Scope
from merchants.models import Staff
from merchants.rights import Act
from refunds.states import PAID


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
    if all(done):
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
            Step(label, what, reverse(f"desk:{name}") if scope.may(act) else "", is_done)
            for (act, name, label, what), is_done in zip(steps, done, strict=True)
        ]
    )


# In the order of the steps. An account that nobody has tested is one once it has paid.
_HAS = """
WITH stores AS (SELECT hours FROM merchants_store WHERE merchant_id = %(merchant)s AND closed_at IS NULL),
     accounts AS (SELECT test_word FROM merchants_channelaccount WHERE merchant_id = %(merchant)s AND is_active),
     refunded AS (SELECT EXISTS (SELECT FROM refunds_refundrequest
                                  WHERE merchant_id = %(merchant)s AND state = ANY(%(paid)s)) AS yes)
SELECT EXISTS (SELECT FROM stores),
       EXISTS (SELECT FROM stores) AND NOT EXISTS (SELECT FROM stores WHERE hours = '{}'),
       EXISTS (SELECT FROM merchants_staff WHERE merchant_id = %(merchant)s AND is_active AND id <> %(staff)s),
       EXISTS (SELECT FROM accounts) AND (refunded.yes OR EXISTS (SELECT FROM accounts WHERE test_word = 'works')),
       EXISTS (SELECT FROM terminals_terminal t JOIN merchants_store s ON s.id = t.store_id
                WHERE s.merchant_id = %(merchant)s),
       EXISTS (SELECT FROM merchants_apikey WHERE merchant_id = %(merchant)s AND revoked_at IS NULL),
       EXISTS (SELECT FROM merchants_policyversion WHERE merchant_id = %(merchant)s AND published_by_id IS NOT NULL),
       refunded.yes
  FROM refunded
"""


def _done(staff: Staff) -> list[bool]:
    with connection.cursor() as cursor:
        cursor.execute(_HAS, {"merchant": staff.merchant_id, "staff": staff.pk, "paid": list(PAID)})
        return list(cursor.fetchone() or ())
