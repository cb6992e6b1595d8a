"""Signed checkpoints of the audit trail, for staff who may read it."""

from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.shapes import Shape
from api.views import Endpoint
from core.audit import checkpoints, keys
from merchants import audit_trail
from merchants.rights import Act

_SHOWN = 200


class CheckpointOut(Shape):
    seq = s.IntegerField()
    at = s.DateTimeField()
    body = s.CharField()
    signatures = s.DictField(child=s.CharField())


class CheckpointsOut(Shape):
    public_key = s.CharField()
    results = CheckpointOut(many=True)


class Checkpoints(Endpoint):
    """The newest first, at most 200. Keep one, with the public key, where nobody of the shop can change it."""

    acts = {"GET": Act.SEE_AUDIT}

    @schemas.operation("list_audit_checkpoints", CheckpointsOut)
    def get(self, request: Request) -> Response:
        rows = audit_trail.checkpoints_of(by=self.caller.by).order_by("-pk")[:_SHOWN]
        return Response(
            CheckpointsOut.of({"public_key": checkpoints.public_key(keys.ring().current), "results": list(rows)})
        )
