"""Every address beside the desk and the API: the customer's page, the channels' notices, signing in, what machines read."""

from __future__ import annotations

from merchants.models import Role
from refunds.models import ChannelNotice, Execution, Survey
from refunds.payouts import notices
from tests import pictures
from tests.walk.cases import case
from tests.walk.stage import PASSWORD, Stage, fresh, text_of

# --- the customer -----------------------------------------------------------------------------------------------------


@case("GET", "/r/<str:token>")
def customer_page(stage: Stage) -> None:
    request = stage.paid()
    answer = stage.nobody().get(stage.link(request))
    assert (answer.status_code, "268.00" in text_of(answer)) == (200, True)


@case("POST", "/r/<str:token>/rate")
def rate(stage: Stage) -> None:
    request = stage.paid()
    answer = stage.nobody().post(stage.link(request, "/rate"), {"score": "4", "comment": "很快"})
    assert (answer.status_code, Survey.objects.get().comment) == (302, "很快")


@case("POST", "/r/<str:token>/evidence")
def customer_evidence(stage: Stage) -> None:
    request = stage.in_review()
    form = {"files": pictures.upload(), "message": "面板"}
    answer = stage.nobody().post(stage.link(request, "/evidence"), form)
    assert (answer.status_code, request.evidence.get().note) == (302, "面板")


@case("POST", "/r/<str:token>/answer")
def customer_answer(stage: Stage) -> None:
    request = stage.asked_for_more()
    form = {"files": pictures.upload(), "message": "这是照片"}
    answer = stage.nobody().post(stage.link(request, "/answer"), form)
    assert (answer.status_code, fresh(request).state, request.evidence.count()) == (302, "in_review", 1)


@case("POST", "/r/<str:token>/parcel")
def customer_parcel(stage: Stage) -> None:
    request = stage.asked_for_goods()
    form = {"carrier": "顺丰", "parcel_no": "SF12345"}
    answer = stage.nobody().post(stage.link(request, "/parcel"), form)
    assert (answer.status_code, request.goods_returns.get().state) == (302, "on_its_way")


@case("POST", "/r/<str:token>/offer")
def customer_offer(stage: Stage) -> None:
    request = stage.offered()
    answer = stage.nobody().post(stage.link(request, "/offer"), {"accepted": "1"})
    assert (answer.status_code, fresh(request).state) == (302, "cancelled")


@case("GET", "/r/<str:token>/evidence/<uuid:evidence_id>")
def customer_picture(stage: Stage) -> None:
    request = stage.in_review()
    piece = stage.picture_of(request)
    answer = stage.nobody().get(stage.link(request, f"/evidence/{piece.pk}"))
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")


# --- the channels -----------------------------------------------------------------------------------------------------


@case("POST", "/channels/<str:channel>/<str:account>/notices")
def notice(stage: Stage) -> None:
    request, headers, body = stage.notice()
    path = f"/channels/wechat/{stage.account.code}/notices"
    answer = stage.nobody(**headers).post(path, body, content_type="application/json")
    assert answer.status_code in {200, 204}, answer.content
    assert ChannelNotice.objects.get().refund_no == Execution.objects.get().refund_no
    notices.apply_waiting(at=stage.now())
    assert fresh(request).state == "refunded"


# --- signing in -------------------------------------------------------------------------------------------------------


@case("GET", "/")
def root(stage: Stage) -> None:
    assert stage.nobody().get("/")["Location"] == "/desk/start"


@case("GET", "/login")
def login_form(stage: Stage) -> None:
    assert "username" in text_of(stage.nobody().get("/login"))


@case("POST", "/login")
def login(stage: Stage) -> None:
    person = stage.person(Role.REVIEWER)
    client = stage.nobody()
    answer = client.post("/login", {"username": person.username, "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/desk/start")
    assert client.get("/desk").status_code == 200


@case("POST", "/logout")
def logout(stage: Stage) -> None:
    client = stage.browser(Role.REVIEWER)
    assert client.post("/logout")["Location"] == "/login"
    assert client.get("/desk")["Location"].startswith("/login")


@case("POST", "/i18n/setlang")
def language(stage: Stage) -> None:
    client = stage.browser(Role.REVIEWER)
    client.post("/i18n/setlang", {"language": "zh-hans", "next": "/desk"})
    assert 'lang="zh-Hans"' in text_of(client.get("/desk"))


# --- machines ---------------------------------------------------------------------------------------------------------


@case("GET", "/api/schema")
def schema(stage: Stage) -> None:
    answer = stage.nobody().get("/api/schema")
    assert (answer.status_code, "submit_refund_request" in text_of(answer)) == (200, True)


@case("GET", "/api/docs")
def docs(stage: Stage) -> None:
    answer = stage.nobody().get("/api/docs")
    assert (answer.status_code, "submit_refund_request" in text_of(answer)) == (200, True)


@case("GET", "/api/docs.md")
def docs_as_markdown(stage: Stage) -> None:
    answer = stage.nobody().get("/api/docs.md")
    assert (answer.status_code, "submit_refund_request" in text_of(answer)) == (200, True)


@case("GET", "/llms.txt")
def for_programs_that_read(stage: Stage) -> None:
    assert "/api/docs.md" in text_of(stage.nobody().get("/llms.txt"))


@case("GET", "/api/problems")
def problems(stage: Stage) -> None:
    assert "version_conflict" in text_of(stage.nobody().get("/api/problems"))


@case("GET", "/api")
def api_root(stage: Stage) -> None:
    assert stage.nobody().get("/api")["Location"] == "/api/docs"


@case("GET", "/^/*[Aa][Pp][Ii]/")
def api_nowhere(stage: Stage) -> None:
    answer = stage.nobody().get("/api/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@case("GET", "/healthz")
def healthz(stage: Stage) -> None:
    assert stage.nobody().get("/healthz").json()["status"] == "ok"


@case("GET", "/readyz")
def readyz(stage: Stage) -> None:
    # No worker runs beside these tests.
    assert stage.nobody().get("/readyz").json()["checks"]["database"] == "ok"


@case("GET", "/metrics")
def metrics(stage: Stage) -> None:
    stage.in_review()
    assert 'refunddesk_requests_waiting{state="in_review"}' in text_of(stage.nobody().get("/metrics"))
