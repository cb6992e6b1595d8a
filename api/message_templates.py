"""The wording of messages; for staff in their session, by the acts of the desk's pages."""

from django.utils import timezone
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import StrictSerializer, Text, WholeNumber
from api.shapes import Shape
from api.views import Endpoint
from core.errors import NotFound
from merchants.models import MessageWording
from merchants.rights import Act
from refunds.telling import own_words, wording
from refunds.telling.own_words import LANGUAGES, MEDIA


class WordingSerializer(StrictSerializer):
    text = Text(multiline=True, max_length=4000, allow_blank=True, help_text="empty: the built-in wording again")
    after = WholeNumber(min_value=0, max_value=10**6, help_text="the `version` that was read; 0: the built-in wording")


class WordingOut(Shape):
    event = s.ChoiceField(wording.EVENTS)
    medium = s.ChoiceField(MEDIA)
    language = s.ChoiceField(LANGUAGES)
    version = s.IntegerField(help_text="0: nobody wrote one")
    text = s.CharField(help_text="empty: the built-in wording. `{amount}` and the like stand for what it is about")


class WordingsOut(Shape):
    results = WordingOut(many=True)


class Wordings(Endpoint):
    acts = {"GET": Act.SET_WORDING}

    @schemas.operation("list_message_templates", WordingsOut)
    def get(self, request: Request) -> Response:
        """The merchant's own words to customers, the last version of each."""
        written = MessageWording.objects.filter(merchant_id=self.caller.merchant_id)
        last = written.order_by("event", "medium", "language", "-version").distinct("event", "medium", "language")
        return Response({"results": WordingOut.all_of(last)})


class WordingDetail(Endpoint):
    acts = {"GET": Act.SET_WORDING, "PUT": Act.SET_WORDING}

    @schemas.operation("get_message_template", WordingOut)
    def get(self, request: Request, event: str, medium: str, language: str) -> Response:
        """One message's own words."""
        which = _which(event, medium, language)
        found = own_words.in_force(merchant_id=self.caller.merchant_id, **which)
        return Response(WordingOut.of(found or {**which, "version": 0, "text": ""}))

    @schemas.operation("set_message_template", WordingOut, takes=WordingSerializer)
    def put(self, request: Request, event: str, medium: str, language: str) -> Response:
        """A new version of it; 409 where somebody else wrote one meanwhile."""
        which, data = _which(event, medium, language), self.read(WordingSerializer)
        text, after = data["text"], data["after"]
        written = own_words.write(**which, text=text, after=after, by=self.caller.by, at=timezone.now())
        return Response(WordingOut.of(written))


def _which(event: str, medium: str, language: str) -> dict[str, str]:
    if event not in wording.EVENTS or medium not in MEDIA or language not in LANGUAGES:
        raise NotFound("there is no such message")
    return {"event": event, "medium": medium, "language": language}
