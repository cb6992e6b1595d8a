"""People; for staff in their session, by the acts of the desk's pages."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import Fen, Flag, Number, StrictSerializer, Text
from api.shapes import Shape, read
from api.views import Creating
from core.errors import existing
from merchants import invitations, team
from merchants.models import Role, Staff
from merchants.principals import Principal
from merchants.rights import Act
from merchants.stores import store_by_code
from merchants.team import Place

_SHOWN = 300


def _store_ids(codes: list[str], by: Principal) -> frozenset[int]:
    return frozenset(store_by_code(code, by=by).pk for code in codes)


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
