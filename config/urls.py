"""Every address of the product. No trailing slashes."""

from django.urls import include, path, re_path
from django.views.decorators.http import require_POST
from django.views.generic import RedirectView
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView

from api import docs, problems
from api.channel_notices import channel_notice
from api.problems import problem_types
from config import health
from desk.join import view as join
from desk.sign_in import second
from desk.sign_in import view as sign_in

# What is only looked at.
_LOOKS = ("get", "head")

handler400 = "config.middleware.bad_request"
handler403 = "desk.errors.forbidden"
handler404 = "desk.errors.not_found"
handler500 = "config.middleware.server_error"

urlpatterns = [
    # First, for it is asked most.
    path("api/v1/", include("api.urls")),
    path("", RedirectView.as_view(pattern_name="desk:start", http_method_names=_LOOKS)),
    path("login", sign_in.SignIn.as_view(), name="login"),
    path("login/second", second.second, name="login-second"),
    path("login/enrol", second.enrol, name="login-enrol"),
    path("join/<str:token>", join.join, name="join"),
    path("logout", sign_in.SignOut.as_view(), name="logout"),
    path("desk", include("desk.urls", namespace="desk")),
    path("r/", include("customer.urls", namespace="customer")),
    # As Django does it, without a trailing slash to trip over.
    path("i18n/setlang", require_POST(set_language), name="set_language"),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", docs.docs, name="docs"),
    path("api/docs.md", docs.docs_as_markdown, name="docs-markdown"),
    path("llms.txt", docs.for_programs_that_read),
    path("api/problems", problem_types, name="problems"),
    path("api", RedirectView.as_view(pattern_name="docs", http_method_names=_LOOKS)),
    # Also where a base address that ended in a slash was put in front, or somebody wrote in capitals.
    re_path("^/*[Aa][Pp][Ii]/", problems.not_found),
    path("channels/<str:channel>/<str:account>/notices", channel_notice),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
]
