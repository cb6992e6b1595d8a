"""Where channels call back: ``POST /channels/<channel>/<account>/notices``."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from refunds.payouts import notices

_MAX_BYTES = 64_000


@csrf_exempt
@require_POST
def channel_notice(request: HttpRequest, channel: str, account: str) -> HttpResponse:
    """Pass the raw bytes on; the adapter says what to answer."""
    if int(request.headers.get("Content-Length") or 0) > _MAX_BYTES:
        return JsonResponse({"code": "FAIL", "message": "too large"}, status=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        reply = notices.receive(
            channel=channel, account_code=account, headers=headers, body=request.body, at=timezone.now()
        )
    except notices.UnknownAccount:
        return JsonResponse({"code": "FAIL", "message": "unknown account"}, status=404)
    return HttpResponse(reply.body, status=reply.status, content_type=reply.content_type)
