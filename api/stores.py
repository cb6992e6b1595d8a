"""Stores; for staff in their session, by the acts of the desk's pages."""

from django.utils import timezone
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import Number, StrictSerializer, Text
from api.shapes import Shape
from api.views import Creating, Endpoint
from merchants import stores
from merchants.models import Store
from merchants.rights import Act
from merchants.stores import store_by_code


class _StoreFields(StrictSerializer):
    name = Text(max_length=80)
    phone = Text(max_length=30, required=False, allow_blank=True, default="")
    address = Text(max_length=200, required=False, allow_blank=True, default="")


class StoreSerializer(_StoreFields):
    code = Number(max_length=20, help_text="as the tills report it")


class StoreChangeSerializer(_StoreFields):
    pass


class StoreOut(Shape):
    code = s.CharField()
    name = s.CharField()
    phone = s.CharField()
    address = s.CharField()
    closed_at = s.DateTimeField(allow_null=True, help_text="since when it takes no sales; null: it is open")


class StoresOut(Shape):
    results = StoreOut(many=True)


class Stores(Creating):
    acts = {"GET": Act.MANAGE_STORES, "POST": Act.MANAGE_STORES}

    @schemas.operation("list_stores", StoresOut)
    def get(self, request: Request) -> Response:
        """The merchant's stores, closed ones too."""
        found = Store.objects.filter(merchant_id=self.caller.merchant_id).order_by("code")
        return Response({"results": StoreOut.all_of(found)})

    @schemas.operation("open_store", StoreOut, takes=StoreSerializer, once=True)
    def post(self, request: Request) -> Response:
        """Open a store. Its hours are said by `PUT /opening-hours/stores/{code}`."""
        data, now = self.read(StoreSerializer), timezone.now()
        return self.answer_once(request, lambda: StoreOut.of(stores.open_store(**data, by=self.caller.by, at=now)))


class StoreDetail(Endpoint):
    acts = {"GET": Act.MANAGE_STORES, "PUT": Act.MANAGE_STORES}

    @schemas.operation("get_store", StoreOut)
    def get(self, request: Request, code: str) -> Response:
        """One store."""
        return Response(StoreOut.of(store_by_code(code, by=self.caller.by)))

    @schemas.operation("change_store", StoreOut, takes=StoreChangeSerializer)
    def put(self, request: Request, code: str) -> Response:
        """Its name, and what customers read of it."""
        data, by = self.read(StoreChangeSerializer), self.caller.by
        changed = stores.change(store_id=store_by_code(code, by=by).pk, **data, by=by, at=timezone.now())
        return Response(StoreOut.of(changed))


class CloseStore(Endpoint):
    acts = {"POST": Act.MANAGE_STORES}

    @schemas.operation("close_store", StoreOut)
    def post(self, request: Request, code: str) -> Response:
        """Sales that are paid from now on are not taken for it; its refunds go on. No body."""
        self.read(StrictSerializer)
        by = self.caller.by
        return Response(StoreOut.of(stores.close(store_id=store_by_code(code, by=by).pk, by=by, at=timezone.now())))


class ReopenStore(Endpoint):
    acts = {"POST": Act.MANAGE_STORES}

    @schemas.operation("reopen_store", StoreOut)
    def post(self, request: Request, code: str) -> Response:
        """It sells again. No body."""
        self.read(StrictSerializer)
        by = self.caller.by
        return Response(StoreOut.of(stores.reopen(store_id=store_by_code(code, by=by).pk, by=by, at=timezone.now())))
