"""The API and the notices alone: their tests do not need the pages."""

from django.urls import include, path, re_path

from refunds.api import problems
from refunds.notice_endpoint import channel_notice

urlpatterns = [
    path("api/v1/", include("refunds.api.urls")),
    re_path("^api/", problems.not_found),
    path("channels/<str:channel>/<str:account>/notices", channel_notice),
]
