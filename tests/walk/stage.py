"""What the walk finds when it comes: a merchant of every route at a channel that answers, its people, refunds in every state."""

from __future__ import annotations

import copy
import io
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import SimpleQueue
from typing import Any
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Q
from django.test import Client, override_settings
from django.utils import timezone

from core.calendar import SHANGHAI
from merchants import api_keys
from merchants.models import ChannelAccount, KeyScope, Merchant, PolicyDraft, Role, Staff
from merchants.policies import drafting
from merchants.policies.drafting import Written
from merchants.principals import of_staff
from payment_channels.contract import BillKind, Done, Unknown
from reconciliation import days, importing
from reconciliation.models import Difference, ReconciliationDay
from refunds import payouts
from refunds.evidence import files
from refunds.goods import offers, returns
from refunds.intake import batches
from refunds.intake import importing as imports
from refunds.intake.batches import Wish
from refunds.intake.claims import Draft
from refunds.intake.importing import Columns
from refunds.models import Evidence, Execution, RefundBatch, RefundRequest
from refunds.payouts import ending
from refunds.payouts.adapters import adapter_for
from refunds.payouts.ending import Finding
from refunds.review import deciding
from refunds.telling import tracking
from simulators.kit.testing import RunningSimulator
from terminals.models import Transaction
from tests import pictures
from tests.factories import make_account, make_request, make_sale, make_staff, of_customer
from tests.reconciliation.world import DAY
from tests.refunds import hand, plans
from tests.refunds.settled import failed

_BACKEND = "django.contrib.auth.backends.ModelBackend"
PASSWORD = "a long password of theirs"
_CSRF = "t" * 32
_ENGLISH = {"accept-language": "en"}


class Stage:
    def __init__(self, wechat: RunningSimulator) -> None:
        self.wechat = wechat
        self.merchant: Merchant = hand.make_shop()
        self.account: ChannelAccount = make_account(self.merchant, wechat.account, first_query_s=0.05)
        self._people: dict[str, Staff] = {}
        self._phones = itertools.count(13_800_000_001)

    def anew(self) -> Stage:
        """The same shop before anybody came: for the next of several acts, each of which is undone."""
        found = copy.copy(self)
        found._people = {}
        found.__dict__.pop("key", None)
        return found

    @staticmethod
    def now() -> datetime:
        return timezone.now()

    # --- who asks -----------------------------------------------------------------------------------------------------

    def person(self, role: str) -> Staff:
        if role not in self._people:
            self._people[role] = make_staff(self.merchant, role, password=PASSWORD)
        return self._people[role]

    def browser(self, role: str) -> Client:
        """The browser of a person of this role, signed in."""
        client = Client(headers=_ENGLISH, raise_request_exception=False)
        client.force_login(self.person(role), backend=_BACKEND)
        return client

    def get(self, role: str, path: str, **query: str) -> Any:
        """A desk page that opens; its text."""
        answer = self.browser(role).get(path, query)
        assert answer.status_code == 200, (path, answer.status_code)
        return text_of(answer)

    def post(self, role: str, path: str, /, *, expect: int = 302, **form: Any) -> Any:
        """A form that is sent and taken."""
        answer = self.browser(role).post(path, form)
        assert answer.status_code == expect, (path, answer.status_code, text_of(answer)[:3000])
        return answer

    def act(self, role: str, request: RefundRequest, action: str, **form: Any) -> RefundRequest:
        """One of a refund's buttons on the desk; the refund as it is afterwards."""
        self.post(role, f"/desk/refunds/{request.number}/{action}", version=request.version, **form)
        return fresh(request)

    def nobody(self, **headers: str) -> Client:
        return Client(headers={**_ENGLISH, **headers}, raise_request_exception=False)

    def call(self, method: str, path: str, body: Any = None, *, expect: int = 200, **query: str) -> Any:
        """A call of the API by a till's key with every scope; the answer's JSON, None where it is empty."""
        answer = self._api(method, path, body, query, self.nobody(Authorization=f"Bearer {self.key}"))
        assert answer.status_code == expect, (path, answer.status_code, answer.content)
        return answer.json() if answer.content else None

    def call_as(self, role: str, path: str, body: Any, *, method: str = "POST", expect: int = 200) -> Any:
        """A call of the API out of a browser's session."""
        client = self.browser(role)
        client.cookies["csrftoken"] = _CSRF
        answer = self._api(method, path, body, {}, client)
        assert answer.status_code == expect, (path, answer.status_code, answer.content)
        return answer.json() if answer.content else None

    def _api(self, method: str, path: str, body: Any, query: dict[str, str], client: Client) -> Any:
        if method == "GET":
            return client.get(f"/api/v1/{path}", query)
        headers = {"Idempotency-Key": uuid4().hex, "X-CSRFToken": _CSRF}
        if method in {"PATCH", "PUT", "DELETE"}:
            send = getattr(client, method.lower())
            return send(f"/api/v1/{path}", body or {}, content_type="application/json", headers=headers)
        if isinstance(body, SimpleUploadedFile):
            body = {"file": body}
        if isinstance(body, dict) and "file" in body:
            return client.post(f"/api/v1/{path}", body, headers=headers)
        return client.post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)

    @cached_property
    def key(self) -> str:
        """The till's: it may act on what it asked for."""
        key: str = self.issued()[1]
        return key

    def issued(self) -> Any:
        return api_keys.issue(
            merchant=self.merchant,
            name="till",
            all_stores=True,
            scopes=list(KeyScope.values),
            by=of_staff(self.person(Role.OWNER)),
            at=timezone.now(),
        )

    def batch(self) -> RefundBatch:
        """One refund, filed by finance and checked."""
        sale = self.sale()
        draft = Draft(transaction_id=sale.pk, amount_fen=1_200, reason="quality", customer_consent=True)
        wish = Wish(label=sale.order_no, amount_fen=1_200, draft=draft)
        by = of_staff(self.person(Role.FINANCE))
        batch = batches.file(name="召回", wishes=[wish], by=by, at=self.now())
        batches.work()
        batch.refresh_from_db()
        return batch

    def import_file(self, *, read: bool = False) -> RefundBatch:
        """A file of two sales, one of which cannot be; ``read``: its columns are named and it is checked."""
        text = f"order,number,paid,at\nW-1,4200099,5.00,{self.now():%Y-%m-%d} 00:00\nW-2,4.2E+27,5.00,2026-11-20\n"
        by = of_staff(self.person(Role.FINANCE))
        batch = imports.offer(kind="sales", name="w.csv", content=text.encode(), by=by, at=self.now())
        if read:
            columns = Columns(
                columns={"order_no": "order", "channel_transaction_no": "number", "amount": "paid", "paid_at": "at"},
                same={"channel": "wechat", "store": self.merchant.stores.get().code},
            )
            imports.name_columns(batch_id=batch.pk, columns=columns, by=by, at=self.now())
            imports.work(at=self.now())
            batches.work()
        batch.refresh_from_db()
        return batch

    def draft(self, *, asked: bool = False) -> PolicyDraft:
        """A draft of the manager's that raises a limit; ``asked``: handed over to whoever may publish."""
        by, now = of_staff(self.person(Role.MANAGER)), timezone.now()
        draft = drafting.start(by=by, at=now)
        rules = {**draft.rules, "auto_approve_limit_fen": 15_000}
        written = Written(name=draft.name, rules=rules, guides={})
        draft = drafting.write(draft_id=draft.pk, revision=1, written=written, by=by, at=now)
        if asked:
            self.person(Role.OWNER)
            draft = drafting.ask(draft_id=draft.pk, revision=draft.revision, by=by, at=now, reason="客诉")
        return draft

    # --- refunds by where they have come to ------------------------------------------------------------------------------

    def sale(self, amount_fen: int = 33_980, **fields: Any) -> Transaction:
        """A sale that the channel knows, too."""
        sale = make_sale(self.merchant, amount_fen, channel_account=self.account, **fields)
        self.wechat.control(
            "POST",
            "/payments",
            {
                "order_no": sale.order_no,
                "transaction_no": sale.channel_transaction_no,
                "amount_fen": amount_fen,
                "paid_at": sale.paid_at.isoformat(),
            },
        )
        return sale

    def in_review(self, **fields: Any) -> RefundRequest:
        values = {"phone": str(next(self._phones)), "email": "wangmin@example.com", "name": "王敏", **fields}
        return make_request(values.pop("sale", None) or self.sale(), 26_800, **values)

    def claimed(self) -> RefundRequest:
        request = self.in_review()
        return deciding.claim(request_id=request.pk, by=of_staff(self.person(Role.REVIEWER)), at=timezone.now())

    def approved(self) -> RefundRequest:
        request = self.in_review()
        return deciding.approve(
            request_id=request.pk, by=of_staff(self.person(Role.MANAGER)), at=timezone.now(), version=request.version
        )

    def asked_for_more(self, request: RefundRequest | None = None) -> RefundRequest:
        """The customer has to send more; by default about a new request."""
        request = request or self.in_review()
        deciding.request_info(
            request_id=request.pk,
            by=of_staff(self.person(Role.REVIEWER)),
            at=timezone.now(),
            version=request.version,
            message="请补一张面板的照片",
        )
        return fresh(request)

    def asked_for_goods(self) -> RefundRequest:
        """The customer has to bring the goods back."""
        request, by = self.in_review(), of_staff(self.person(Role.REVIEWER))
        returns.ask(request_id=request.pk, by=by, at=timezone.now(), version=request.version, message="请带包装")
        return fresh(request)

    def goods_here(self) -> RefundRequest:
        """The goods are there, and nobody has looked at them."""
        request = self.asked_for_goods()
        returns.receive(request_id=request.pk, by=of_staff(self.person(Role.CASHIER)), at=timezone.now())
        return fresh(request)

    def offered(self, *, taken: bool = False) -> RefundRequest:
        """Offered an exchange; ``taken``: the customer has accepted it."""
        request, by = self.in_review(), of_staff(self.person(Role.REVIEWER))
        said: dict[str, Any] = {"request_id": request.pk, "at": timezone.now()}
        offers.offer(**said, by=by, kind="exchange", message="换一台", version=request.version)
        if taken:
            offers.answer(**said, by=of_customer(request), accepted=True)
        return fresh(request)

    def paid(self) -> RefundRequest:
        """Paid by the channel."""
        request = self.approved()
        self._worked_on(request, until=lambda: fresh(request).state == "refunded")
        return fresh(request)

    def failed(self) -> RefundRequest:
        return failed(self.approved())

    def half_paid(self) -> RefundRequest:
        """Of an order paid by two payments: the first leg is paid, the second was refused."""
        first, _ = plans.payments_of(self.merchant, self.account)
        request = plans.ask(first)
        request = deciding.approve(
            request_id=request.pk, by=of_staff(self.person(Role.MANAGER)), at=timezone.now(), version=request.version
        )
        return plans.answer(plans.answer(request, 1), 2, "refused")

    def by_hand(self, route: str = "cash") -> RefundRequest:
        """Approved, and waits for a person to pay it."""
        return hand.waiting(route, sale=hand.sale_for(self.merchant, route))

    def stuck(self) -> RefundRequest:
        """Taken by the channel, which then could not deliver it."""
        self.wechat.control("POST", "/faults", {"operation": "refund", "fault": "abnormal", "times": 1})
        request = self.approved()
        self._worked_on(request, until=lambda: Execution.objects.get(request=request).needs_attention)
        return fresh(request)

    def lost(self) -> RefundRequest:
        """Sent, and for ten minutes no answer came that proves anything."""
        request = self.approved()
        (claimed,) = payouts.claim(limit=10, at=timezone.now())
        lost = Unknown(code="timeout", message="no answer")
        answer = payouts.Answer(claimed.execution_id, request.pk, claimed.account_id, lost, "answer", turn=claimed.turn)
        payouts.settle([answer], at=timezone.now() + timedelta(minutes=10))
        return fresh(request)

    def found_in_portal(self, *, paid: bool) -> RefundRequest:
        """Lost, and somebody of finance has said what the portal shows."""
        request = self.lost()
        finding = Finding(paid=paid, channel_refund_no="5030", paid_at=timezone.now()) if paid else Finding(paid=False)
        return ending.propose(
            request_id=request.pk,
            finding=finding,
            picture=files.read_picture(upload=pictures.upload()),
            by=of_staff(self.person(Role.FINANCE)),
            at=timezone.now(),
            version=request.version,
        )

    def _worked_on(self, request: RefundRequest, *, until: Callable[[], bool]) -> None:
        """As the drain loop does it, in this thread: what the channel is asked, and what it says."""
        deadline = timezone.now() + timedelta(seconds=30)
        while not until():
            assert timezone.now() < deadline, Execution.objects.filter(request=request).values()
            Execution.objects.filter(request=request, due_at__isnull=False).update(due_at=timezone.now())
            for claimed in payouts.claim(limit=10, at=timezone.now()):
                adapter: Any = adapter_for(claimed.account_id, claimed.account_revision)
                payouts.settle([payouts.ask(claimed, adapter)], at=timezone.now())

    def notice(self) -> tuple[RefundRequest, dict[str, str], bytes]:
        """A refund that the channel was asked for, and the notice about it as the channel signed it: headers and body."""
        heard: SimpleQueue[tuple[dict[str, str], bytes]] = SimpleQueue()
        with _listening(heard) as address, override_settings(BASE_URL=address):
            request = self.approved()
            for claimed in payouts.claim(limit=10, at=timezone.now()):
                adapter: Any = adapter_for(claimed.account_id, claimed.account_revision)
                payouts.settle([payouts.ask(claimed, adapter)], at=timezone.now())
            headers, body = heard.get(timeout=30)
        return request, headers, body

    def picture_of(self, request: RefundRequest) -> Evidence:
        picture = files.read_picture(upload=pictures.upload())
        (row,) = files.add(request_id=request.pk, pictures=[picture], by=of_customer(request), at=timezone.now())
        return row

    def link(self, request: RefundRequest, what: str = "") -> str:
        return f"/r/{tracking.token_for(request.pk)}{what}"

    # --- a day to reconcile ----------------------------------------------------------------------------------------------

    @property
    def day_path(self) -> str:
        return f"/desk/reconciliation/{self.account.code}/{DAY}"

    @property
    def day(self) -> ReconciliationDay:
        return days.day_for(merchant_id=self.merchant.pk, account_code=self.account.code, day=DAY)

    def moved_on_the_day(self, *, portal: bool = False) -> None:
        """The day at the channel: a refund of ours, paid; with ``portal`` one that somebody made in the channel's portal."""
        noon = datetime.combine(DAY, time(12), SHANGHAI)
        sale = self.sale(paid_at=noon - timedelta(hours=2), channel_transaction_no=f"4200{uuid4().int % 10**17:017d}")
        request = make_request(sale, 1_200, at=noon)
        payouts.claim(limit=100, at=noon)
        payout = Execution.objects.get(request=request)
        proof = Done(
            refund_no=payout.refund_no,
            channel_refund_no=f"503{payout.refund_no[-12:]}",
            amount_fen=payout.amount_fen,
            succeeded_at=noon,
            raw="{}",
        )
        answer = payouts.Answer(payout.pk, request.pk, payout.channel_account_id, proof, "query")
        # Heard of now: what follows from it is not overdue.
        payouts.settle([answer], at=timezone.now())
        payout.refresh_from_db()
        past = [(payout.refund_no, payout.channel_refund_no, 1_200)]
        if portal:
            past.append(("PORTAL20260001", "5099000000001", 2_000))
        rows = [
            {
                "order_no": sale.order_no,
                "refund_no": ours,
                "channel_refund_no": theirs,
                "amount_fen": amount,
                "moved_at": noon.isoformat(),
            }
            for ours, theirs, amount in past
        ]
        self.wechat.control("POST", "/past", {"refunds": rows})
        days.day_made(account=self.account, day=DAY)

    def statement(self, kind: BillKind = BillKind.REFUNDS) -> SimpleUploadedFile:
        """The channel's own file of the day, as somebody would get it from the portal."""
        return SimpleUploadedFile("bill.csv", raw_statement(self.account, kind), content_type="text/csv")

    def compared(self, *, portal: bool = False) -> ReconciliationDay:
        """The day with its statement taken in."""
        self.moved_on_the_day(portal=portal)
        file: Any = io.BytesIO(raw_statement(self.account, BillKind.REFUNDS))
        importing.upload(
            account=self.account, day=DAY, file=file, by=of_staff(self.person(Role.FINANCE)), at=timezone.now()
        )
        return self.day

    def difference(self) -> Difference:
        self.compared(portal=True)
        return Difference.objects.get(Q(kind="channel_only"))


@contextmanager
def _listening(heard: SimpleQueue[tuple[dict[str, str], bytes]]) -> Iterator[str]:
    """An address where a channel's notices are written down."""

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.put((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Tests print nothing."""

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def raw_statement(account: ChannelAccount, kind: BillKind = BillKind.REFUNDS, *, day: date = DAY) -> bytes:
    """The bytes of the channel's statement of the day."""
    with importing.statements_of(account).download_bill(day=day, kind=kind) as statement:
        file: Any = getattr(statement, "_file")  # noqa: B009 -- the contract hands out rows only
        file.seek(0)
        content: bytes = file.read()
    return content


def in_days(days: int) -> str:
    """As a browser's field for an instant says it."""
    return timezone.localtime(timezone.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def fresh(request: RefundRequest) -> RefundRequest:
    return RefundRequest.objects.get(pk=request.pk)


def text_of(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(content.decode(errors="replace"))
