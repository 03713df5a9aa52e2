"""Counts visits in PostgreSQL: ``/`` counts and draws the number, ``/health`` asks whether it answers."""

from __future__ import annotations

import io
import os
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TABLE = "CREATE TABLE IF NOT EXISTS visit (at timestamptz NOT NULL DEFAULT now())"


def query(*statements: str) -> int:
    """Run statements in one transaction and return the single number that the last one yields."""
    with (
        closing(psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=3)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        for statement in statements:
            cursor.execute(statement)
        ((number,),) = cursor.fetchall()
        return int(number)


def drawn(text: str) -> bytes:
    """Return a JPEG with a line of text in it."""
    image = Image.new("RGB", (240, 60), "white")
    ImageDraw.Draw(image).text((10, 15), text, font=ImageFont.load_default(size=24), fill="black")
    stream = io.BytesIO()
    image.save(stream, "JPEG")
    return stream.getvalue()


def application(
    environ: dict[str, str], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    """Answer a request as WSGI (PEP 3333) has it."""
    status, kind, headers = "200 OK", "text/plain", []
    match environ["PATH_INFO"]:
        case "/":
            count = query(TABLE, "INSERT INTO visit DEFAULT VALUES", "SELECT count(*) FROM visit")
            kind, body = "image/jpeg", drawn(f"visit {count}")
            headers = [("X-Visit", str(count))]
        case "/health":
            body = f"{query('SELECT 1')}\n".encode()
        case _:
            status, body = "404 Not Found", b"not found\n"
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *headers])
    return [body]
