"""Tills: how each is, by its own word, and whether it takes refunds, by which rules."""

from typing import Any

from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import Flag, Number, StrictSerializer, WholeNumber
from api.shapes import Shape
from api.views import Endpoint
from core import clock
from merchants import policies
from merchants.rights import Act
from refunds.rules import in_words
from terminals import tills
from terminals.models import Terminal
from terminals.tills import Heartbeat


class StoreQuery(StrictSerializer):
    store = Number(required=False, default="", help_text="its code, where several stores have a till of that code")


class ChecksSerializer(StrictSerializer):
    display = Flag(required=False, help_text="whether it works; left out: not looked at")
    keyboard = Flag(required=False)
    printer = Flag(required=False)


class HeartbeatSerializer(StrictSerializer):
    version = Number(max_length=20, allow_blank=True, required=False, default="", help_text="of the till's software")
    checks = ChecksSerializer(required=False, default=dict)
    missing_slips = WholeNumber(
        min_value=0, max_value=10**6, required=False, allow_null=True, default=None, help_text="slips not printed"
    )
    store = Number(required=False, default="", help_text="its code, where several stores have a till of that code")


class TerminalOut(Shape):
    code = s.CharField()
    store = s.CharField(source="store.code")
    name = s.CharField()
    refunds_enabled = s.BooleanField()
    refunds_off_reason = s.CharField()
    software_version = s.CharField()
    newest_version = s.CharField()
    is_current = s.BooleanField(help_text="false: its software is older than the newest")
    checks = s.DictField(child=s.BooleanField(), help_text="of `display`, `keyboard` and `printer`, those it looked at")
    missing_slips = s.IntegerField()
    last_seen_at = s.DateTimeField(allow_null=True)
    checked_at = s.DateTimeField(allow_null=True)
    next_service_date = s.DateField(allow_null=True)
    rules = s.CharField(help_text="the policy in force in words, for the till's screen")


def _body(till: Terminal) -> dict[str, Any]:
    merchant_id = till.store.merchant_id
    newest = tills.newest_version(merchant_id=merchant_id)
    version = policies.in_force(merchant_id=merchant_id, at=clock.now())
    day = till.next_service_date
    return TerminalOut.of(
        till,
        newest_version=newest,
        is_current=not tills.is_old(till, newest=newest),
        next_service_date=day.isoformat() if day else None,
        rules=in_words.summary(policies.rules_of(version.pk)),
    )


class TerminalDetail(Endpoint):
    acts = {"GET": Act.SEE_POLICY}

    @schemas.operation("get_terminal", TerminalOut, query=StoreQuery, besides=(422,))
    def get(self, request: Request, code: str) -> Response:
        """One till: how it is, whether it takes refunds, and by which rules."""
        store = self.read_query(StoreQuery)["store"]
        return Response(_body(tills.find(code=code, store=store, by=self.caller.by)))


class TerminalHeartbeat(Endpoint):
    acts = {"POST": Act.REPORT_TILL}

    @schemas.operation("report_terminal", TerminalOut, takes=HeartbeatSerializer)
    def post(self, request: Request, code: str) -> Response:
        """A till says which software it runs and which of its parts work. Send it every few minutes; what is left
        out stays as it was. The answer says whether it takes refunds. No `Idempotency-Key`: the last one counts.
        """
        data = self.read(HeartbeatSerializer)
        said = Heartbeat(version=data["version"], checks=data["checks"], missing_slips=data["missing_slips"])
        till = tills.heartbeat(code=code, store=data["store"], said=said, by=self.caller.by, at=clock.now())
        return Response(_body(till))
