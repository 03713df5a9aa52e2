"""A small application that shows whether the shared libraries that it was compiled against are there."""

from __future__ import annotations

import hashlib
import io

import psycopg2.extensions
from PIL import Image, ImageDraw, ImageFont


def libpq() -> str:
    """Return the version of the libpq that is loaded, such as ``15.10``."""
    number: int = psycopg2.extensions.libpq_version()
    return f"{number // 10000}.{number % 10000}"


def rendered(image_format: str) -> bytes:
    """Return a picture with a line of text in it, in one of Pillow's formats."""
    image = Image.new("RGB", (320, 80), "white")
    font = ImageFont.load_default(size=24)
    ImageDraw.Draw(image).text((10, 20), "multi-stage", font=font, fill="black")
    stream = io.BytesIO()
    image.save(stream, image_format)
    return stream.getvalue()


def main() -> None:
    """Print libpq's version and the checksums of a rendered image, each format written by another library."""
    print(f"libpq {libpq()}")
    for image_format in ("PNG", "JPEG", "WEBP"):
        print(f"{image_format} sha256 {hashlib.sha256(rendered(image_format)).hexdigest()}")
