"""Between password and second factor."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory

from desk.sign_in import half_way
from desk.sign_in.half_way import HalfWay
from merchants.models import Staff, StaffSession
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Staff:
    return make_staff(make_merchant(), "manager", password="a long password")


@pytest.fixture
def request_(staff: Staff) -> HttpRequest:
    request = RequestFactory().get("/login/second")
    request.session = SessionStore()
    request.session["left"] = "by somebody before"
    request.session.save()
    return request


def test_remember_begins_a_session_of_its_own(request_: HttpRequest, staff: Staff) -> None:
    before = request_.session.session_key
    answer = half_way.remember(request_, HalfWay(staff, "/desk/new", "token"), "login-second")
    assert (answer.status_code, answer["Location"]) == (302, "/login/second")
    assert "left" not in request_.session
    assert request_.session.session_key != before
    found = half_way.recall(request_)
    assert found is not None
    assert (found.staff, found.next_url, found.device_token) == (staff, "/desk/new", "token")


def test_recall_of_a_session_that_knows_nobody(request_: HttpRequest) -> None:
    assert half_way.recall(request_) is None


def test_finish_writes_the_browser_down_under_its_new_session(request_: HttpRequest, staff: Staff) -> None:
    half_way.remember(request_, HalfWay(staff, "/desk/new", "token"), "login-second")
    request_.session.save()
    before = request_.session.session_key
    answer = half_way.finish(request_, HalfWay(staff, "/desk/new", "token"), factor="totp")
    row = StaffSession.objects.get()
    assert answer["Location"] == "/desk/new"
    assert row.session_key == request_.session.session_key != before
    assert (row.staff, row.factor, row.epoch) == (staff, "totp", staff.session_epoch)
    assert half_way.recall(request_) is None
