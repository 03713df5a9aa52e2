"""The calls of a module that open libraries -> the names that they ask for, gathered by purpose."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from multistage_docker.python.calls import Frame, parameters
from multistage_docker.python.evaluate import Evaluator
from multistage_docker.python.libnames import in_order, is_literal, is_stem
from multistage_docker.python.module import Module, Reader, Scope, Site
from multistage_docker.python.values import Found, Possible, Sequence, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DEEPEST = 4

_WINDOWS = re.compile(r"(?i)(?:^|\.)(?:windll|oledll|windll_?loader|win32\w*|winreg)\.")
_LITERAL_OPENERS = frozenset(("CDLL", "PyDLL", "LoadLibrary"))
_OPENER_NAMES = _LITERAL_OPENERS | {"dlopen", "find_library"}
# Wrappers of other modules, by the names that people give them.
_WRAPPER = re.compile(
    r"(?i)^_*(?:\w*dlopen\w*|(?:try_|safe_|lazy_)*(?:load|open|locate|import)_?(?:\w+_)?"
    r"(?:lib|libs|library|libraries|dll|so)(?:_\w+)?|dll)$"
)
# Arguments by which a wrapper is told that the library need not be there, or need.
_FORGIVING = re.compile(
    r"^(?:allow_(?:fail\w*|missing)|optional|is_optional|missing_ok|ignore_(?:missing|errors?))$"
)
_DEMANDING = re.compile(r"^(?:required|is_required|must_exist|raise_\w+|fatal)$")
_NAMING = frozenset(("name", "names", "lib", "library", "libname", "libnames", "libraries", "candidates"))
# A name of a Python module: these come to loaders of extension modules.
_MODULE = re.compile(r"\.[A-Za-z_]")
_NUMPY = ("numpy.", "np.")


class How(Enum):
    """The way in which code asks for a library; the values are for people."""

    CDLL = "ctypes.CDLL"
    FIND_LIBRARY = "ctypes.util.find_library"
    DLOPEN = "dlopen"
    WRAPPER = "a function of its own that opens libraries"


@dataclass(frozen=True, slots=True, order=True)
class OpenedName:
    """A library that code opens by name.

    ``alternatives`` are names for one purpose: the code takes the first that it finds. A name with
    ``.so`` in it is what dlopen(3) takes; one without is what ``ctypes.util.find_library`` takes.
    ``line`` is where the file asks for it, counted from 1. ``is_optional`` says that the call itself allows
    for a library that is not there, as ``allow_fail=True`` does.
    """

    line: int
    alternatives: tuple[str, ...]
    how: How
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class _Opening:
    """What one call asks for: names for one purpose, and the find_library calls that they came from."""

    names: tuple[str, ...]
    how: How
    found_by: frozenset[int]
    is_optional: bool = False


class Search:
    """Finds what the module of one syntax tree opens."""

    def __init__(self, tree: ast.Module) -> None:
        self._module = Module()
        self._evaluator = Evaluator(self._module)
        self._calls = self._evaluator.calls
        Reader(self._module, lambda scope, test: self._evaluator.holds(Frame(scope), test)).read(tree)
        self._evaluator.is_final = True
        self._opening_scopes = self._scopes_that_open()

    def _scopes_that_open(self) -> set[int]:
        """Return the ids of the functions that open libraries, or call a function that does."""
        scopes = self._module.scopes
        called = {
            id(scope): [
                function for site in scope.sites for function in self._calls.functions(site.call.func)
            ]
            for scope in scopes
        }
        opening = {id(scope) for scope in scopes if any(_may_be_opener(scope, site) for site in scope.sites)}
        size = -1
        while len(opening) > size:
            size = len(opening)
            opening |= {key for key, several in called.items() if any(id(one) in opening for one in several)}
        return opening

    def opened(self) -> tuple[OpenedName, ...]:
        """Return what the module opens, sorted by line."""
        found: dict[tuple[int, int, str], list[tuple[int, _Opening]]] = {}
        for number, scope in enumerate(self._module.scopes):
            for site in scope.sites:
                for part, opening in enumerate(self._openings(Frame(scope), site, 0)):
                    purpose = site.purpose or f"line:{site.call.lineno}:{site.call.col_offset}"
                    key = (number, part if not self._is_choice(site) else 0, purpose)
                    forgiven = replace(opening, is_optional=_is_forgiving(site.call))
                    found.setdefault(key, []).append((site.call.lineno, forgiven))
        used = frozenset(
            call
            for several in found.values()
            for _, opening in several
            if opening.how is not How.FIND_LIBRARY
            for call in opening.found_by
        )
        return tuple(sorted(set(_merged(found.values(), used))))

    @staticmethod
    def _is_choice(site: Site) -> bool:
        return site.is_choice or site.purpose.startswith("variable:")

    def _openings(self, frame: Frame, site: Site, depth: int) -> Iterator[_Opening]:
        """Yield what one call opens, in the frame of the function that it stands in."""
        call = site.call
        opening = self._direct(frame, call)
        if opening is None:
            functions = self._calls.functions(call.func)
            if functions:
                yield from self._through(frame, functions, call, depth)
            else:
                yield from self._foreign(frame, call)
        elif self._is_choice(site):
            yield opening
        else:
            for name in opening.names:
                yield _Opening((name,), opening.how, opening.found_by)

    def _direct(self, frame: Frame, call: ast.Call) -> _Opening | None:
        """Return what a call of ctypes or cffi itself opens; None where it is a call of something else."""
        names = self._calls.references(frame, call.func)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "dlopen":
            names = (*names, "dlopen")
        for name in names:
            last = name.rpartition(".")[2]
            if _WINDOWS.search(f"{name}."[:-1] if "." in name else ""):
                return _Opening((), How.CDLL, frozenset())
            if last in _LITERAL_OPENERS:
                return self._opening(frame, call, How.CDLL, stems=False)
            if last == "dlopen" and not self._calls.functions(call.func):
                opening = self._opening(frame, call, How.DLOPEN, stems="ctypes" not in name)
                # A wrapper of another module may have the name, and other arguments before the library's.
                return opening if opening.names or isinstance(call.func, ast.Attribute) else None
        if self._calls.is_find_library(frame, call.func):
            return self._opening(frame, call, How.FIND_LIBRARY, stems=True)
        return None

    def _opening(self, frame: Frame, call: ast.Call, how: How, *, stems: bool) -> _Opening:
        arguments = [*call.args[:1], *(k.value for k in call.keywords if k.arg in ("name", "libname"))]
        values = Possible()
        for argument in arguments:
            values |= self._evaluator.evaluate(frame, argument)
        if how is How.FIND_LIBRARY:
            texts = [value for value in values.values if isinstance(value, str)]
            return _Opening(tuple(filter(is_stem, texts)), how, frozenset((id(call),)))
        names = []
        found_by = set()
        for value in values.values:
            if isinstance(value, Found):
                found_by.add(value.call)
                names += [value.stem] if is_stem(value.stem) else []
            elif isinstance(value, str) and (is_literal(value) or (stems and is_stem(value))):
                names.append(value)
        return _Opening(tuple(names), how, frozenset(found_by))

    def _through(
        self, frame: Frame, functions: Iterable[Scope], call: ast.Call, depth: int
    ) -> Iterator[_Opening]:
        """Yield what a function of the module opens because of the arguments of this call."""
        if depth > _DEEPEST or self._evaluator.exhausted or not (call.args or call.keywords):
            return
        for function in functions:
            if id(function) not in self._opening_scopes:
                continue
            inner = self._calls.bound(frame, function, call)
            if not any(_tells(possible) for possible in inner.arguments.values()):
                continue
            by_purpose: dict[str, list[_Opening]] = {}
            for site in function.sites:
                without = {opening.names for opening in self._openings(Frame(function), site, depth + 1)}
                for opening in self._openings(inner, site, depth + 1):
                    if opening.names and opening.names not in without:
                        purpose = "" if self._is_choice(site) else str(len(by_purpose))
                        by_purpose.setdefault(purpose, []).append(opening)
            for several in by_purpose.values():
                names = tuple(name for opening in several for name in opening.names)
                found_by = frozenset(call for opening in several for call in opening.found_by)
                yield _Opening(names, How.WRAPPER, found_by)

    def _foreign(self, frame: Frame, call: ast.Call) -> Iterator[_Opening]:
        """Yield what a wrapper of another module is asked for, when its name says that it is one."""
        dotted = self._calls.dotted(call.func) or getattr(call.func, "attr", "")
        if not _WRAPPER.match(dotted.rpartition(".")[2]) or dotted.startswith(_NUMPY):
            return
        arguments = [
            self._evaluator.evaluate(frame, argument).values
            for argument in (*call.args, *(k.value for k in call.keywords if k.arg in _NAMING))
        ]
        texts = [[value for value in _leaves(values) if isinstance(value, str)] for values in arguments]
        literals = [text for several in texts for text in several if is_literal(text)]
        # Which argument names the library is not known here: a list of names tells more than a title.
        stems = [
            [text for text in several if is_stem(text) and not _MODULE.search(text)] for several in texts
        ]
        listed = [
            names
            for names, values in zip(stems, arguments, strict=True)
            if any(isinstance(value, Sequence) for value in values)
        ]
        chosen = next(filter(None, (*listed, *stems)), [])
        if literals or chosen:
            yield _Opening((*chosen, *literals), How.WRAPPER, frozenset())


def _merged(groups: Iterable[list[tuple[int, _Opening]]], used: frozenset[int]) -> Iterator[OpenedName]:
    for group in groups:
        # A find_library whose result is opened elsewhere is no purpose of its own.
        kept = [
            (line, opening)
            for line, opening in group
            if opening.names and not (opening.how is How.FIND_LIBRARY and opening.found_by <= used)
        ]
        names = in_order(name for _, opening in kept for name in opening.names)
        if names:
            line, opening = kept[0]
            yield OpenedName(line, names, opening.how, all(one.is_optional for _, one in kept))


def _may_be_opener(scope: Scope, site: Site) -> bool:
    match site.call.func:
        case ast.Attribute(attr=name):
            return name in _OPENER_NAMES or bool(_WRAPPER.match(name))
        case ast.Name(id=name):
            # A parameter or variable may stand for ctypes.CDLL, and an alias for anything.
            is_parameter = scope.function is not None and name in parameters(scope.function)
            return (
                is_parameter or name in scope.bindings or bool(_WRAPPER.match(name)) or name in _OPENER_NAMES
            )
    return False


def _is_forgiving(call: ast.Call) -> bool:
    given = {
        word.arg or "": word.value.value for word in call.keywords if isinstance(word.value, ast.Constant)
    }
    return any(
        (value is True and _FORGIVING.match(name)) or (value is False and _DEMANDING.match(name))
        for name, value in given.items()
    )


def _leaves(values: Iterable[object]) -> Iterator[object]:
    for value in values:
        match value:
            case Sequence():
                yield from _leaves(value.items)
            case Table(items):
                yield from _leaves(item for _, item in items)
            case _:
                yield value


def _tells(possible: Possible) -> bool:
    return any(isinstance(value, str | Found) for value in _leaves(possible.values))
