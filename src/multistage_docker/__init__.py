"""Compact multi-stage Docker images for Python: the Debian packages that a virtualenv needs, and only those."""

__version__ = "0.1.0"
