"""``python -m simulators.mailbox``."""

from __future__ import annotations

import sys

from simulators.mailbox.server import main

if __name__ == "__main__":
    sys.exit(main())
