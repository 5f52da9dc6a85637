"""``python -m worker``: the program of the NST task."""

from __future__ import annotations

import logging
import os
import sys

from worker.service.program import main

if __name__ == "__main__":
    code = main(os.environ)
    logging.shutdown()
    sys.stdout.flush()
    # Not sys.exit: an engine that was left behind still runs in its thread, and taking PyTorch down
    # under it can crash the process, which would read as a crash of the task.
    os._exit(code)
