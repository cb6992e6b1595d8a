"""Addresses of the customer's page, below ``/r/``. The token is the key: it is all that a visitor has and needs."""

from django.urls import path

from customer.apply import view as apply
from customer.refund import view

app_name = "customer"

urlpatterns = [
    path("apply/<str:token>", apply.start, name="apply"),
    path("apply/<str:token>/send", apply.send, name="apply-send"),
    path("<str:token>", view.refund, name="refund"),
    path("<str:token>/rate", view.rate, name="rate"),
    path("<str:token>/evidence", view.add_evidence, name="add_evidence"),
    path("<str:token>/answer", view.answer, name="answer"),
    path("<str:token>/arrived", view.arrived, name="arrived"),
    path("<str:token>/missing", view.missing, name="missing"),
    path("<str:token>/appeal", view.appeal, name="appeal"),
    path("<str:token>/account", view.name_account, name="account"),
    path("<str:token>/code", view.send_code, name="code"),
    path("<str:token>/erase", view.erase, name="erase"),
    path("<str:token>/help", view.ask_help, name="help"),
    path("<str:token>/parcel", view.send_goods, name="send_goods"),
    path("<str:token>/offer", view.answer_offer, name="answer_offer"),
    path("<str:token>/evidence/<uuid:evidence_id>", view.picture, name="picture"),
]
