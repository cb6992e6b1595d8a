"""The cache: who is looking, how often somebody tried. Nothing in it may stop a page, so it forgets when Redis is away."""

import functools
import logging
from collections.abc import Callable
from typing import Any

import redis
from django.core.cache.backends.redis import RedisCache

from core import redis_client

logger = logging.getLogger(__name__)


class ForgetfulCache(RedisCache):
    """Django's Redis cache that answers as an empty one while Redis does not answer; ``incr`` raises ``ValueError`` then, as for
    a key that is not there."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, {**params, "OPTIONS": {**redis_client.options(server), **params.get("OPTIONS", {})}})


def _forgiving(method: Callable[..., Any], answer: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def asked(self: ForgetfulCache, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except redis.RedisError as error:
            logger.log(redis_client.level_of(error), "cache unavailable, answered as if empty: %s", error)
            return answer(*args, **kwargs)

    return asked


def _default(_key: str, default: Any = None, *_rest: Any, **named: Any) -> Any:
    return named.get("default", default)


def _missing(key: str, *_rest: Any, **_named: Any) -> int:
    raise ValueError(f"the key {key} is not there")


#: What an empty cache would say; Django's other methods are made of these.
_EMPTY: dict[str, Callable[..., Any]] = {
    "add": lambda *_args, **_kwargs: False,
    "get": _default,
    "set": lambda *_args, **_kwargs: None,
    "touch": lambda *_args, **_kwargs: False,
    "delete": lambda *_args, **_kwargs: False,
    "get_many": lambda *_args, **_kwargs: {},
    "set_many": lambda data, *_args, **_kwargs: list(data),
    "delete_many": lambda *_args, **_kwargs: None,
    "has_key": lambda *_args, **_kwargs: False,
    "incr": _missing,
}

for _name, _answer in _EMPTY.items():
    setattr(ForgetfulCache, _name, _forgiving(getattr(RedisCache, _name), _answer))
