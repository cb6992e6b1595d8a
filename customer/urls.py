"""Addresses of the customer's page, below ``/r/``. The token is the key: it is all that a visitor has and needs."""

from __future__ import annotations

from django.urls import path

from customer import views

app_name = "customer"

urlpatterns = [
    path("<str:token>", views.refund, name="refund"),
    path("<str:token>/rate", views.rate, name="rate"),
    path("<str:token>/evidence", views.add_evidence, name="add_evidence"),
    path("<str:token>/answer", views.answer, name="answer"),
    path("<str:token>/evidence/<uuid:evidence_id>", views.picture, name="picture"),
]
