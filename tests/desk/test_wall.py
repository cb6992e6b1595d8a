"""The second wall: what the desk sees of other merchants when a query forgets to leave them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory

from core import tenant_wall
from core.audit.models import AuditEvent
from core.database import base
from desk.access import Scope, staff_page
from merchants.models import ChannelAccount, Merchant, Staff
from refunds.models import Approval, Execution, RefundLine, RefundRequest
from terminals.models import Transaction, TransactionLine
from tests.factories import make_account, make_merchant, make_request, make_sale, make_staff
from tests.owner import as_owner

pytestmark = pytest.mark.django_db

Two = tuple[RefundRequest, RefundRequest]


@pytest.fixture
def of_two_merchants() -> Two:
    """A request of each of two merchants, and somebody at both desks."""
    ours, theirs = (make_request(make_sale(make_merchant(), 33_980), 1_200) for _ in range(2))
    for request in (ours, theirs):
        make_staff(request.merchant, "owner", username=f"owner-{request.merchant_id}")
    return ours, theirs


def _owner_of(request: RefundRequest) -> Staff:
    return Staff.objects.get(username=f"owner-{request.merchant_id}")


def _ask(staff: Staff, view: Callable[[HttpRequest, Scope], HttpResponseBase]) -> HttpResponseBase:
    request = RequestFactory().get("/desk")
    request.session = SessionStore()
    request.user = staff
    return staff_page()(view)(request)


def _role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        found: str = cursor.fetchone()[0]
    return found


def test_page_that_forgets_to_ask_for_the_merchant_sees_one_merchant_all_the_same(of_two_merchants: Two) -> None:
    ours, theirs = of_two_merchants
    seen: dict[str, set[int]] = {}

    def forgetful(_request: HttpRequest, _scope: Scope) -> HttpResponse:
        for model in (RefundRequest, Execution, Transaction, Staff, ChannelAccount, AuditEvent):
            seen[model.__name__] = set(model._default_manager.order_by("pk").values_list("merchant_id", flat=True))
        seen["Merchant"] = set(Merchant.objects.order_by("pk").values_list("pk", flat=True))
        seen["RefundLine"] = set(RefundLine.objects.order_by("pk").values_list("request__merchant_id", flat=True))
        seen["TransactionLine"] = {line.transaction.merchant_id for line in TransactionLine.objects.order_by("pk")}
        assert not RefundRequest.objects.filter(pk=theirs.pk).exists()
        return HttpResponse()

    _ask(_owner_of(ours), forgetful)

    for name, merchants in seen.items():
        assert merchants <= {ours.merchant_id}, name
    for name in ("RefundRequest", "Execution", "Transaction", "Staff", "AuditEvent", "Merchant", "TransactionLine"):
        assert seen[name] == {ours.merchant_id}, name
    # And behind nobody's wall both are there.
    assert RefundRequest.objects.count() == 2


def test_page_cannot_change_or_make_rows_of_another_merchant(of_two_merchants: Two) -> None:
    ours, theirs = of_two_merchants

    def meddling(_request: HttpRequest, _scope: Scope) -> HttpResponse:
        assert RefundRequest.objects.filter(pk=theirs.pk).update(description="x") == 0
        assert Transaction.objects.filter(pk=theirs.transaction_id).update(order_no="x") == 0
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            RefundRequest.objects.filter(pk=ours.pk).update(merchant_id=theirs.merchant_id)
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            make_account(theirs.merchant)
        return HttpResponse()

    _ask(_owner_of(ours), meddling)
    theirs.refresh_from_db(fields=["description"])
    assert theirs.description == ""


@pytest.mark.parametrize("table", ["core_auditevent", "core_auditlink", "refunds_ledgerentry"])
def test_what_only_grows_is_not_even_allowed_to_be_changed(of_two_merchants: Two, table: str) -> None:
    for statement in (f"UPDATE {table} SET merchant_id = merchant_id", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with (
            tenant_wall.within(of_two_merchants[0].merchant_id),
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_connection_leaves_the_wall_however_the_page_ends(of_two_merchants: Two) -> None:
    ours, _theirs = of_two_merchants
    before = _role()

    def breaking(_request: HttpRequest, _scope: Scope) -> HttpResponse:
        assert _role() == tenant_wall.ROLE
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        return HttpResponse()

    with pytest.raises(DatabaseError, match="division by zero"):
        _ask(_owner_of(ours), breaking)
    assert _role() == before
    assert RefundRequest.objects.count() == 2


def test_connection_that_cannot_leave_the_wall_answers_nobody(
    of_two_merchants: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction.atomic():
        with tenant_wall.within(of_two_merchants[0].merchant_id):
            assert RefundRequest.objects.count() == 1
        with monkeypatch.context() as broken:
            broken.setattr(base, "_TELL", "SELECT 1 / 0, %s, %s")
            for _ in range(2):
                with pytest.raises(DatabaseError):
                    RefundRequest.objects.count()
        transaction.set_rollback(True)
    assert RefundRequest.objects.count() == 2


def test_wall_stands_again_after_a_rollback_has_taken_it_down(of_two_merchants: Two) -> None:
    ours, _theirs = of_two_merchants
    with transaction.atomic():
        # Said in the transaction, it goes with it: behind the wall, and outside of it.
        with tenant_wall.within(ours.merchant_id):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
            assert RefundRequest.objects.count() == 1
            with (
                tenant_wall.outside(),
                pytest.raises(DatabaseError),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute("SELECT 1 / 0")
            assert RefundRequest.objects.count() == 1
        transaction.set_rollback(True)
    assert RefundRequest.objects.count() == 2


def test_export_that_is_read_line_by_line_stays_behind_the_wall(of_two_merchants: Two) -> None:
    ours, _theirs = of_two_merchants
    before = _role()

    def lines() -> Iterator[str]:
        for request in RefundRequest.objects.order_by("pk"):
            yield f"{request.merchant_id} {_role()}\n"

    def forgetful(_request: HttpRequest, _scope: Scope) -> StreamingHttpResponse:
        return StreamingHttpResponse(lines())

    exported = _ask(_owner_of(ours), forgetful)
    assert _role() == before
    assert isinstance(exported, StreamingHttpResponse)
    assert b"".join(exported) == f"{ours.merchant_id} {tenant_wall.ROLE}\n".encode()
    assert _role() == before

    given_up = _ask(_owner_of(ours), forgetful)
    assert isinstance(given_up, StreamingHttpResponse)
    next(iter(given_up))
    # As the server does when the client has gone; by the whole close() the test's own connection would go, too.
    for close in given_up._resource_closers:  # type: ignore[attr-defined]
        close()
    assert _role() == before


# The approvals are rows alone.
@pytest.mark.breaks_invariants
def test_child_of_another_merchants_request_is_not_seen(of_two_merchants: Two) -> None:
    ours, theirs = of_two_merchants
    for request in (ours, theirs):
        Approval.objects.create(
            request=request,
            staff=_owner_of(request),
            decision="approve",
            tier="manager",
            version=request.version,
            at=request.created_at,
        )
    with tenant_wall.within(ours.merchant_id):
        assert [approval.request_id for approval in Approval.objects.order_by("pk")] == [ours.pk]


def test_every_table_of_ours_stands_behind_the_wall_or_is_known_to_be_nobodys() -> None:
    """A new table has a merchant or says by `walled_by` whose it is; one without merchants' rows is named here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace "
            "AND c.relname ~ '^(core|merchants|terminals|refunds|reconciliation)_' AND NOT (c.relrowsecurity AND EXISTS "
            "(SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'one_merchant')) ORDER BY 1"
        )
        # How far the chain is sealed and what beat called for are the installation's; answers are found by the caller's key.
        assert [name for (name,) in cursor.fetchall()] == [
            "core_auditsealpoint",
            "core_periodicwork",
            "refunds_idempotencyrecord",
        ]


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has not looked yet."""
    monkeypatch.setattr(tenant_wall, "_seen_standing", False)
    monkeypatch.setattr(tenant_wall, "_told_of_none", False)


@pytest.mark.usefixtures("unknown")
def test_server_where_nobody_made_the_role_works_behind_the_first_wall(
    of_two_merchants: Two, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tenant_wall, "ROLE", "nobody_made_this_one")
    before = _role()
    for _ in range(2):
        with tenant_wall.within(of_two_merchants[0].merchant_id):
            assert _role() == before
    assert caplog.text.count("raise_tenant_wall") == 1


@pytest.mark.usefixtures("unknown")
def test_wall_is_raised_afterwards_and_twice_is_once() -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_policies WHERE policyname = 'one_merchant'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
            cursor.execute(f"DROP POLICY one_merchant ON {table}")
    assert not tenant_wall.stands()
    with as_owner():
        call_command("raise_tenant_wall")
        call_command("raise_tenant_wall")
    assert tenant_wall.stands()


@pytest.mark.usefixtures("unknown")
def test_login_that_may_not_make_roles_is_told_what_a_superuser_has_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenant_wall, "ROLE", "nobody_made_this_one")
    with pytest.raises(CommandError, match=r"CREATE ROLE .* GRANT .* TO refunddesk"):
        call_command("raise_tenant_wall")
