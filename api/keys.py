"""What keys may do, and the switches that stop them; for staff in their session."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import Fen, Flag, Instant, Number, StrictSerializer, Text, refused
from api.shapes import Shape, read
from api.views import Creating, Endpoint
from core.errors import NotFound, existing
from merchants import api_keys, mandates
from merchants.models import ApiKey, KeyScope, Merchant, Store
from merchants.rights import Act
from merchants.stores import store_by_code
from refunds.states import Reason, Route

_SHOWN = 200
OVERLAPS = list(api_keys.OVERLAPS)


class MandateHoursSerializer(StrictSerializer):
    """Times of Shanghai; one that ends before it begins ends on the next day."""

    def get_fields(self) -> dict[str, s.Field[Any, Any, Any, Any]]:
        # "from" is a word of Python.
        return {name: s.RegexField(r"^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5) for name in ("from", "to")}


class MandateSerializer(StrictSerializer):
    """What a key may do of its scopes; what is left out limits nothing. Sums count all that was asked for."""

    max_fen = Fen(required=False, allow_null=True, help_text="of one refund")
    max_fen_day = Fen(required=False, allow_null=True, help_text="of one day in Shanghai")
    max_fen_customer_30d = Fen(
        required=False, allow_null=True, help_text="of one customer and 30 days; who that is must then be known"
    )
    reasons = s.ListField(child=s.ChoiceField(Reason.choices), required=False)
    routes = s.ListField(child=s.ChoiceField(Route.choices), required=False)
    stores = s.ListField(child=Number(max_length=20), required=False, max_length=200, help_text="codes of its stores")
    hours = MandateHoursSerializer(required=False, allow_null=True)
    always_review = Flag(required=False, help_text="a person decides each")
    on_behalf_of_required = Flag(required=False, help_text="each request says for whom: `on_behalf_of`")
    expires_at = Instant(required=False, allow_null=True, help_text="from then on the key may nothing")


class KeyOut(Shape):
    id = s.IntegerField(source="pk")
    name = s.CharField()
    prefix = s.CharField(help_text="how the key begins")
    store = s.CharField(source="store.code", allow_null=True, default=None, help_text="null: of all stores")
    scopes = s.ListField(child=s.CharField())
    mandate = read(
        s.JSONField(help_text="as it was set, without what limits nothing"),
        lambda row: mandates.as_json(mandates.read({**row.mandate, "counted_as": None})),
    )
    stopped_at = s.DateTimeField(allow_null=True)
    revoked_at = s.DateTimeField(allow_null=True)


class KeysOut(Shape):
    stopped_at = s.DateTimeField(allow_null=True, help_text="when all keys of the merchant were stopped")
    stopped_stores = s.ListField(child=s.CharField(), help_text="stores whose keys are stopped")
    results = KeyOut(many=True)


class StopSerializer(StrictSerializer):
    """One of a key, a store and all of the merchant's keys."""

    key = s.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    store = Number(max_length=20, required=False)
    all = Flag(required=False)
    stopped = Flag(help_text="false: they may go on")
    note = Text(max_length=200, required=False, allow_blank=True, default="", help_text="why, for the audit trail")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum((attrs.get("key") is not None, "store" in attrs, bool(attrs.get("all")))) != 1:
            raise refused("one_of_them", "key")
        return attrs


class _OfKeys(Endpoint):
    acts = {"GET": Act.MANAGE_KEYS, "PUT": Act.MANAGE_KEYS, "POST": Act.MANAGE_KEYS}

    def key(self, key_id: int) -> ApiKey:
        return existing(_keys(self.caller.merchant_id, self.caller.store_ids).filter(pk=key_id).first(), "key")

    def answer(self) -> Response:
        merchant = Merchant.objects.get(pk=self.caller.merchant_id)
        stores = Store.objects.filter(merchant=merchant, keys_stopped_at__isnull=False).order_by("code")
        found = {
            "stopped_at": merchant.keys_stopped_at,
            "stopped_stores": list(stores.values_list("code", flat=True)),
            "results": list(_keys(self.caller.merchant_id, self.caller.store_ids)[:_SHOWN]),
        }
        return Response(KeysOut.of(found))


def _keys(merchant_id: int, store_ids: frozenset[int] | None) -> QuerySet[ApiKey]:
    rows = ApiKey.objects.filter(merchant_id=merchant_id).defer("signing_secret").select_related("store", "merchant")
    return (rows if store_ids is None else rows.filter(store_id__in=store_ids)).order_by("-pk")


class IssueKeySerializer(StrictSerializer):
    name = Text(max_length=80)
    store = Number(max_length=20, allow_null=True, help_text="null: all stores")
    scopes = s.ListField(child=s.ChoiceField(KeyScope.choices), min_length=1)
    signed = Flag(required=False, default=False, help_text="takes signed requests only")


class EndKeySerializer(StrictSerializer):
    typed_name = Text(max_length=80, help_text="the key's name, as a confirmation")


class RotateKeySerializer(EndKeySerializer):
    overlap = s.ChoiceField(
        list(api_keys.OVERLAPS), required=False, default="24h", help_text="so long the old one works"
    )


class IssuedKeyOut(KeyOut):
    key = s.CharField(allow_null=True, help_text="shown this once; null where an answer is repeated")
    signing_secret = s.CharField(allow_null=True, help_text="shown this once; null unless it is `signed`")


_SECRETS = ("key", "signing_secret")


def _issued(row: ApiKey, key: str, signing_secret: str) -> dict[str, Any]:
    return IssuedKeyOut.of(row, key=key, signing_secret=signing_secret or None)


class Keys(_OfKeys, Creating):
    @schemas.operation("issue_api_key", IssuedKeyOut, takes=IssueKeySerializer, once=True)
    def post(self, request: Request) -> Response:
        """A key of one store, or of all: shown once, kept as a hash."""
        data, merchant = self.read(IssueKeySerializer), Merchant.objects.get(pk=self.caller.merchant_id)
        code, now = data.pop("store"), timezone.now()
        store = None if code is None else store_by_code(code, by=self.caller.by)

        def make() -> dict[str, Any]:
            whole = store is None
            return _issued(
                *api_keys.issue(merchant=merchant, store=store, all_stores=whole, by=self.caller.by, at=now, **data)
            )

        return self.answer_once(request, make, hidden=_SECRETS)

    @schemas.operation("list_api_keys", KeysOut)
    def get(self, request: Request) -> Response:
        """The keys of one's stores, newest first, what limits them and what is stopped."""
        return self.answer()


class RotateKey(_OfKeys, Creating):
    acts = {"POST": Act.MANAGE_KEYS}

    @schemas.operation("rotate_api_key", IssuedKeyOut, takes=RotateKeySerializer, once=True)
    def post(self, request: Request, key_id: int) -> Response:
        """A new key with the same name, scopes and store; the old one works on for the overlap."""
        data, key, now = self.read(RotateKeySerializer), self.key(key_id), timezone.now()
        overlap = api_keys.OVERLAPS[data["overlap"]]
        return self.answer_once(
            request,
            lambda: _issued(
                *api_keys.rotate(key=key, by=self.caller.by, at=now, typed_name=data["typed_name"], overlap=overlap)
            ),
            hidden=_SECRETS,
        )


class RevokeKey(_OfKeys):
    acts = {"POST": Act.MANAGE_KEYS}

    @schemas.operation("revoke_api_key", KeyOut, takes=EndKeySerializer)
    def post(self, request: Request, key_id: int) -> Response:
        """It is dead from now on, also within the overlap of a rotation."""
        typed = self.read(EndKeySerializer)["typed_name"]
        api_keys.revoke(key=self.key(key_id), by=self.caller.by, at=timezone.now(), typed_name=typed)
        return Response(KeyOut.of(self.key(key_id)))


class CurrentKey(Endpoint):
    acts = {"GET": Act.READ_REFUNDS}

    @schemas.operation("get_current_key", KeyOut)
    def get(self, request: Request) -> Response:
        """The key that asks: its scopes and its mandate. 404 for staff in their session."""
        key = self.caller.by.key_id
        found = None if key is None else _keys(self.caller.merchant_id, None).filter(pk=key).first()
        if found is None:
            raise NotFound("no key asks")
        return Response(KeyOut.of(found))


class KeyMandate(_OfKeys):
    @schemas.operation("get_mandate", KeyOut)
    def get(self, request: Request, key_id: int) -> Response:
        """What a key may do of its scopes."""
        return Response(KeyOut.of(self.key(key_id)))

    @schemas.operation("set_mandate", KeyOut, takes=MandateSerializer)
    def put(self, request: Request, key_id: int) -> Response:
        """Limit a key anew; `{}` limits it no longer. What it has used up stays so. Known everywhere within a second."""
        key = self.key(key_id)
        said = {name: value for name, value in self.read(MandateSerializer).items() if value is not None}
        if "expires_at" in said:
            said["expires_at"] = said["expires_at"].isoformat()
        api_keys.set_mandate(key=key, mandate=mandates.read(said), by=self.caller.by, at=timezone.now())
        return Response(KeyOut.of(self.key(key_id)))


class KeyStops(_OfKeys):
    @schemas.operation("stop_api_keys", KeysOut, takes=StopSerializer)
    def post(self, request: Request) -> Response:
        """Stop a key, the keys of a store, or all of them; or let them go on. Known everywhere within a second."""
        data, merchant_id = self.read(StopSerializer), self.caller.merchant_id
        which: ApiKey | Store | Merchant = Merchant(pk=merchant_id)
        if (key_id := data.get("key")) is not None:
            which = self.key(key_id)
        elif "store" in data:
            store = existing(Store.objects.filter(merchant_id=merchant_id, code=data["store"]).first(), "store")
            which = store
        api_keys.stop(which=which, by=self.caller.by, at=timezone.now(), stopped=data["stopped"], note=data["note"])
        return self.answer()
