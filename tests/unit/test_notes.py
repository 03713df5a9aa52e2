"""What find-libdeps says besides its result."""

from __future__ import annotations

from dataclasses import replace

from multistage_docker.elf.scan import Skip, SkippedFile
from multistage_docker.notes import details, optional_problems, problems, remarks, warnings
from multistage_docker.python.interpreter import Misfit
from multistage_docker.report import Gap, Verdict
from support.reports import EVERYTHING, NOTHING, requirement

SOUND = Verdict((), (), (), (), (), unrunnable=False)


def test_nothing_to_say() -> None:
    """A complete result needs no warning and no remark."""
    assert [*warnings(NOTHING), *remarks(NOTHING)] == []


def test_warnings() -> None:
    """Each missing or unpackaged library and each doubtful file is one line that says what to do."""
    missing, unpackaged, *others = warnings(EVERYTHING)
    assert missing.startswith(
        "libGL.so.1 is missing on this system: needed by site/cv2.so (opencv-python 4.10)"
    )
    assert "and 1 more file" in missing
    assert "--exclude" in missing
    assert unpackaged == (
        "/usr/local/lib/libown.so belongs to no package: needed by site/own.so; copy it into the final image"
    )
    assert any(text.startswith("/app/text.so: no ELF file") for text in others)
    assert any(text.startswith("/app/torn.so: malformed ELF file: truncated") for text in others)
    assert any(text.startswith("site/here.so has an empty or relative entry") for text in others)
    assert not any("arm.so" in text or "libmysql" in text for text in others)


def test_a_search_that_failed_is_not_recommended_again() -> None:
    """Who asked for --resolve-missing and got an error is not told to ask for it."""
    error, missing, *_ = warnings(replace(EVERYTHING, lookup_error="no network"))
    assert error == "no network"
    assert "could not be searched" in missing
    assert "--resolve-missing" not in missing


def test_remarks() -> None:
    """What only plugins miss is one note, and nothing that is required as well."""
    assert list(remarks(EVERYTHING)) == ["1 missing library only for plugins: libmysql.so"]
    both = (requirement("liba.so", "", "plugins/x.so", plugin=True), requirement("liba.so", "", "x.so"))
    assert list(remarks(replace(NOTHING, missing=both))) == []


def test_a_long_remark_is_cut() -> None:
    """Of many libraries the first few are named."""
    many = tuple(requirement(f"lib{n}.so", "", "plugins/x.so", plugin=True) for n in range(10, 30))
    (text,) = remarks(replace(NOTHING, missing=many))
    assert text.startswith("20 missing libraries only for plugins: lib10.so, ")
    assert text.endswith("lib17.so, …")


def test_details() -> None:
    """Counts, preloaded libraries, the interpreter's own, and files that are left out with good reason."""
    assert list(details(EVERYTHING)) == [
        "5 ELF files among 1,234 files",
        "libcuda.so.1 for site/torch.so is met by nvidia/libcuda.so.1, if that has been loaded before",
        "/opt/libpython3.11.so.1.0 belongs to the Python interpreter",
        "arm.so is left out: built for a machine that this system cannot run (aarch64)",
    ]


def test_problems() -> None:
    """A check names each missing library, symbol version and interpreter on a line of its own."""
    verdict = replace(
        SOUND,
        gaps=(
            Gap(requirement("liba.so", "", "a.so")),
            Gap(requirement("liba.so", "", "b.so")),
            Gap(requirement("libc.so.6", "/lib/libc.so.6", "a.so"), "GLIBC_2.38"),
        ),
        misfits=(Misfit("/app", "/usr/bin/python3.12", "3.11"), Misfit("/app", "/gone/python3")),
        unrunnable=True,
    )
    texts = list(problems(verdict))
    assert [text.split(": ")[0].split(",")[0] for text in texts] == [
        "/app was made for Python 3.11",
        "/app needs the interpreter /gone/python3",
        "the files are built for another machine than this one",
        "liba.so is missing",
        "GLIBC_2.38 is not defined by /lib/libc.so.6",
    ]
    assert not verdict.is_sound


def test_a_problem_names_the_package_of_any_alternative() -> None:
    """A stem for find_library says nothing of a package's name, but the soname beside it does."""
    opened = replace(requirement("magic", "", "a.py"), alternatives=("magic", "libmagic.so.1"))
    (text,) = problems(replace(SOUND, gaps=(Gap(opened),)))
    assert "perhaps libmagic1" in text


def test_a_sound_verdict() -> None:
    """What only plugins lack, and what was passed by, is no problem."""
    verdict = replace(
        SOUND,
        optional_gaps=(Gap(requirement("liba.so", "", "plugins/a.so", plugin=True)),),
        skipped=(SkippedFile("/app/x.so", Skip.NOT_ELF),),
    )
    assert verdict.is_sound
    assert list(problems(verdict)) == []
    assert len(list(optional_problems(verdict))) == 1
