#!/usr/bin/env python
"""Django's command line for RefundDesk."""

import os
import sys

from django.core import checks
from django.core.management import execute_from_command_line

from core.audit import keys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    checks.register(keys.check_key)
    execute_from_command_line(sys.argv)
