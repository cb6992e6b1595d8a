"""Pictures and PDFs for a refund request, sent by a terminal or shop: ahead of it or afterwards."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from api import idempotency, schemas
from api.bodies import BodyTooLarge, refuse_packed
from api.fields import StrictSerializer, Text, refused
from api.shapes import Shape
from api.views import Endpoint
from core import clock
from merchants.rights import Act
from refunds import queries
from refunds.evidence import files
from refunds.models import Evidence
from refunds.models.evidence import EvidenceKind

#: Refused by its length before anything of it is read.
MAX_BODY_BYTES = files.MAX_UPLOAD_BYTES + 100_000


class EvidenceOut(Shape):
    id = serializers.UUIDField(source="pk")
    refund_request = serializers.UUIDField(
        source="request_id", allow_null=True, help_text="null: it was sent ahead, and waits 24 hours for its request"
    )
    kind = serializers.ChoiceField(EvidenceKind.choices)
    note = serializers.CharField()
    content_type = serializers.CharField(help_text="of the file as it is kept: always written anew")
    size = serializers.IntegerField(help_text="bytes, as it is kept")
    sha256 = serializers.CharField(help_text="of the file as it is kept")
    added_at = serializers.DateTimeField()


class EvidenceSerializer(StrictSerializer):
    file = serializers.FileField()
    kind = serializers.ChoiceField(EvidenceKind.choices, default=EvidenceKind.PHOTO)
    note = Text(multiline=True, required=False, allow_blank=True, max_length=200, default="")


class TakesAFile(Endpoint):
    # A form with a file in it; too large a one is refused by its length.
    parser_classes: Sequence[type[BaseParser]] = (MultiPartParser,)
    max_body_bytes = MAX_BODY_BYTES

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if int(request.META.get("CONTENT_LENGTH") or 0) > self.max_body_bytes:
            raise BodyTooLarge
        refuse_packed(request)
        super().initial(request, *args, **kwargs)


class TakesAPicture(TakesAFile):
    def take(self, request: Request, keep: Callable[..., Sequence[Evidence]]) -> Response:
        """Read the one file, ``keep`` it, and answer; once however often it is sent."""
        key = idempotency.key_of(request)
        data = self.read(EvidenceSerializer)
        if len(request.FILES.getlist("file")) > 1:
            raise refused("one_file", "file")
        if idempotency.is_known(self.caller, key):
            return idempotency.replay(request, self.caller, key)
        picture, now = files.read_upload(upload=data["file"], kind=data["kind"]), clock.now()

        def stored() -> tuple[int, Any]:
            (row,) = keep(pictures=[picture], kind=data["kind"], note=data["note"], by=self.caller.by, at=now)
            return 201, EvidenceOut.of(row)

        return idempotency.answer_once(request, self.caller, stored)


class SendEvidenceAhead(TakesAPicture):
    """Evidence for a request that is still to be made; a quote says what the policy asks for."""

    acts = {"POST": Act.SUBMIT}

    @schemas.operation("send_evidence_ahead", EvidenceOut, form=EvidenceSerializer, once=True, besides=(413, 415))
    def post(self, request: Request) -> Response:
        """Send one file ahead; name its `id` in `evidence` of the request within 24 hours."""
        return self.take(request, files.send_ahead)


class AddEvidence(TakesAPicture):
    """A JPEG, PNG or WebP picture, or a PDF; it is written anew, so that nothing but what it shows is kept."""

    acts = {"POST": Act.ADD_EVIDENCE}

    @schemas.operation("add_evidence", EvidenceOut, form=EvidenceSerializer, once=True, besides=(413, 415))
    def post(self, request: Request, request_id: UUID) -> Response:
        """Add one file to a request, at most twelve in all."""
        found = queries.request_for(
            merchant_id=self.caller.merchant_id, request_id=request_id, store_ids=self.caller.store_ids
        )
        return self.take(request, partial(files.add, request_id=found.pk))
