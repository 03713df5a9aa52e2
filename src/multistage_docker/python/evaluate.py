"""Expressions of a module -> the values that they may have on Linux, as far as the source shows."""

from __future__ import annotations

import ast
import itertools
import operator
from typing import TYPE_CHECKING

from multistage_docker.python.calls import Calls, Frame, defaults, parameters
from multistage_docker.python.module import Binding, How, Module, Scope
from multistage_docker.python.values import (
    MOST_VALUES,
    UNKNOWN,
    Found,
    Possible,
    Reference,
    Sequence,
    Table,
    add,
    combine,
    elements,
    is_in,
    joined,
    percent,
    subscript,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Bounds: hostile source must not make this explode.
_MOST_STEPS = 60_000
_MOST_QUESTIONS = 600_000
_DEEPEST = 60

_ON_LINUX: Mapping[str, object] = {
    "sys.platform": "linux",
    "os.name": "posix",
    "os.sep": "/",
    "os.path.sep": "/",
    "__name__": "a module",
    "typing.TYPE_CHECKING": False,
    "TYPE_CHECKING": False,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[object, object], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
    ast.In: is_in,
    ast.NotIn: lambda one, other: not is_in(one, other),
}


class Evaluator:
    """Evaluates expressions without running anything. Gives up quietly where its bounds are reached.

    ``is_final`` says that the module has been read to its end, so that results stay what they are.
    """

    def __init__(self, module: Module) -> None:
        self._module = module
        self._steps = 0
        self._questions = 0
        self._running: dict[tuple[int, int], int] = {}
        self._known: dict[tuple[int, int], Possible] = {}
        self._cut = 0
        self.is_final = False
        self.calls = Calls(module, self.evaluate)

    @property
    def exhausted(self) -> bool:
        """Whether the bound on work has been reached."""
        return self._steps > _MOST_STEPS or self._questions > _MOST_QUESTIONS

    def holds(self, frame: Frame, test: ast.expr) -> bool | None:
        """Return whether a test is true or false on Linux, None where the source does not show it."""
        certain = self.evaluate(frame, test).certain
        if not certain or isinstance(certain[0], Found | Reference):
            return None
        value = certain[0]
        return bool(value.items) if isinstance(value, Sequence | Table) else bool(value)

    def evaluate(self, frame: Frame, node: ast.expr) -> Possible:
        """Return the values that an expression may have."""
        mark = (id(node), id(frame.scope))
        self._questions += 1
        if mark in self._known and not frame.arguments:
            return self._known[mark]
        self._steps += 1
        depth = len(self._running)
        if mark in self._running or self.exhausted or depth > _DEEPEST:
            self._cut = min(self._cut, self._running.get(mark, 0))
            return UNKNOWN
        self._running[mark] = depth
        outer, self._cut = self._cut, depth
        try:
            found = self._evaluate(frame, node)
        finally:
            del self._running[mark]
        # What was cut off because something further out is still being worked out, is not final.
        if self._cut >= depth and self.is_final and not frame.arguments:
            self._known[mark] = found
        self._cut = min(outer, self._cut)
        return found

    def _evaluate(self, frame: Frame, node: ast.expr) -> Possible:  # noqa: C901, PLR0911, PLR0912 - a kind of expression each
        match node:
            case ast.Constant(value=value):
                return Possible((value.decode("latin-1") if isinstance(value, bytes) else value,))
            case ast.Name():
                return self._name(frame, node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.Tuple() | ast.List() | ast.Set():
                return self.calls.sequence(frame, node.elts)
            case ast.Dict():
                return self._table(frame, node)
            case ast.BoolOp():
                return self._either(frame, node)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                holds = self.holds(frame, operand)
                return UNKNOWN if holds is None else Possible((not holds,))
            case ast.IfExp():
                holds = self.holds(frame, node.test)
                if holds is None:
                    return self.evaluate(frame, node.body) | self.evaluate(frame, node.orelse)
                return self.evaluate(frame, node.body if holds else node.orelse)
            case ast.BinOp(left=left, right=right, op=ast.Add() | ast.Mod() as op):
                return combine(
                    add if isinstance(op, ast.Add) else percent,
                    (self.evaluate(frame, left), self.evaluate(frame, right)),
                )
            case ast.Compare(left=left, ops=[compare], comparators=[right]) if type(compare) in _COMPARISONS:
                return self._compare(frame, left, compare, right)
            case ast.JoinedStr(values=values):
                return combine(joined, [self.evaluate(frame, value) for value in values])
            case ast.FormattedValue(value=value, format_spec=None):
                return self.evaluate(frame, value)
            case ast.Subscript(value=value, slice=index):
                return subscript(self.evaluate(frame, value), self.evaluate(frame, index))
            case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element) | ast.SetComp(elt=element):
                each = self.evaluate(frame, element)
                return Possible((Sequence.of(each.values),), each.complete)
            case ast.NamedExpr(value=value) | ast.Starred(value=value) | ast.Await(value=value):
                return self.evaluate(frame, value)
            case ast.Call():
                return self.calls.result(frame, node)
        return UNKNOWN

    def _name(self, frame: Frame, node: ast.Name) -> Possible:
        scope: Scope | None = frame.scope
        arguments = frame.arguments
        while scope is not None:
            bindings = scope.bindings.get(node.id, ())
            is_parameter = scope.function is not None and node.id in parameters(scope.function)
            if bindings or is_parameter:
                found = self._parameter(scope, node.id, arguments) if is_parameter else Possible()
                for binding in bindings:
                    found |= self._binding(Frame(scope, arguments), binding)
                return found
            scope, arguments = scope.parent, {}
        return self._outside(node)

    def _parameter(self, scope: Scope, name: str, arguments: Mapping[str, Possible]) -> Possible:
        """Return what a call gave for a parameter; where none did, its default is one value among others."""
        if name in arguments or scope.function is None:
            return arguments.get(name, UNKNOWN)
        default = defaults(scope.function).get(name)
        values = self.evaluate(Frame(scope.parent or scope), default).values if default else ()
        return Possible(values, complete=False)

    def _attribute(self, node: ast.Attribute) -> Possible:
        known = self._outside(node)
        if known.values:
            return known
        found = Possible((), complete=False)
        for scope, binding in self._module.attributes.get(node.attr, ()):
            found |= self._binding(Frame(scope), binding)
        return found

    def _outside(self, node: ast.Name | ast.Attribute) -> Possible:
        dotted = self.calls.dotted(node)
        if dotted in _ON_LINUX:
            return Possible((_ON_LINUX[dotted],))
        return Possible((Reference(dotted),)) if dotted and self.calls.is_imported(node) else UNKNOWN

    def _binding(self, frame: Frame, binding: Binding) -> Possible:
        found = self.evaluate(frame, binding.value)
        if binding.how is How.EACH:
            found = elements(found)
        if binding.index is not None:
            parts = itertools.chain.from_iterable(
                value.elements[binding.index]
                for value in found.values
                if isinstance(value, Sequence) and binding.index < len(value.elements)
            )
            found = Possible(tuple(dict.fromkeys(parts))[:MOST_VALUES], complete=False)
        if binding.how is How.ELEMENT:
            return Possible((Sequence((found.values,)),), complete=False)
        return found

    def _table(self, frame: Frame, node: ast.Dict) -> Possible:
        items = [
            (constant, value)
            for key, expression in zip(node.keys, node.values, strict=True)
            if key is not None
            for constant in self.evaluate(frame, key).values
            for value in self.evaluate(frame, expression).values
        ]
        return Possible((Table(tuple(items[:MOST_VALUES])),), complete=False)

    def _either(self, frame: Frame, node: ast.BoolOp) -> Possible:
        is_or = isinstance(node.op, ast.Or)
        found = Possible()
        for value in node.values:
            holds = self.holds(frame, value)
            if holds is not None and holds == is_or:
                # It decides: what stands behind it is never reached.
                return found | self.evaluate(frame, value) if is_or else Possible((False,))
            if holds is None or value is node.values[-1]:
                found |= self.evaluate(frame, value)
        return found

    def _compare(self, frame: Frame, left: ast.expr, compare: ast.cmpop, right: ast.expr) -> Possible:
        one, other = self.evaluate(frame, left), self.evaluate(frame, right)
        if not one.certain or not other.certain:
            return UNKNOWN
        if any(isinstance(value, Found | Reference) for value in (*one.values, *other.values)):
            return UNKNOWN
        return Possible((_COMPARISONS[type(compare)](one.values[0], other.values[0]),))
