"""Every address of the product. No trailing slashes."""

from __future__ import annotations

from csp.decorators import csp_update
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from api import problems
from api.channel_notices import channel_notice
from api.problem_page import problem_types
from config import health

# What is only looked at. Of a page, the library cannot even say its OPTIONS.
_LOOKS = ("get", "head")

# The library's stylesheet draws its arrows as data: pictures; no other page may.
api_docs = csp_update({"img-src": "data:"})(
    SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="api/docs.html", http_method_names=_LOOKS)
)

handler400 = "config.errors.bad_request"
handler403 = "desk.errors.forbidden"
handler404 = "desk.errors.not_found"
handler500 = "config.errors.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="desk:start", http_method_names=_LOOKS)),
    path("", include("desk.login_urls")),
    path("desk", include("desk.urls", namespace="desk")),
    path("r/", include("customer.urls", namespace="customer")),
    path("i18n/", include("desk.language_urls")),
    path("api/v1/", include("api.urls")),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", api_docs, name="docs"),
    path("api/problems", problem_types),
    path("api", RedirectView.as_view(pattern_name="docs", http_method_names=_LOOKS)),
    re_path("^api/", problems.not_found),
    path("channels/<str:channel>/<str:account>/notices", channel_notice),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
]
