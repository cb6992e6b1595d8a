"""Stores, people, channel accounts and the wording of messages; for staff in their session, by the acts of the desk's pages."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import Fen, Flag, Number, StrictSerializer, Text, WholeNumber
from api.shapes import Shape, read
from api.views import Creating, Endpoint
from core.errors import NotFound, existing
from merchants import channels, invitations, stores, team
from merchants.models import ChannelAccount, MessageWording, Role, Staff, Store
from merchants.principals import Principal
from merchants.rights import Act
from merchants.stores import store_by_code
from merchants.team import Place
from refunds.models import Reviewer
from refunds.models.assignment import MOST_ON_A_DESK
from refunds.payouts import accounts, credentials
from refunds.review import assigning, presence
from refunds.states import Reason
from refunds.telling import own_words, wording
from refunds.telling.own_words import LANGUAGES, MEDIA

_SHOWN = 300
OVERLAPS = list(credentials.OVERLAPS)


# --- stores -----------------------------------------------------------------------------------------------------------


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


def _store_ids(codes: list[str], by: Principal) -> frozenset[int]:
    return frozenset(store_by_code(code, by=by).pk for code in codes)


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


# --- people -----------------------------------------------------------------------------------------------------------


class PlaceMemberSerializer(StrictSerializer):
    role = s.ChoiceField(Role.choices)
    stores = s.ListField(child=Number(max_length=20), required=False, default=list, max_length=500)
    all_stores = Flag(required=False, default=False, help_text="later ones too; then no `stores`")
    limit_fen = Fen(required=False, allow_null=True, default=None, help_text="decides up to so much; null: as the role")
    till_codes = s.ListField(child=Text(max_length=40), required=False, default=list, max_length=20)


class InviteMemberSerializer(PlaceMemberSerializer):
    login = Text(max_length=52, help_text="without the merchant's code, which comes before it")


class SwitchMemberSerializer(StrictSerializer):
    on = Flag(help_text="false: sessions and links end at once")


class MemberOut(Shape):
    id = s.IntegerField(source="pk")
    login = s.CharField(source="username")
    name = s.CharField()
    role = s.ChoiceField(Role.choices)
    stores = read(
        s.ListField(child=s.CharField(), help_text="their codes; empty where it is all of them, or none"),
        lambda staff: sorted(store.code for store in staff.stores.all()),
    )
    all_stores = s.BooleanField()
    limit_fen = s.IntegerField(allow_null=True)
    till_codes = s.ListField(child=s.CharField())
    state = read(
        s.CharField(help_text="`in`, `invited` or `off`"),
        lambda staff: "in" if staff.is_active else "invited" if team.is_invited(staff) else "off",
    )


class MembersOut(Shape):
    results = MemberOut(many=True)


class InvitedOut(MemberOut):
    link = s.CharField(allow_null=True, help_text="to hand over, shown this once; null where an answer is repeated")


def _invited(staff: Staff, token: str) -> dict[str, Any]:
    return InvitedOut.of(staff, link=invitations.link(token))


class _OfTeam(Creating):
    acts = dict.fromkeys(("GET", "POST", "PUT"), Act.MANAGE_TEAM)

    def people(self) -> QuerySet[Staff]:
        return Staff.objects.filter(merchant_id=self.caller.merchant_id).prefetch_related("stores")

    def member(self, staff_id: int) -> Staff:
        return existing(self.people().filter(pk=staff_id).first(), "colleague")

    def place(self, data: dict[str, Any]) -> Place:
        return Place(
            role=data["role"],
            store_ids=_store_ids(data["stores"], self.caller.by),
            all_stores=data["all_stores"],
            limit_fen=data["limit_fen"],
            till_codes=tuple(dict.fromkeys(data["till_codes"])),
        )


class Members(_OfTeam):
    acts = {"GET": Act.MANAGE_TEAM, "POST": Act.MANAGE_TEAM}

    @schemas.operation("list_team", MembersOut)
    def get(self, request: Request) -> Response:
        """Who works here, and who was invited or switched off."""
        return Response({"results": MemberOut.all_of(self.people().order_by("-is_active", "name", "pk")[:_SHOWN])})

    @schemas.operation("invite_member", InvitedOut, takes=InviteMemberSerializer, once=True)
    def post(self, request: Request) -> Response:
        """Invite somebody; they set name, password and second factor behind the link."""
        data, now = self.read(InviteMemberSerializer), timezone.now()
        place, by = self.place(data), self.caller.by
        return self.answer_once(
            request,
            lambda: _invited(*team.invite(login=data["login"], place=place, by=by, at=now)),
            hidden=("link",),
        )


class MemberDetail(_OfTeam):
    acts = {"GET": Act.MANAGE_TEAM, "PUT": Act.MANAGE_TEAM}

    @schemas.operation("get_member", MemberOut)
    def get(self, request: Request, staff_id: int) -> Response:
        """One colleague."""
        return Response(MemberOut.of(self.member(staff_id)))

    @schemas.operation("place_member", MemberOut, takes=PlaceMemberSerializer)
    def put(self, request: Request, staff_id: int) -> Response:
        """Say anew what somebody is here. Nobody places themselves."""
        place = self.place(self.read(PlaceMemberSerializer))
        team.place(staff_id=self.member(staff_id).pk, place=place, by=self.caller.by, at=timezone.now())
        return Response(MemberOut.of(self.member(staff_id)))


class InviteAgain(_OfTeam):
    acts = {"POST": Act.MANAGE_TEAM}

    @schemas.operation("invite_member_again", InvitedOut, status=(200,))
    def post(self, request: Request, staff_id: int) -> Response:
        """A new link for who has not come in yet; the one before is void. No body."""
        self.read(StrictSerializer)
        return Response(_invited(*team.invite_again(staff_id=staff_id, by=self.caller.by, at=timezone.now())))


class SwitchMember(_OfTeam):
    acts = {"POST": Act.MANAGE_TEAM}

    @schemas.operation("switch_member", MemberOut, takes=SwitchMemberSerializer)
    def post(self, request: Request, staff_id: int) -> Response:
        """Switch an account off, or on again."""
        on = self.read(SwitchMemberSerializer)["on"]
        return Response(MemberOut.of(team.switch(staff_id=staff_id, on=on, by=self.caller.by, at=timezone.now())))


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


# --- channel accounts -------------------------------------------------------------------------------------------------


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


# --- wording ----------------------------------------------------------------------------------------------------------


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
