"""Idempotency-Key: the first answer to a POST is kept 24 hours and given again.

The record is written in the commit of what the POST makes; nobody looks for it before. A second POST runs into the unique
index, waits for the first to commit, and is answered from its record.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from api.bodies import Kept, as_json
from api.caller import Caller
from api.fields import refused
from core.errors import Conflict, Invalid
from core.unsaved import unsaved
from refunds.models import IdempotencyRecord

HEADER = "Idempotency-Key"

#: What long answers are packed against. Never changed, or those that were kept could not be read: another goes beside it, with
#: a mark of its own.
_LIKE = Path(__file__).with_name("kept_answer.json").read_bytes()
PACKED = "packed1"
# A copy of one that has read it costs half of making one.
_DEFLATE = zlib.compressobj(3, wbits=13, memLevel=6, zdict=_LIKE)


class KeyReused(Invalid, code="idempotency_key_reused"):
    """The key was used for another request."""


def key_of(request: Request) -> str:
    """The request's key. Raises ``ValidationError`` when it is missing or not 1 to 255 visible ASCII characters."""
    key = request.headers.get(HEADER, "")
    # A client that adds the header anew with each try sends it twice by the second; the server makes one line of them.
    if "," in key and len(parts := {part.strip() for part in key.split(",")} - {""}) == 1:
        (key,) = parts
    if not key:
        raise refused("idempotency_key_missing", HEADER)
    if len(key) > 255 or not key.isascii() or not key.isprintable():
        raise refused("idempotency_key_invalid", HEADER)
    return key


def record(request: Request, caller: Caller, key: str, *, status: int, body: Any, at: datetime) -> IdempotencyRecord:
    """The record of a first answer, to be stored with what it made."""
    return unsaved(
        IdempotencyRecord,
        principal=caller.principal,
        key=key,
        fingerprint=_fingerprint(request),
        status=status,
        body=as_json(body),
        created_at=at,
    )


def packed(text: str, *, of: UUID) -> dict[str, str]:
    """A long answer as the body that is kept: the database would pack it by itself, at ten times the cost. ``of`` is what it
    says was made.
    """
    deflate = _DEFLATE.copy()
    return {PACKED: b64encode(deflate.compress(text.encode()) + deflate.flush()).decode(), "id": str(of)}


def _answered(body: str) -> str:
    """The answer that is kept in ``body``, to the byte."""
    if not body.startswith(f'{{"{PACKED}":'):
        return body
    kept = b64decode(json.loads(body)[PACKED])
    return zlib.decompressobj(wbits=13, zdict=_LIKE).decompress(kept).decode()


def answer_once(
    request: Request, caller: Caller, make: Callable[[], tuple[int, Any]], *, hidden: Sequence[str] = ()
) -> Response:
    """Status and body that ``make`` gives for one key, kept in the commit of what it made; to a repeat the first answer. What
    is ``hidden`` is told once and not kept.
    """
    key = key_of(request)
    try:
        with transaction.atomic():
            status, body = make()
            kept = {**body, **dict.fromkeys(hidden)} if hidden else body
            record(request, caller, key, status=status, body=kept, at=timezone.now()).save(force_insert=True)
    except (Conflict, Invalid, IntegrityError):
        # What the first made stands against itself (a code that is taken by now): its answer is told before the refusal.
        if not is_known(caller, key):
            raise
        return replay(request, caller, key)
    return Response(body, status=status)


def is_known(caller: Caller, key: str) -> bool:
    """Whether a first answer was kept under this key."""
    return IdempotencyRecord.objects.filter(principal=caller.principal, key=key).exists()


def replay(request: Request, caller: Caller, key: str) -> Response:
    """The first answer again. Raises ``KeyReused`` when the payload is another."""
    first = IdempotencyRecord.objects.get(principal=caller.principal, key=key)
    if bytes(first.fingerprint) not in (_fingerprint(request, encoded=way) for way in _WAYS):
        raise KeyReused("this Idempotency-Key was used for another request")
    response = Kept(_answered(first.body), status=first.status)
    response["Idempotent-Replayed"] = "true"
    return response


def _fingerprint(request: Request, *, encoded: Callable[[Any], bytes] | None = None) -> bytes:
    text = (encoded or _encoded)(request.data)
    return hashlib.sha256(f"{request.method} {request.path}\n".encode() + text).digest()


def _encoded(data: Any) -> bytes:
    """The one text of a body; a form, and a number of more than 64 bits, are not for the quick library."""
    if isinstance(data, QueryDict):
        return _encode(data).encode()
    try:
        text = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        # A client that writes 1 once and 1.0 the next time repeats itself; a text that looks so is walked for nothing.
        return orjson.dumps(_plain(data), option=orjson.OPT_SORT_KEYS) if b".0" in text else text
    except TypeError:
        return _encode(_plain(data)).encode()


def _plain(value: Any) -> Any:
    """The same with whole numbers as such, however they were written: ``1``, ``1.0`` and ``1e0`` are one."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _stand_in(value: Any) -> str:
    """What JSON cannot hold: a file counts by its content, whatever it is called."""
    if isinstance(value, UploadedFile):
        value.seek(0)
        digest = hashlib.file_digest(value, "sha256").hexdigest()
        value.seek(0)
        return digest
    return str(value)


def _as_written(data: Any) -> bytes:
    """The text until ``1`` and ``1.0`` were one."""
    return _encode(data).encode()


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_stand_in).encode
#: The text of a body is compared as it is written now, then as it was before: keys outlive an update by a day, and who repeats
#: a call across it repeats it. Whoever changes ``_encoded`` leaves its way of until then here.
_WAYS: tuple[Callable[[Any], bytes], ...] = (_encoded, _as_written)
