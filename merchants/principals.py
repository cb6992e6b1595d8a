"""Who acts. Every act takes one ``Principal`` as ``by``, whatever door it came through.

There is one way of becoming one for each kind: a person in their session, a key, a customer by their link, the system itself.
What each may do stands in ``merchants.rights``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from core.audit import actors
from core.audit.actors import Actor, ActorKind
from core.plain_text import name_key

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet

    from merchants.mandates import Mandate
    from merchants.models import Staff

Row = TypeVar("Row", bound="Model")


class Kind(StrEnum):
    """The door through which somebody came."""

    STAFF = "staff"
    KEY = "key"
    CUSTOMER = "customer"
    SYSTEM = "system"


@dataclass(slots=True, eq=False)
class Shown:
    """What a browser shows of a second factor: the kind that its session has shown ("" for none) and when, and what it shows with
    this act: a passkey's answer (JSON) or a code, from ``address``.

    ``accepted`` is the kind that was looked at and right: from then on the session has shown it. ``is_shown_again``:
    all of it was looked at before, when the decision was made that takes effect now.
    """

    factor: str = ""
    at: datetime | None = None
    passkey: str = ""
    code: str = field(default="", repr=False)
    address: str = ""
    accepted: str = ""
    is_shown_again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who acts, for which merchant (None: for every one of them, the system alone) and in which stores (None: in all; the
    empty set: in none).

    ``person_id`` is the member of staff who answers for it: the person themselves, or the one who made the key. Two keys of one
    maker are one person. ``till_codes`` are the codes that this person has at tills, folded, their login among them.
    ``limit_fen`` is the most that this person decides (None: what their role does).
    ``mandate`` limits a key. ``stopped`` says why it may nothing for now ("": it may), ``stopped_stores`` where it may nothing.
    ``shown`` is what a person's browser shows of a second factor; None where there is no browser.
    ``request_id`` is the one request that a customer's link opens, ``sale_id`` the one sale of which an applicant may ask a
    refund. ``clock_ahead``, of a test key alone: how far the clock of its sandbox is ahead.
    """

    kind: Kind
    actor: Actor
    merchant_id: int | None
    stores: frozenset[int] | None = frozenset()
    role: str = ""
    is_active: bool = True
    staff_id: int | None = None
    key_id: int | None = None
    person_id: int | None = None
    scopes: frozenset[str] = frozenset()
    till_codes: frozenset[str] = frozenset()
    limit_fen: int | None = None
    request_id: UUID | None = None
    mandate: Mandate | None = None
    stopped: str = ""
    stopped_stores: frozenset[int] = frozenset()
    sale_id: UUID | None = None
    shown: Shown | None = field(default=None, compare=False, repr=False)
    clock_ahead: timedelta | None = None

    @property
    def is_test(self) -> bool:
        """Whether this is a test key, which works on its merchant's sandbox."""
        return self.clock_ahead is not None

    @property
    def name(self) -> str:
        """What the timeline shows; never a customer's."""
        return self.actor.name

    @property
    def acting_for(self) -> int:
        """The one merchant they act for. Nobody asks the system, which acts for all of them."""
        if self.merchant_id is None:
            raise ValueError("the system acts for no merchant in particular")
        return self.merchant_id

    @property
    def acting_staff(self) -> int:
        """The member of staff who acts. Nobody asks where the table of rights lets others come, too."""
        if self.staff_id is None:
            raise ValueError("whoever acts here is no member of staff")
        return self.staff_id

    def in_stores(self, rows: QuerySet[Row], *, field: str = "store_id") -> QuerySet[Row]:
        """Those of the rows that lie in the stores they work in; ``field`` leads from a row to its store."""
        return rows if self.stores is None else rows.filter(**{f"{field}__in": self.stores})

    def works_in(self, store_id: int) -> bool:
        """Whether this store is one of theirs."""
        return self.stores is None or store_id in self.stores

    def decides(self, *, roles: Collection[str], amount_fen: int) -> bool:
        """Whether an amount that these roles decide is theirs to decide: by their role, and by their own limit."""
        return self.role in roles and (self.limit_fen is None or amount_fen <= self.limit_fen)

    def has_code(self, *codes: str) -> bool:
        """Whether any of these cashiers' codes is this person's."""
        return not self.till_codes.isdisjoint(folded_codes(codes))


def folded_codes(codes: Iterable[str]) -> frozenset[str]:
    """Codes as they are compared, the same way as where they are counted; blank ones are nobody's."""
    return frozenset(filter(None, map(name_key, codes)))


def of_staff(staff: Staff, shown: Shown | None = None) -> Principal:
    """A person in their session. Their stores are read again: one that was taken away counts from now on."""
    stores = None if staff.all_stores else frozenset(staff.stores.values_list("pk", flat=True))
    return Principal(
        kind=Kind.STAFF,
        actor=staff.actor,
        merchant_id=staff.merchant_id,
        stores=stores,
        role=staff.role,
        is_active=staff.is_active,
        staff_id=staff.pk,
        person_id=staff.pk,
        till_codes=folded_codes((staff.username, *staff.till_codes)),
        limit_fen=staff.limit_fen,
        shown=shown,
    )


def of_key(
    *,
    key_id: int,
    name: str,
    merchant_id: int,
    stores: frozenset[int] | None,
    scopes: frozenset[str],
    made_by: int | None,
    till_codes: Iterable[str] = (),
    mandate: Mandate | None = None,
    stopped: str = "",
    stopped_stores: frozenset[int] = frozenset(),
    clock_ahead: timedelta | None = None,
) -> Principal:
    """A client with a genuine key; ``made_by`` and ``till_codes`` are its maker's. ``api_keys.recognise`` reads them."""
    return Principal(
        kind=Kind.KEY,
        actor=Actor(ActorKind.API_KEY, str(key_id), name),
        merchant_id=merchant_id,
        stores=stores,
        key_id=key_id,
        person_id=made_by,
        scopes=scopes,
        till_codes=folded_codes(till_codes),
        mandate=mandate,
        stopped=stopped,
        stopped_stores=stopped_stores,
        clock_ahead=clock_ahead,
    )


def of_customer(*, merchant_id: int, store_id: int, request_id: UUID) -> Principal:
    """The customer, as the link to this request identifies them."""
    return Principal(
        kind=Kind.CUSTOMER,
        actor=actors.CUSTOMER,
        merchant_id=merchant_id,
        stores=frozenset({store_id}),
        request_id=request_id,
    )


def of_applicant(*, merchant_id: int, store_id: int, sale_id: UUID) -> Principal:
    """A customer who has proven that this sale is theirs and asks for a refund of it."""
    return Principal(
        kind=Kind.CUSTOMER,
        actor=actors.CUSTOMER,
        merchant_id=merchant_id,
        stores=frozenset({store_id}),
        sale_id=sale_id,
    )


def system(actor: Actor = actors.SYSTEM) -> Principal:
    """The system itself: a worker, the policy, a load of sample data."""
    return Principal(kind=Kind.SYSTEM, actor=actor, merchant_id=None, stores=None)


SYSTEM = system()
