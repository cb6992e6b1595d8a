"""``python -m simulators.wechat``."""

from __future__ import annotations

import sys

from simulators.kit.runner import run
from simulators.wechat.simulator import WechatSimulator

if __name__ == "__main__":
    sys.exit(run(WechatSimulator))
