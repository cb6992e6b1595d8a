"""Addresses of the customer's page, below ``/r/``. The token is the key: it is all that a visitor has and needs."""

from __future__ import annotations

from django.urls import path

from customer.refund import view

app_name = "customer"

urlpatterns = [
    path("<str:token>", view.refund, name="refund"),
    path("<str:token>/rate", view.rate, name="rate"),
    path("<str:token>/evidence", view.add_evidence, name="add_evidence"),
    path("<str:token>/answer", view.answer, name="answer"),
    path("<str:token>/parcel", view.send_goods, name="send_goods"),
    path("<str:token>/offer", view.answer_offer, name="answer_offer"),
    path("<str:token>/evidence/<uuid:evidence_id>", view.picture, name="picture"),
]
