"""What every provider is made of."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.utils.functional import Promise

from refunds.telling.carriers import Carrier, DeliveryFailed, Text

_NAMED = re.compile(r"\{(\w+)\}")
#: Longer than a provider takes to answer, shorter than the lease of a message that is being sent.
TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class Template:
    """A text that a provider has approved; ``{amount}`` and the like stand where it has its variables."""

    id: str
    text: str

    @property
    def names(self) -> list[str]:
        """Its variables, in order, each once."""
        return list(dict.fromkeys(_NAMED.findall(self.text)))

    def filled(self, values: Mapping[str, str]) -> str:
        return _NAMED.sub(lambda name: values.get(name[1], ""), self.text)


Templates = Mapping[str, Template]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """``fields`` are what a contract gives, ``secrets`` those of them that are never shown again, ``optional`` those that may be
    left out. ``sdk`` is the module of its SDK, an extra; "": none is needed.
    """

    kind: str
    label: Promise
    medium: str
    fields: tuple[str, ...]
    secrets: tuple[str, ...]
    carrier: Callable[[Mapping[str, str], Templates], Carrier]
    optional: tuple[str, ...] = ()
    sdk: str = ""

    @property
    def is_installed(self) -> bool:
        return not self.sdk or find_spec(self.sdk) is not None


def sdk(module: str) -> Any:
    """A module of an SDK, imported when it is first needed. Raises ``DeliveryFailed``."""
    try:
        return import_module(module)
    except ImportError as error:
        raise DeliveryFailed("the provider's SDK is not installed", setting=True) from error


def template(templates: Templates, text: Text) -> Template:
    """The one of this message. Raises ``DeliveryFailed``."""
    found = templates.get(text.key)
    if found is None:
        raise DeliveryFailed(f"no template for {text.key}", setting=True)
    return found


def failed(name: str, code: str, *, final: frozenset[str], setting: tuple[str, ...]) -> DeliveryFailed:
    """By the provider's code: ``final`` ends the message, what begins like one of ``setting`` is for the merchant to mend."""
    return DeliveryFailed(f"{name}: {code}"[:120], permanent=code in final, setting=code.startswith(setting))
