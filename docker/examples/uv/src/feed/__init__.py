"""Shows which libyaml the extension loaded."""

from libyaml_version import version


def main() -> None:
    """Print the version of libyaml."""
    print(f"libyaml {version()}")
