"""The image's health check: exit status 0 when the task's Web API answers.

Run as a program, with nothing but the interpreter: it is started again and again beside a painting.
"""

from __future__ import annotations

import os
import socket
import sys

TIMEOUT_S = 2.0
PORT_DEFAULT = 8000
OK = b"HTTP/1.1 200"


def answers(port: int) -> bool:
    """Whether ``GET /healthz`` on this machine's ``port`` is answered with 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return connection.recv(len(OK)) == OK
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if answers(int(os.environ.get("PORT") or PORT_DEFAULT)) else 1)
