import sys

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured

from core.audit import keys


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        try:
            keys.ring()
        except ImproperlyConfigured as error:
            # Web, workers, beat and commands all pass here. A sentence helps, a traceback does not.
            sys.exit(str(error))
