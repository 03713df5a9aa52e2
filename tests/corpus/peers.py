"""What people use today to find the packages, written from the well-known descriptions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    """A way to list packages: a shell script, one line long, that prints one package a line.

    The script finds the path of the virtualenv as its first argument.
    """

    name: str
    title: str
    script: str

    def command(self, tree: str) -> tuple[str, ...]:
        """Return the argument list that lists the packages of the virtualenv at a path."""
        return ("sh", "-c", self.script, "sh", tree)


NOTHING = Peer("nothing", "nothing installed", "true")

# Looks up the bare names that ldd prints, so dpkg-query takes them for patterns.
CLASSIC = Peer(
    "classic",
    "ldd | dpkg-query -S",
    "find \"$1\" -type f -name '*.so' -print0 | xargs -0 -r ldd 2>/dev/null "
    "| awk '/=>/ {print $1}' | sort -u | xargs -r dpkg-query -S 2>/dev/null | cut -d: -f1 | sort -u",
)

# As the official python images do for /usr/local: executable files, one ldd each, paths without /usr.
OFFICIAL = Peer(
    "official",
    "ldd | dpkg-query --search, as in the official images",
    "find \"$1\" -type f -executable -exec ldd {} ';' 2>/dev/null "
    '| awk -v "tree=$1/" \'/=>/ {path = $(NF-1); if (index(path, tree) != 1 && path !~ "^/usr/local/") '
    '{sub("^/(usr/)?", "", path); print "*" path}}\' | sort -u '
    "| xargs -r dpkg-query --search 2>/dev/null "
    '| awk \'sub(":$", "", $1) {print $1}\' | cut -d: -f1 | sort -u',
)

# The best that can be made of these lines: libraries and executables alike, whole file names for dpkg-query.
CAREFUL = Peer(
    "careful",
    "ldd | dpkg-query --search, with care",
    "find \"$1\" -type f \\( -executable -o -name '*.so*' \\) -exec ldd {} ';' 2>/dev/null "
    "| awk '/=>/ {sub(/^.*\\//, \"*/\", $3); print $3}' | sort -u "
    "| xargs -r dpkg-query --search 2>/dev/null | cut -d: -f1 | sort -u",
)

# Names no packages: what it takes to follow the libraries alone.
LIBTREE = Peer(
    "libtree",
    "libtree, which names no packages",
    "find \"$1\" -type f -name '*.so*' -print0 | xargs -0 -r libtree",
)

SHLIBDEPS = "shlibdeps"
SHLIBDEPS_TITLE = "dpkg-shlibdeps"

# On a whole tree at once; in the working directory it makes the source package that it wants around it. The
# corpus asks in another way (corpus.inside.shlibdeps), which gets an answer where this one is refused.
SHLIBDEPS_AT_ONCE = Peer(
    SHLIBDEPS,
    SHLIBDEPS_TITLE,
    "mkdir -p debian && printf 'Source: a\\n\\nPackage: a\\nArchitecture: any\\n' > debian/control "
    "&& find \"$1\" -type d -name '*.libs' -printf '-l%p\\n' > directories "
    "&& find \"$1\" -type f -name '*.so*' -printf '-e%p\\n' "
    "| xargs dpkg-shlibdeps -O --ignore-missing-info $(cat directories)",
)

SCRIPTED = (NOTHING, CLASSIC, OFFICIAL)
TITLES = {**{peer.name: peer.title for peer in SCRIPTED}, SHLIBDEPS: SHLIBDEPS_TITLE}


def parse_packages(text: str) -> tuple[str, ...]:
    """Return the packages that a script printed, one or more a line, commas between several owners."""
    words = text.replace(",", " ").split()
    return tuple(sorted({word.partition(":")[0] for word in words if word}))
