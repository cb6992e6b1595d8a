"""``python -m simulators.terminal``."""

import sys

from simulators.terminal.server import main

if __name__ == "__main__":
    sys.exit(main())
