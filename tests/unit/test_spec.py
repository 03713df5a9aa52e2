"""Package specs: the grammar, and the reasons why everything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multistage_docker.debian.spec import (
    InvalidSpecError,
    Spec,
    parse_requirements,
    parse_spec,
    parse_specs,
)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("libpq5", Spec("libpq5")),
        ("g++", Spec("g++")),
        ("libstdc++6", Spec("libstdc++6")),
        ("libsigc++-2.0-0v5", Spec("libsigc++-2.0-0v5")),
        ("libssl3:i386", Spec("libssl3", architecture="i386")),
        ("nginx=1.22.1-9+deb12u1", Spec("nginx", version="1.22.1-9+deb12u1")),
        ("tzdata=1:2024a~rc1-0", Spec("tzdata", version="1:2024a~rc1-0")),
        ("nginx/bookworm-backports", Spec("nginx", suite="bookworm-backports")),
        ("libc6:i386=2.36-9", Spec("libc6", architecture="i386", version="2.36-9")),
        ("./app_1.0_amd64.deb", Spec("", path="./app_1.0_amd64.deb")),
        ("./dist/app_1%3a1.0~rc1+b1_amd64.deb", Spec("", path="./dist/app_1%3a1.0~rc1+b1_amd64.deb")),
    ],
)
def test_grammar(text: str, spec: Spec) -> None:
    """Each form of the grammar is understood, and written back as it was."""
    assert parse_spec(text) == spec
    assert str(spec) == text


HOSTILE = [
    ("", "empty"),
    (" ", "white space"),
    ("foo bar", "white space"),
    ("foo\nbar", "white space"),
    ("foo\n", "white space"),
    ("foo\x00", "control"),
    ("foo\x1b[2J", "control"),
    ("app-", "remove"),
    ("app:i386-", "remove"),
    ("app=1-", "remove"),
    ("app^", "task"),
    ("fo.*", "pattern"),
    ("^foo$", "pattern"),
    ("foo|bar", "pattern"),
    ("foo?", "pattern"),
    ("*", "pattern"),
    ("lib[ab]", "pattern"),
    ("(foo)", "pattern"),
    ("pkg=1*", "pattern"),
    ("?name(x)", "pattern"),
    ("~nfoo", "pattern"),
    ("~n x", "white space"),
    ("-oDpkg::Pre-Invoke::=touch", "option"),
    ("--allow-unauthenticated", "option"),
    ("-", "option"),
    ("..", "package file"),
    ("../x.deb", "package file"),
    ("./../x.deb", "package file"),
    ("./a/../../x.deb", "package file"),
    ("/srv/x.deb", "package file"),
    ("./x.rpm", "package file"),
    (".", "package file"),
    ("./", "package file"),
    ("/", "package file"),
    ("libé1", "ASCII"),
    ("ﬁle", "ASCII"),
    ("x" * 10_000, "10,000 characters"),
    ("LibPQ5", "lower case"),
    ("x", "two characters"),
    ("foo=", "expected"),
    ("foo/", "expected"),
    ("foo:", "expected"),
    ("foo=1/stable", "exclude each other"),
    ("foo/a/b", "expected"),
    ("foo==1", "expected"),
    ("foo>=1", "expected"),
    ("foo,bar", "expected"),
    ("foo;reboot", "expected"),
    ("`reboot`", "expected"),
    ("$(reboot)", "pattern"),
    ("foo:any", "one architecture"),
    ("foo#bar", "expected"),
    ("\ud800", "ASCII"),
]


@pytest.mark.parametrize(("text", "reason"), HOSTILE, ids=[f"{text[:20]!a}" for text, _ in HOSTILE])
def test_hostile_specs_are_refused(text: str, reason: str) -> None:
    """What apt would read as something else than one package is refused with the reason."""
    with pytest.raises(InvalidSpecError, match=reason) as caught:
        parse_spec(text)
    assert len(str(caught.value)) < 250


@given(st.text(max_size=40))
def test_whatever_is_accepted_is_one_plain_word(text: str) -> None:
    """No accepted spec can be taken for an option, a removal, a pattern or two words."""
    try:
        spec = parse_spec(text)
    except InvalidSpecError:
        return
    assert str(spec) == text
    assert not set(text) & set(" \t\r\n*?[]^$|()\\{}'\"`;&<>")
    assert text[0] not in "-~/"
    assert not spec.name.endswith("-")
    assert not (text.endswith("-") and not spec.path)


def test_repetitions_count_once() -> None:
    """The order is kept and a spec that comes twice is asked for once."""
    assert parse_specs(("b1", "a1", "b1")) == (Spec("b1"), Spec("a1"))


def test_two_versions_of_a_package_are_refused() -> None:
    """One package cannot have two versions."""
    with pytest.raises(InvalidSpecError, match="foo=1 is asked for as well"):
        parse_specs(("foo=1", "foo=2"))


def test_requirements() -> None:
    """Comments, blank lines, CRLF and a byte order mark are not packages; a # inside a word is no comment."""
    text = "\ufefflibpq5\r\n\r\n# comment\r\n  libyaml-0-2   # why\n\tnginx/stable\nfoo#bar"
    assert parse_requirements(text) == ("libpq5", "libyaml-0-2", "nginx/stable", "foo#bar")
