"""The API and the notices alone: their tests do not need the pages."""

from django.urls import include, path, re_path

from api import problems
from api.channel_notices import channel_notice

urlpatterns = [
    path("api/v1/", include("api.urls")),
    re_path("^/*[Aa][Pp][Ii]/", problems.not_found),
    path("channels/<str:channel>/<str:account>/notices", channel_notice),
]
