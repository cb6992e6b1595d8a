"""Who decides for whom while they are away; for staff in their session."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import Fen, Instant, StrictSerializer, Text
from api.schemas_opening import DelegationOut, DelegationsOut
from api.views import Creating, Endpoint
from core.errors import NotFound
from merchants import delegations
from merchants.models import Delegation, Staff
from merchants.rights import Act

_SHOWN = 100


class DelegationSerializer(StrictSerializer):
    absent = Text(max_length=60, help_text="the user name of who is away")
    deputy = Text(max_length=60, help_text="the user name of who decides for them")
    starts_at = Instant()
    ends_at = Instant(help_text="92 days later at most")
    limit_fen = Fen(required=False, allow_null=True, default=None, help_text="null: all that the absent person may")


class Delegations(Creating):
    acts = {"GET": Act.DELEGATE, "POST": Act.DELEGATE}

    @schemas.operation("list_delegations", DelegationsOut)
    def get(self, request: Request) -> Response:
        """Who decides for whom, the one that lasts longest first."""
        found = delegations.known_to(self.caller.by).select_related("absent", "deputy", "made_by")
        rows = found.order_by("-ends_at", "-pk")[:_SHOWN]
        now = timezone.now()
        return Response({"results": [_json(row, at=now) for row in rows]})

    @schemas.operation("give_delegation", DelegationOut, takes=DelegationSerializer, once=True)
    def post(self, request: Request) -> Response:
        """Let a colleague decide for one who is away: never oneself, and never more than one decides oneself."""
        data, by, now = self.read(DelegationSerializer), self.caller.by, timezone.now()
        ids = dict(Staff.objects.filter(merchant_id=by.acting_for).values_list("username", "pk"))
        if not {data["absent"], data["deputy"]} <= ids.keys():
            raise NotFound("there is no such colleague")
        data |= {name: ids[data[name]] for name in ("absent", "deputy")}
        return self.answer_once(request, lambda: _json(delegations.give(by=by, at=now, **data), at=now))


class RevokeDelegation(Endpoint):
    acts = {"POST": Act.DELEGATE}

    @schemas.operation("revoke_delegation", DelegationOut)
    def post(self, request: Request, delegation_id: int) -> Response:
        """End it now. One that is over stays as it is."""
        now = timezone.now()
        return Response(_json(delegations.revoke(delegation_id=delegation_id, by=self.caller.by, at=now), at=now))


def _json(row: Delegation, *, at: datetime) -> dict[str, Any]:
    return DelegationOut.of(row, state=delegations.state_of(row, at=at))
