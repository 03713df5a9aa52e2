"""Which release this system is, by os-release(5)."""

from __future__ import annotations

# The first releases whose libraries went through the 64-bit time_t transition: many got t64 in their names.
_FIRST_WITH_TIME64 = {"debian": 13.0, "ubuntu": 24.04}


def has_time64_names(os_release: str) -> bool:
    """Whether packages of libraries may end in ``t64``, given the text of /etc/os-release.

    Testing and unstable have no VERSION_ID: they are newer than any release. Derivatives count as what
    they say that they are like.
    """
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    values = {key: value.strip("'\"") for key, value in fields.items()}
    for name in (values.get("ID", ""), *values.get("ID_LIKE", "").split()):
        if name in _FIRST_WITH_TIME64:
            try:
                return float(values.get("VERSION_ID", "inf")) >= _FIRST_WITH_TIME64[name]
            except ValueError:
                return False
    return False
