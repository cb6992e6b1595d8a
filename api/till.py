"""At a till: a refund that needs a manager is shown for a scan, and shifts are opened and closed."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import Fen, Number, StrictSerializer, WholeNumber
from api.refund_requests import OneRequest
from api.shapes import Shape
from api.views import Creating
from core import clock
from merchants.rights import Act
from refunds.models import TillAuthorisation
from refunds.models.approval import Decision
from refunds.review import at_the_till
from refunds.review.at_the_till import Stand
from refunds.states import State


class TillAuthorisationSerializer(StrictSerializer):
    """``version`` and ``amount_fen`` as the till shows them: where they hold no more, nobody decides."""

    terminal = Number(max_length=20, help_text="the code of the till that shows it")
    version = WholeNumber(min_value=1)
    amount_fen = Fen(help_text="what is asked for, or the last amount that the customer agreed to (`agreements`)")


STATES = [(stand.value, stand.value) for stand in Stand]


class TillAuthorisationOut(Shape):
    id = s.UUIDField(source="pk")
    state = s.ChoiceField(STATES)
    expires_at = s.DateTimeField(help_text="60 seconds after it was shown, then 60 seconds after it was scanned")
    opened_by = s.CharField(help_text="who scanned it; empty: nobody yet")
    decision = s.ChoiceField(Decision.choices, allow_null=True)
    request_state = s.ChoiceField(State.choices, help_text="`in_review` after an approval: it was the first of two")


class ShownAuthorisationOut(TillAuthorisationOut):
    url = s.URLField(help_text="to be shown as a QR code; it is told once")


def _told(row: TillAuthorisation, **more: Any) -> dict[str, Any]:
    shape = ShownAuthorisationOut if more else TillAuthorisationOut
    return shape.of(
        row,
        state=at_the_till.stand(row, at=clock.now()),
        opened_by=row.opened_by.name if row.opened_by else "",
        decision=row.decision or None,
        request_state=row.request.state,
        **more,
    )


class TillAuthorisations(OneRequest, Creating):
    """Have a refund decided at the till by a scan."""

    acts = {"POST": Act.SUBMIT}

    @schemas.operation("show_till_authorisation", ShownAuthorisationOut, takes=TillAuthorisationSerializer, once=True)
    def post(self, request: Request, request_id: UUID) -> Response:
        """A code for this request as it is, for one scan within 60 seconds. Show `url` as a QR code and ask for the outcome every
        second: whoever scans it signs in at the desk and decides by the same rules as there.
        """
        self.load(request_id)

        def shown() -> dict[str, Any]:
            data = self.read(TillAuthorisationSerializer)
            made = at_the_till.show(
                request_id=request_id, by=self.caller.by, asked_by=self.caller.principal, at=clock.now(), **data
            )
            path = reverse("desk:at-till", kwargs={"token": made.token})
            return _told(made.authorisation, url=f"{settings.BASE_URL}{path}")

        return self.answer_once(request, shown)


class TillAuthorisationDetail(OneRequest):
    acts = {"GET": Act.READ_REFUNDS}

    @schemas.operation("get_till_authorisation", TillAuthorisationOut)
    def get(self, request: Request, request_id: UUID, authorisation_id: UUID) -> Response:
        """What became of a code, for who asked for it."""
        row = at_the_till.heard(
            request=self.load(request_id), authorisation_id=authorisation_id, asked_by=self.caller.principal
        )
        return Response(_told(row))
