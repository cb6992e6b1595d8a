"""Notes that name colleagues."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.errors import NotFound
from merchants.models import Role, Staff, Store
from merchants.principals import of_staff
from refunds.models import RefundRequest, StaffNotice
from refunds.review import deciding, mentions
from tests.factories import make_merchant, make_staff, works_in

pytestmark = pytest.mark.django_db


def _named(request: RefundRequest, name: str) -> Staff:
    staff = make_staff(request.merchant, Role.REVIEWER)
    staff.name = name
    staff.save()
    return staff


def test_note_tells_those_whom_it_names_and_nobody_else(in_review: RefundRequest) -> None:
    author, short, long = (_named(in_review, name) for name in ("陈一", "王小", "王小敏"))
    elsewhere, gone = _named(in_review, "赵远"), _named(in_review, "钱多")
    works_in(elsewhere, Store.objects.create(merchant=in_review.merchant, code="S009", name="九号店"))
    Staff.objects.filter(pk=gone.pk).update(is_active=False)
    Staff.objects.filter(pk=make_staff(make_merchant(), Role.REVIEWER).pk).update(name="外人")
    told = deciding.add_note(
        request_id=in_review.pk,
        by=of_staff(author),
        at=timezone.now(),
        text=f"@王小敏 看看，@{short.username.upper()}，@陈一 @赵远 @钱多 @外人 a@b.cn",
    )
    assert {one.pk for one in told} == {long.pk, short.pk}
    assert set(StaffNotice.objects.values_list("staff_id", "by_name")) == {(long.pk, "陈一"), (short.pk, "陈一")}


def test_read_is_of_ones_own_notices_alone(in_review: RefundRequest) -> None:
    one, other, now = _named(in_review, "王小敏"), _named(in_review, "陈一"), timezone.now()
    mentions.tell_mentioned("@王小敏", request=in_review, by=of_staff(other), at=now)
    notice = StaffNotice.objects.get()
    with pytest.raises(NotFound):
        mentions.read(notice_id=notice.pk, by=of_staff(other), at=now)
    assert mentions.unread(by=of_staff(one)) == 1
    mentions.read(notice_id=notice.pk, by=of_staff(one), at=now)
    assert mentions.unread(by=of_staff(one)) == 0


def test_names_that_nobody_here_has_are_said(in_review: RefundRequest) -> None:
    one = _named(in_review, "王小敏")
    text = f"@王小敏 和@王 看看，抄送 a@b.cn、@{one.username}，@Nobody。"
    assert mentions.missed(text, request=in_review) == ["王", "nobody"]
    assert mentions.missed("没有提到谁", request=in_review) == []
