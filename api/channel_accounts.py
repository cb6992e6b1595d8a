"""Contracts with channels; for staff in their session, by the acts of the desk's pages."""

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import Flag, Number, StrictSerializer, Text
from api.shapes import Shape, read
from api.views import Creating
from core.errors import existing
from merchants import channels
from merchants.models import ChannelAccount
from merchants.rights import Act
from merchants.stores import store_by_code
from refunds.payouts import accounts, credentials

_SHOWN = 300
OVERLAPS = list(credentials.OVERLAPS)


class CredentialsSerializer(StrictSerializer):
    credentials = s.DictField(
        child=Text(multiline=True, max_length=8000, allow_null=True),
        help_text="by name; null takes one away; empty: nothing is said",
    )
    overlap = s.ChoiceField(
        OVERLAPS,
        required=False,
        default="24h",
        help_text="so long notices under the old ones are read",
    )


class AccountSerializer(StrictSerializer):
    channel = Number(max_length=20, help_text="`wechat`, `alipay` or `unionpay`")
    store = Number(max_length=20, allow_null=True, help_text="null: all that have no account of their own")
    credentials = s.DictField(child=Text(multiline=True, max_length=8000), help_text="by name, sealed")
    replaces = Flag(required=False, default=False, help_text="the account in use goes out of use in the same moment")


class ProfileSerializer(StrictSerializer):
    profile = s.DictField(help_text="what the contract says otherwise than usual; what is left out is as usual")


def _open_names(code: str) -> tuple[str, ...]:
    found = channels.channel(code)
    return found.open_credentials if found else ()


class AccountOut(Shape):
    code = s.CharField()
    channel = s.CharField()
    store = s.CharField(source="store.code", allow_null=True, default=None, help_text="null: all stores")
    is_active = s.BooleanField(help_text="takes new payments")
    profile = s.DictField(source="profile_overrides", help_text="what the contract says otherwise than usual")
    names = read(
        s.DictField(child=s.CharField(), help_text="of its credentials, those that are no secret"),
        lambda row: {name: row.credentials[name] for name in _open_names(row.channel) if row.credentials.get(name)},
    )
    tested_at = s.DateTimeField(allow_null=True)
    test_word = s.ChoiceField(
        ["", "works", "refused", "no_answer"], help_text="what the last test came to; empty: none"
    )
    test_code = s.CharField(help_text="the channel's own code")


class AccountsOut(Shape):
    results = AccountOut(many=True)


class _OfAccounts(Creating):
    acts = dict.fromkeys(("GET", "POST", "PUT"), Act.CHANGE_CREDENTIALS)

    def found(self) -> QuerySet[ChannelAccount]:
        ours = [code for code in channels.known() if (one := channels.channel(code)) and not one.by_hand]
        rows = ChannelAccount.objects.filter(merchant_id=self.caller.merchant_id, channel__in=ours)
        return rows.select_related("store")

    def account(self, code: str) -> ChannelAccount:
        return existing(self.found().filter(code=code).first(), "channel account")

    def answer(self, code: str) -> Response:
        return Response(AccountOut.of(self.account(code)))


class Accounts(_OfAccounts):
    acts = {"GET": Act.CHANGE_CREDENTIALS, "POST": Act.CHANGE_CREDENTIALS}

    @schemas.operation("list_channel_accounts", AccountsOut)
    def get(self, request: Request) -> Response:
        """The accounts at the channels, those in use first. No secret is ever shown."""
        return Response({"results": AccountOut.all_of(self.found().order_by("-is_active", "channel", "-pk")[:_SHOWN])})

    @schemas.operation("open_channel_account", AccountOut, takes=AccountSerializer, once=True)
    def post(self, request: Request) -> Response:
        """Open an account; then test it. What is paid into it goes back through it for ever."""
        data, by, now = self.read(AccountSerializer), self.caller.by, timezone.now()
        code = data.pop("store")
        store_id = None if code is None else store_by_code(code, by=by).pk
        given = data.pop("credentials")
        return self.answer_once(
            request,
            lambda: AccountOut.of(accounts.open_account(**data, given=given, store_id=store_id, by=by, at=now)),
        )


class AccountDetail(_OfAccounts):
    acts = {"GET": Act.CHANGE_CREDENTIALS}

    @schemas.operation("get_channel_account", AccountOut)
    def get(self, request: Request, code: str) -> Response:
        """One account."""
        return self.answer(code)


class AccountProfile(_OfAccounts):
    acts = {"PUT": Act.CHANGE_CREDENTIALS}

    @schemas.operation("set_channel_profile", AccountOut, takes=ProfileSerializer)
    def put(self, request: Request, code: str) -> Response:
        """What the account's contract says."""
        given = self.read(ProfileSerializer)["profile"]
        accounts.change_profile(account_id=self.account(code).pk, given=given, by=self.caller.by, at=timezone.now())
        return self.answer(code)


class AccountCredentials(_OfAccounts):
    acts = {"POST": Act.CHANGE_CREDENTIALS}

    @schemas.operation("change_channel_credentials", AccountOut, takes=CredentialsSerializer)
    def post(self, request: Request, code: str) -> Response:
        """Put credentials over those before. Refunds that waited for new ones go out at once."""
        data = self.read(CredentialsSerializer)
        credentials.change(
            account_id=self.account(code).pk,
            given=data["credentials"],
            overlap=credentials.OVERLAPS[data["overlap"]],
            by=self.caller.by,
            at=timezone.now(),
        )
        return self.answer(code)


class TestAccount(_OfAccounts):
    acts = {"POST": Act.CHANGE_CREDENTIALS}

    @schemas.operation("test_channel_account", AccountOut)
    def post(self, request: Request, code: str) -> Response:
        """Ask the channel about a refund that never was: no money moves. `test_word` tells what came of it. No body."""
        self.read(StrictSerializer)
        accounts.try_connection(account_id=self.account(code).pk, by=self.caller.by, at=timezone.now())
        return self.answer(code)


class CloseAccount(_OfAccounts):
    acts = {"POST": Act.CHANGE_CREDENTIALS}

    @schemas.operation("close_channel_account", AccountOut)
    def post(self, request: Request, code: str) -> Response:
        """It takes no new payments; what was paid into it is refunded through it as ever. No body."""
        self.read(StrictSerializer)
        accounts.close(account_id=self.account(code).pk, by=self.caller.by, at=timezone.now())
        return self.answer(code)
