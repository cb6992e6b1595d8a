"""Incidents: reported, put before their provider, apologised for, closed; and what was learned of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import ChangedQuery, Fen, Flag, Instant, Number, StrictSerializer, Text, with_fields
from api.no_receipt import NewestCaseFirst
from api.serializers import CHANNELS
from api.shapes import Shape, read
from api.views import ActOnOne, Creating, Endpoint
from core import clock
from merchants.principals import Principal
from merchants.rights import Act
from refunds.follow_up import incidents
from refunds.follow_up.incidents import Problem, Ticket
from refunds.models import Incident
from refunds.models.incident import IncidentCause, IncidentState

_REFUNDS_SHOWN = 100


class IncidentSerializer(StrictSerializer):
    """What is out of order; without `store` it is everywhere, without `ended_at` it lasts."""

    title = Text(max_length=120)
    began_at = Instant()
    ended_at = Instant(required=False, default=None)
    store = Number(max_length=20, required=False, allow_blank=True, default="")
    terminal = Number(max_length=20, required=False, allow_blank=True, default="")
    channel = s.ChoiceField(CHANNELS, required=False, allow_blank=True, default="")
    error_code = Text(max_length=60, required=False, allow_blank=True, default="")


class TicketSerializer(StrictSerializer):
    provider = Text(max_length=80)
    ticket_no = Text(max_length=60, required=False, allow_blank=True, default="")
    promised_at = Instant(required=False, default=None)
    cost_fen = Fen(required=False, default=None)
    refunds_wait = Flag(required=False, default=False)


class AnswerSerializer(StrictSerializer):
    words = Text(max_length=500)


class ApologySerializer(StrictSerializer):
    dry_run = Flag(required=False, default=True, help_text="only count who would be written to")


class EndSerializer(StrictSerializer):
    cause = s.ChoiceField(IncidentCause.choices)
    prevention = Text(max_length=500)
    ended_at = Instant(required=False, default=None)


class ProviderAnswerOut(Shape):
    at = s.DateTimeField()
    by = s.CharField()
    words = s.CharField()


class IncidentOut(Shape):
    id = s.IntegerField(source="pk")
    number = read(s.CharField(), str)
    title = s.CharField()
    state = s.ChoiceField(IncidentState.choices)
    store = s.CharField(allow_null=True, source="store.code")
    terminal = s.CharField(allow_null=True, source="terminal.code")
    channel = s.CharField()
    error_code = s.CharField()
    began_at = s.DateTimeField()
    ended_at = s.DateTimeField(allow_null=True)
    provider = s.CharField()
    ticket_no = s.CharField()
    promised_at = s.DateTimeField(allow_null=True)
    cost_fen = s.IntegerField(allow_null=True)
    answers = read(
        ProviderAnswerOut(many=True),
        lambda one: [{**said, "at": datetime.fromisoformat(said["at"])} for said in one.answers],
    )
    owner = s.CharField(allow_null=True, source="owner.name")
    due_at = s.DateTimeField()
    opened_by = s.CharField()
    opened_at = s.DateTimeField()
    cause = s.ChoiceField(IncidentCause.choices, allow_null=True)
    prevention = s.CharField()
    closed_by = s.CharField(allow_null=True)
    closed_at = s.DateTimeField(allow_null=True)


class WholeIncidentOut(IncidentOut):
    sales_affected = s.IntegerField()
    refunds_affected = s.IntegerField()
    refunds = s.ListField(child=s.UUIDField(), help_text="the newest hundred that it affects")
    people_written_to = s.IntegerField()


class ToldOut(Shape):
    people = s.IntegerField(help_text="who is written to, or would be")
    before = s.IntegerField(help_text="who was written to before")
    unreachable = s.IntegerField(help_text="refunds without a phone or address")


class LessonOut(Shape):
    cause = s.ChoiceField(IncidentCause.choices)
    provider = s.CharField()
    incidents = s.IntegerField()
    cost_fen = s.IntegerField()
    chronic = s.BooleanField(help_text="three or more: an expert or another provider is due")
    preventions = s.ListField(child=s.CharField())


@extend_schema_serializer(many=False)
class LessonPageOut(Shape):
    results = LessonOut(many=True)


def incident_json(incident_id: int, *, by: Principal) -> dict[str, Any]:
    incident: Incident = incidents.find(incident_id=incident_id, by=by)
    refunds = incidents.affected_refunds(incident)
    return WholeIncidentOut.of(
        incident,
        sales_affected=incidents.affected_sales(incident).order_by().count(),
        refunds_affected=refunds.order_by().count(),
        refunds=[str(pk) for pk in refunds.values_list("pk", flat=True)[:_REFUNDS_SHOWN]],
        people_written_to=incident.apologies.count(),
    )


class Incidents(Creating):
    """Report and list incidents."""

    acts = {"GET": Act.REPORT_INCIDENT, "POST": Act.REPORT_INCIDENT}

    @schemas.operation("report_incident", WholeIncidentOut, takes=IncidentSerializer, once=True)
    def post(self, request: Request) -> Response:
        """Report what is out of order. The answer says what it affects."""
        problem, by = Problem(**self.read(IncidentSerializer)), self.caller.by

        def opened() -> dict[str, Any]:
            return incident_json(incidents.open_incident(problem=problem, by=by, at=clock.now()).pk, by=by)

        return self.answer_once(request, opened)

    query = with_fields(IncidentOut, ChangedQuery)

    @schemas.operation("list_incidents", schemas.page_of(IncidentOut), pages=True, query=query)
    def get(self, request: Request) -> Response:
        """Incidents, the newest first."""
        rows = incidents.incidents_of(by=self.caller.by).order_by()
        return self.rows(request, rows, self.query, IncidentOut, order=NewestCaseFirst)


class Lessons(Endpoint):
    """What closed incidents have in common."""

    acts = {"GET": Act.REPORT_INCIDENT}

    @schemas.operation("list_lessons", LessonPageOut)
    def get(self, request: Request) -> Response:
        """Causes and providers of the incidents that were closed in 90 days."""
        return Response({"results": LessonOut.all_of(incidents.lessons(by=self.caller.by, at=clock.now()))})


class IncidentDetail(Endpoint):
    acts = {"GET": Act.REPORT_INCIDENT}

    @schemas.operation("get_incident", WholeIncidentOut)
    def get(self, request: Request, incident_id: int) -> Response:
        """One incident, with what it affects."""
        return Response(incident_json(incident_id, by=self.caller.by))


class ActOnIncident(ActOnOne):
    acts = {"POST": Act.HANDLE_INCIDENT}
    gives: ClassVar[type[Shape]] = WholeIncidentOut

    def load(self, incident_id: int) -> Incident:
        return incidents.find(incident_id=incident_id, by=self.caller.by)

    def shown(self, found: Incident) -> dict[str, Any]:
        return incident_json(found.pk, by=self.caller.by)


class AskProvider(ActOnIncident):
    """Note what the provider was asked, and what it promised."""

    operation, body = "ask_incident_provider", TicketSerializer

    def act(self, incident_id: int, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        wait = data.pop("refunds_wait")
        incidents.ask_provider(incident_id=incident_id, ticket=Ticket(**data), refunds_wait=wait, by=by, at=at)


class NoteAnswer(ActOnIncident):
    """Note what the provider answered."""

    operation, body, does = "note_incident_answer", AnswerSerializer, incidents.note_answer


class Apologise(ActOnIncident):
    """Write to everybody whose refund it affected, each person once. A dry run, unless told otherwise, only counts."""

    operation, body, gives = "apologise_for_incident", ApologySerializer, ToldOut

    def act(self, incident_id: int, data: dict[str, Any], *, by: Principal, at: datetime) -> dict[str, Any]:
        return ToldOut.of(incidents.apologise(incident_id=incident_id, by=by, at=at, **data))


class Close(ActOnIncident):
    """Close it, with its cause and what prevents the next."""

    operation, body, does = "close_incident", EndSerializer, incidents.close
