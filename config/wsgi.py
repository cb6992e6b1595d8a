"""WSGI entry point for gunicorn."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from config.whole_bodies import with_length, with_text_charset
from core.audit import keys
from core.database import timeouts

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = with_text_charset(with_length(get_wsgi_application()))
timeouts.use("web")
keys.refuse_another_key()

# Every page is imported before the workers fork: shared by them, and no first request waits for it.
_ = get_resolver().url_patterns

# What is loaded by now stays for the life of the process: the collector need not look at it again, and looking would copy the
# memory that the workers share with the process they were forked from. Requests leave few cycles behind.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 50)
