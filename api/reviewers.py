"""Who decides what comes to the review desk; for staff in their session, by the acts of the desk's pages."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import Flag, StrictSerializer, WholeNumber
from api.shapes import Shape
from api.views import Endpoint
from merchants.rights import Act
from refunds.models import Reviewer
from refunds.models.assignment import MOST_ON_A_DESK
from refunds.review import assigning, presence
from refunds.states import Reason


class ReviewSettingsSerializer(StrictSerializer):
    assigns = Flag()
    second_looks_percent = WholeNumber(min_value=0, max_value=100)


class ReviewSettingsOut(Shape):
    assigns = s.BooleanField()
    second_looks_percent = s.IntegerField()


class ReviewerSerializer(StrictSerializer):
    takes_work = Flag(required=False, default=True)
    most_on_desk = WholeNumber(min_value=1, max_value=100, required=False, default=MOST_ON_A_DESK)
    reasons = s.ListField(child=s.ChoiceField(Reason.choices), required=False, default=list, max_length=20)
    languages = s.ListField(child=s.ChoiceField(assigning.LANGUAGES), required=False, default=list, max_length=2)


class ReviewerOut(Shape):
    id = s.IntegerField(source="staff_id")
    name = s.CharField(source="staff.name")
    is_here = s.BooleanField()
    takes_work = s.BooleanField()
    most_on_desk = s.IntegerField()
    reasons = s.ListField(child=s.ChoiceField(Reason.choices))
    languages = s.ListField(child=s.ChoiceField(assigning.LANGUAGES))


class ReviewersOut(Shape):
    results = ReviewerOut(many=True)


def _reviewer(row: Reviewer, here: frozenset[int]) -> dict[str, Any]:
    return ReviewerOut.of(row, is_here=row.staff_id in here)


class ReviewDesk(Endpoint):
    acts = dict.fromkeys(("GET", "PUT"), Act.MANAGE_TEAM)

    @schemas.operation("get_review_settings", ReviewSettingsOut)
    def get(self, request: Request) -> Response:
        """Whether work is handed out by itself, and the share of second looks."""
        return Response(ReviewSettingsOut.of(assigning.settings_of(self.caller.merchant_id)))

    @schemas.operation("set_review_settings", ReviewSettingsOut, takes=ReviewSettingsSerializer)
    def put(self, request: Request) -> Response:
        """Say so anew."""
        data = self.read(ReviewSettingsSerializer)
        return Response(ReviewSettingsOut.of(assigning.set_settings(**data, by=self.caller.by, at=timezone.now())))


class Reviewers(Endpoint):
    acts = {"GET": Act.MANAGE_TEAM}

    @schemas.operation("list_reviewers", ReviewersOut)
    def get(self, request: Request) -> Response:
        """Who decides refunds, whether they are at the desk now, and what they take."""
        rows = assigning.reviewers(merchant_id=self.caller.merchant_id)
        here = presence.here(row.staff_id for row in rows)
        return Response({"results": [_reviewer(row, here) for row in rows]})


class ReviewerDetail(Endpoint):
    acts = {"PUT": Act.MANAGE_TEAM}

    @schemas.operation("set_reviewer", ReviewerOut, takes=ReviewerSerializer)
    def put(self, request: Request, staff_id: int) -> Response:
        """Say what a colleague takes: reasons, languages, how many at once."""
        data = self.read(ReviewerSerializer)
        row = assigning.set_reviewer(staff_id=staff_id, **data, by=self.caller.by, at=timezone.now())
        return Response(_reviewer(row, presence.here([staff_id])))
