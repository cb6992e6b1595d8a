"""How a refund is to be paid back, as forms offer and send it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict

from core.numbers import reference
from core.plain_text import person_name
from desk.filters import Choice
from merchants import policies
from refunds.intake.claims import Account
from refunds.states import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The route as it was chosen, and what was typed of the customer's account."""

    route: str = Route.ORIGINAL
    holder_name: str = ""
    account_no: str = ""
    bank_name: str = ""

    @property
    def account(self) -> Account | None:
        """The account of a transfer, complete or not; none on another route, or where nothing was typed."""
        typed = self.holder_name or self.account_no or self.bank_name
        if self.route != Route.BANK_TRANSFER or not typed:
            return None
        return Account(holder_name=self.holder_name, account_no=self.account_no, bank_name=self.bank_name)


def read(data: QueryDict) -> Way:
    """The way in a form; an unknown route counts as the original one, which the policy then judges."""
    route = data.get("route", "")
    return Way(
        route=route if route in Route.values else Route.ORIGINAL,
        holder_name=person_name(data.get("payee_holder", ""))[:60],
        account_no=reference(data.get("payee_account", ""))[:50],
        bank_name=person_name(data.get("payee_bank", ""))[:60],
    )


#: A channel's account that takes nothing, or a sale that it no longer refunds: the same way fails again.
_ORIGINAL_IS_SHUT = frozenset(
    {"other_route", "payee_account", "sale_closed", "sale_state", "sale_frozen", "whole_only"}
)
#: A person said that the customer is to be paid another way.
_ANOTHER_IS_WANTED = frozenset({"other_way"})


def that_can_work(*, route: str, failure_remedy: str, offered: Sequence[Choice]) -> str:
    """The route to begin with after a payout failed: the same, unless that cannot work. Then a transfer, which asks for an
    account, before what else there is.
    """
    shut = route == Route.ORIGINAL and failure_remedy in _ORIGINAL_IS_SHUT
    if not shut and failure_remedy not in _ANOTHER_IS_WANTED:
        return route
    others = [choice.value for choice in offered if choice.value != route]
    return Route.BANK_TRANSFER.value if Route.BANK_TRANSFER in others else next(iter(others), route)


def options(*, merchant_id: int, at: datetime) -> list[Choice]:
    """The routes that the policy in force names, the original one first."""
    rules = policies.rules_in_force(merchant_id=merchant_id, at=at)
    return [Choice(route.value, str(route.label)) for route in Route if route.value in rules.routes]
