"""Calls in a module -> what they return, as far as the source shows; nothing is run."""

from __future__ import annotations

import ast
import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from multistage_docker.python.values import (
    MOST_VALUES,
    UNKNOWN,
    Found,
    Possible,
    Reference,
    Sequence,
    combine,
    elements,
    subscript,
    text_method,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from multistage_docker.python.module import FunctionNode, Module, Scope

_CALLED_ON_LINUX: Mapping[str, object] = {"platform.system": "Linux"}
_SAME = frozenset(("list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "dict.fromkeys"))
_TEXT = frozenset(("str", "os.fsencode", "os.fsdecode", "pathlib.Path"))
_TEXT_METHODS = frozenset(
    ("format", "lower", "upper", "strip", "startswith", "endswith", "replace", "encode")
)
_FINDER = re.compile(r"^_*(?:find|get|locate)_?(?:lib|library|Library)(?:_?(?:name|path))?$")


@dataclass(frozen=True, slots=True)
class Frame:
    """A scope while its code runs; ``arguments`` are the values of its parameters that are known."""

    scope: Scope
    arguments: Mapping[str, Possible] = field(default_factory=dict)


class Calls:
    """What the calls of a module mean. ``evaluate`` gives the values of an expression in a frame."""

    def __init__(self, module: Module, evaluate: Callable[[Frame, ast.expr], Possible]) -> None:
        self._module = module
        self._evaluate = evaluate

    def result(self, frame: Frame, node: ast.Call) -> Possible:  # noqa: C901, PLR0911 - a kind of function each
        """Return the values that a call may give."""
        dotted = self.dotted(node.func)
        first = node.args[0] if node.args else None
        if dotted in _CALLED_ON_LINUX:
            return Possible((_CALLED_ON_LINUX[dotted],))
        if first and (self.is_find_library(frame, node.func) or self._is_finder(node.func)):
            return _found(self._evaluate(frame, first), node)
        if dotted in _SAME:
            return self._evaluate(frame, first) if first else Possible((Sequence(),))
        if dotted in _TEXT and first:
            return self._evaluate(frame, first)
        if dotted == "next" and first:
            return self._elements(frame, first)
        if dotted == "filter" and node.args[1:]:
            return self._evaluate(frame, node.args[1])
        if dotted == "map" and node.args[1:] and self.is_find_library(frame, node.args[0]):
            found = _found(self._elements(frame, node.args[1]), node)
            return Possible((Sequence.of(found.values),), complete=False)
        if dotted in ("os.environ.get", "os.getenv") and node.args[1:]:
            return Possible(self._evaluate(frame, node.args[1]).values, complete=False)
        if dotted == "itertools.product":
            pools = [self._elements(frame, argument).values for argument in node.args]
            products = itertools.islice(itertools.product(*pools), MOST_VALUES)
            return Possible((Sequence.of(map(Sequence.of, products)),), complete=False)
        functions = self.functions(node.func)
        if functions:
            return self._results(frame, functions, node)
        if isinstance(node.func, ast.Attribute):
            return self._method(frame, node.func, node)
        return UNKNOWN

    def bound(self, frame: Frame, scope: Scope, call: ast.Call) -> Frame:
        """Return the frame of a function of the module that a call makes."""
        return Frame(scope, dict(self._arguments(frame, scope, call)))

    def dotted(self, node: ast.expr) -> str:
        """Return the dotted name that an expression stands for by the module's imports, "" for none."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        first = self._module.aliases.get(node.id, node.id)
        return ".".join((first, *reversed(parts)))

    def is_imported(self, node: ast.expr) -> bool:
        """Whether a name, or what the first of dotted names stands for, is one of the module's imports."""
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self._module.aliases

    def functions(self, node: ast.expr) -> tuple[Scope, ...]:
        """Return the module's own functions that a called expression may mean."""
        match node:
            case ast.Name(id=name) if name not in self._module.aliases:
                return tuple(self._module.functions.get(name, ()))
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                return tuple(self._module.functions.get(name, ()))
        return ()

    def is_find_library(self, frame: Frame, function: ast.expr) -> bool:
        """Whether a called expression is ``ctypes.util.find_library``."""
        return any(_is_find_library(name) for name in self.references(frame, function))

    def references(self, frame: Frame, function: ast.expr) -> tuple[str, ...]:
        """Return the dotted names that a called expression may stand for."""
        named = self.dotted(function)
        if isinstance(function, ast.Name | ast.Attribute):
            values = self._evaluate(frame, function).values
            referred = tuple(value.name for value in values if isinstance(value, Reference))
            if referred:
                return referred
        return (named,) if named else ()

    def _is_finder(self, function: ast.expr) -> bool:
        """Whether a called expression is another module's own way to find a library, by its name."""
        return bool(_FINDER.match(self.dotted(function).rpartition(".")[2])) and not self.functions(function)

    def sequence(self, frame: Frame, nodes: Iterable[ast.expr]) -> Possible:
        """Return the sequence that expressions side by side make."""
        parts: list[tuple[object, ...]] = []
        complete = True
        for element in itertools.islice(nodes, MOST_VALUES):
            found = self._evaluate(frame, element)
            if isinstance(element, ast.Starred):
                parts.extend((value,) for value in elements(found).values)
                complete = False
            else:
                parts.append(found.values)
                complete = complete and bool(found.certain)
        return Possible((Sequence(tuple(parts)),), complete)

    def _elements(self, frame: Frame, node: ast.expr) -> Possible:
        return elements(self._evaluate(frame, node))

    def _results(self, frame: Frame, functions: Iterable[Scope], node: ast.Call) -> Possible:
        found = Possible((), complete=False)
        for function in functions:
            inner = self.bound(frame, function, node)
            yielded = Possible()
            for expression in function.yielded:
                yielded |= self._evaluate(inner, expression)
            if function.yielded:
                found |= Possible((Sequence.of(yielded.values),))
            for expression in function.results:
                found |= self._evaluate(inner, expression)
        return found

    def _method(self, frame: Frame, function: ast.Attribute, node: ast.Call) -> Possible:
        owner = self._evaluate(frame, function.value)
        arguments = [self._evaluate(frame, argument) for argument in node.args]
        if function.attr == "get" and arguments:
            default = arguments[1] if arguments[1:] else Possible()
            return subscript(owner, arguments[0]) | default
        if function.attr not in _TEXT_METHODS or node.keywords:
            return UNKNOWN
        return combine(lambda values: text_method(function.attr, values), (owner, *arguments))

    def _arguments(self, frame: Frame, scope: Scope, call: ast.Call) -> Iterator[tuple[str, Possible]]:
        if scope.function is None:
            return
        own = scope.function.args
        names = [argument.arg for argument in (*own.posonlyargs, *own.args)]
        if names and names[0] in ("self", "cls") and scope.parent and scope.parent.function is None:
            names = names[1:]
        for name, default in defaults(scope.function).items():
            yield name, self._evaluate(Frame(scope.parent or scope), default)
        for name, argument in zip(names, call.args, strict=False):
            yield name, self._evaluate(frame, argument)
        if own.vararg:
            rest = self.sequence(frame, call.args[len(names) :])
            yield own.vararg.arg, rest
        for keyword in call.keywords:
            if keyword.arg:
                yield keyword.arg, self._evaluate(frame, keyword.value)


def _found(stems: Possible, call: ast.Call) -> Possible:
    found = (Found(stem, id(call)) for value in stems.values for stem in _texts(value))
    return Possible(tuple(dict.fromkeys(found))[:MOST_VALUES], complete=False)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value


def _is_find_library(dotted: str) -> bool:
    return dotted in ("ctypes.util.find_library", "find_library") or dotted.endswith(".util.find_library")


def defaults(function: FunctionNode) -> Mapping[str, ast.expr]:
    """Return the expressions that a function's parameters are when a call leaves them out."""
    arguments = function.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    positional = zip(reversed(names), reversed(arguments.defaults), strict=False)
    by_keyword = zip((argument.arg for argument in arguments.kwonlyargs), arguments.kw_defaults, strict=True)
    return {**dict(positional), **{name: default for name, default in by_keyword if default}}


def parameters(function: FunctionNode) -> Iterator[str]:
    """Yield the names of a function's parameters."""
    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        yield argument.arg
    for variadic in (arguments.vararg, arguments.kwarg):
        if variadic:
            yield variadic.arg
