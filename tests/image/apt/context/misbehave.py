"""Serves a directory over HTTP on loopback and misbehaves on order.

usage: misbehave.py DIRECTORY PORT [ORDERS]

ORDERS is JSON: end of a path -> list of what to do with the next requests for it, one each; a last "*"
repeats the one before it for ever. Done: 404, 500, cut (half of the file), corrupt (other bytes of the same
length), drip (slowly), expired and future (another Release file). Every request is logged to stderr.
"""

from __future__ import annotations

import json
import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(sys.argv[1])
ORDERS: dict[str, list[str]] = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}


def next_order(path: str) -> str:
    """Return what to do with this request."""
    for end, orders in ORDERS.items():
        if path.endswith(end) and orders:
            return orders[0] if orders[1:] == ["*"] else orders.pop(0)
    return ""


class Handler(BaseHTTPRequestHandler):
    """Answers GET."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send the file, or do what was ordered."""
        order = next_order(self.path)
        path = ROOT / self.path.lstrip("/").removeprefix("./")
        if order in {"expired", "future"}:
            path = path.with_name(f"{path.name}.{order}")
        if order.isdigit() or not path.is_file():
            self.send_error(int(order) if order.isdigit() else HTTPStatus.NOT_FOUND)
            return
        content = path.read_bytes()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if order == "corrupt":
            content = bytes(byte ^ 1 for byte in content)
        if order == "cut":
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return
        step = max(1, len(content) // 20) if order == "drip" else len(content)
        for start in range(0, len(content), step):
            self.wfile.write(content[start : start + step])
            self.wfile.flush()
            time.sleep(0.25 if order == "drip" else 0)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
