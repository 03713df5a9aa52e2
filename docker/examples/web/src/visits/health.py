"""The health check: exits 0 when the service answers and reaches its database."""

import os
import sys
import urllib.error
import urllib.request


def main() -> None:
    """Ask the service that runs beside this process."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/health", timeout=4).close()
    except urllib.error.URLError as error:
        sys.exit(f"unhealthy: {error}")
