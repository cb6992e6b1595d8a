"""``python -m simulators.unionpay``."""

from __future__ import annotations

import sys

from simulators.kit.runner import run
from simulators.unionpay.simulator import UnionpaySimulator

if __name__ == "__main__":
    sys.exit(run(UnionpaySimulator))
