"""A module's syntax tree -> its scopes: what each name is bound to and what is called, on Linux.

Statements that a test of the platform keeps from running on Linux are left out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from multistage_docker.python.trees import nodes, statements

Verdict = Callable[["Scope", ast.expr], "bool | None"]
"""Whether a test holds on Linux; None where that cannot be told."""

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class How(Enum):
    """How a name gets the value of an expression."""

    WHOLE = "is the value"
    EACH = "is each element of the value, one after the other"
    ELEMENT = "is a list that has the value as an element"


_PLATFORM = re.compile(r"(?i)win|linux|mac|darwin|osx|posix|plat|uname|bsd|system|^nt$|^os$|^__name__$")


@dataclass(frozen=True, slots=True)
class Binding:
    """One way in which a name gets a value; ``index`` says which part of a tuple, None for all of it."""

    value: ast.expr
    how: How = How.WHOLE
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A call in a scope.

    ``purpose`` is equal for calls of which one that succeeds is enough: they give the same variable its
    value, the function its result, or stand in one try statement. ``is_choice`` says that a loop around
    the call stops with the first success.
    """

    call: ast.Call
    purpose: str = ""
    is_choice: bool = True


@dataclass(slots=True)
class Scope:
    """A module, class or function; ``results`` are what a function returns, ``yielded`` what it yields."""

    name: str
    parent: Scope | None = None
    function: FunctionNode | None = None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)
    results: list[ast.expr] = field(default_factory=list)
    yielded: list[ast.expr] = field(default_factory=list)


@dataclass(slots=True)
class Module:
    """The scopes of a module; ``aliases`` are its imports: local name -> dotted name."""

    root: Scope = field(default_factory=lambda: Scope(""))
    scopes: list[Scope] = field(default_factory=list)
    functions: dict[str, list[Scope]] = field(default_factory=dict)
    attributes: dict[str, list[tuple[Scope, Binding]]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Context:
    purpose: str = ""
    is_choice: bool = True


_GROWING = {"append": How.ELEMENT, "add": How.ELEMENT, "insert": How.ELEMENT, "extend": How.WHOLE}


class Reader:
    """Fills a Module from a tree. ``verdict`` may look at what is known of the module so far."""

    def __init__(self, module: Module, verdict: Verdict) -> None:
        self._module = module
        self._verdict = verdict
        self._later: list[tuple[Scope, list[ast.stmt]]] = []

    def read(self, tree: ast.Module) -> None:
        """Read the module's own statements first: functions run when all of its constants are there."""
        module = self._module
        module.scopes.append(module.root)
        for node in statements(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                module.aliases.update(_aliases(node))
        self._block(module.root, tree.body, _Context())
        while self._later:
            scope, body = self._later.pop(0)
            self._block(scope, body, _Context())

    def _block(self, scope: Scope, body: Iterable[ast.stmt], context: _Context) -> bool:
        """Return whether what follows the block is never reached on Linux."""
        return any(self._statement(scope, statement, context) for statement in body)

    def _statement(self, scope: Scope, node: ast.stmt, context: _Context) -> bool:  # noqa: C901, PLR0912 - a kind of statement each
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(scope, node)
            case ast.ClassDef():
                self._class(scope, node)
            case ast.If():
                return self._if(scope, node, context)
            case ast.For() | ast.AsyncFor():
                self._bind(scope, node.target, node.iter, How.EACH)
                self._expressions(scope, [node.iter], context)
                choice = replace(context, is_choice=_stops(node.body))
                self._block(scope, node.body, choice)
                self._block(scope, node.orelse, context)
            case ast.While():
                self._expressions(scope, [node.test], context)
                self._block(scope, node.body, context)
                self._block(scope, node.orelse, context)
            case ast.Try():
                inner = context if context.purpose else replace(context, purpose=f"try:{node.lineno}")
                self._block(scope, node.body, inner)
                for handler in node.handlers:
                    self._block(scope, handler.body, inner)
                self._block(scope, [*node.orelse, *node.finalbody], context)
            case ast.With() | ast.AsyncWith():
                self._expressions(scope, [item.context_expr for item in node.items], context)
                return self._block(scope, node.body, context)
            case ast.Match():
                for case in node.cases:
                    self._block(scope, case.body, context)
            case ast.Return():
                if node.value:
                    scope.results.append(node.value)
                    self._expressions(scope, [node.value], replace(context, purpose="result"))
                return True
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                self._assignment(scope, node, context)
            case ast.Expr():
                self._growth(scope, node.value)
                self._expressions(scope, [node.value], context)
            case ast.Raise() | ast.Continue() | ast.Break():
                return True
            case _:
                self._expressions(
                    scope, [e for e in ast.iter_child_nodes(node) if isinstance(e, ast.expr)], context
                )
        return False

    def _if(self, scope: Scope, node: ast.If, context: _Context) -> bool:
        holds = self._verdict(scope, node.test) if _may_tell_platform(node.test) else None
        self._expressions(scope, [node.test], context)
        if holds is None:
            ends = self._block(scope, node.body, context)
            return self._block(scope, node.orelse, context) and ends
        return self._block(scope, node.body if holds else node.orelse, context)

    def _function(self, scope: Scope, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        inner = Scope(node.name, scope, node)
        self._module.scopes.append(inner)
        self._module.functions.setdefault(node.name, []).append(inner)
        self._later.append((inner, node.body))

    def _class(self, scope: Scope, node: ast.ClassDef) -> None:
        inner = Scope(node.name, scope)
        self._module.scopes.append(inner)
        self._block(inner, node.body, _Context())
        for name, bindings in inner.bindings.items():
            self._module.attributes.setdefault(name, []).extend((inner, binding) for binding in bindings)
        for function in self._module.functions.get("__init__", ()):
            if function.parent is inner:
                self._module.functions.setdefault(node.name, []).append(function)

    def _assignment(
        self, scope: Scope, node: ast.Assign | ast.AnnAssign | ast.AugAssign, context: _Context
    ) -> None:
        if node.value is None:
            return
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        value = node.value
        if isinstance(node, ast.AugAssign):
            value = ast.copy_location(ast.BinOp(_loaded(node.target), node.op, node.value), node)
        for target in targets:
            self._bind(scope, target, value, How.WHOLE)
        names = [name for target in targets if (name := _key(target))]
        if names:
            context = _Context(purpose=f"variable:{names[0]}")
        self._expressions(scope, [node.value], context)

    def _growth(self, scope: Scope, node: ast.expr) -> None:
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name() | ast.Attribute() as target, attr=method),
                args=[*_, value],
            ) if method in _GROWING:
                self._bind(scope, target, value, _GROWING[method])

    def _bind(self, scope: Scope, target: ast.expr, value: ast.expr, how: How) -> None:
        match target:
            case ast.Name():
                scope.bindings.setdefault(target.id, []).append(Binding(value, how))
            case ast.Attribute():
                self._module.attributes.setdefault(target.attr, []).append((scope, Binding(value, how)))
            case ast.Tuple() | ast.List():
                for index, part in enumerate(target.elts):
                    if isinstance(part, ast.Name):
                        scope.bindings.setdefault(part.id, []).append(Binding(value, how, index))

    def _expressions(self, scope: Scope, several: Iterable[ast.expr], context: _Context) -> None:
        for expression in several:
            for inner in nodes(expression):
                match inner:
                    case ast.Call():
                        scope.sites.append(Site(inner, context.purpose, context.is_choice))
                    case ast.NamedExpr(target=target, value=value):
                        self._bind(scope, target, value, How.WHOLE)
                    case ast.comprehension(target=target, iter=source):
                        self._bind(scope, target, source, How.EACH)
                    case ast.Yield(value=ast.expr() as value) | ast.YieldFrom(value=value):
                        scope.yielded.append(value)


def _loaded(target: ast.expr) -> ast.expr:
    match target:
        case ast.Name():
            return ast.copy_location(ast.Name(target.id, ast.Load()), target)
        case _:
            return target


def _key(target: ast.expr) -> str:
    match target:
        case ast.Name():
            return target.id
        case ast.Attribute():
            return f".{target.attr}"
    return ""


def _stops(body: Iterable[ast.stmt]) -> bool:
    """Whether a loop ends before its last element: it looks for the first that serves."""
    return any(isinstance(node, ast.Break | ast.Return | ast.Yield) for s in body for node in nodes(s))


def _aliases(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield alias.asname or alias.name, f"{module}.{alias.name}"
        elif alias.asname:
            yield alias.asname, alias.name
        else:
            top = alias.name.partition(".")[0]
            yield top, top


def _may_tell_platform(test: ast.expr) -> bool:
    """Whether a test is worth working out: a constant, or one that speaks of platforms or ``__main__``."""
    if isinstance(test, ast.Constant):
        return True
    words = (
        getattr(part, "id", "") or getattr(part, "attr", "") or getattr(part, "value", "")
        for part in nodes(test)
    )
    return any(isinstance(word, str) and _PLATFORM.search(word) for word in words)
