"""The values that an expression may have, and what operations make of them. Pure."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Bounds: hostile source must not make this explode.
MOST_VALUES = 64
_MOST_CHARACTERS = 300
_LONGEST_NUMBER = 2


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list, tuple or the like: for each element the values that it may have."""

    elements: tuple[tuple[object, ...], ...] = ()

    @classmethod
    def of(cls, values: Iterable[object]) -> Sequence:
        """Return the sequence whose elements are just these values."""
        return cls(tuple((value,) for value in values))

    @property
    def items(self) -> tuple[object, ...]:
        """What an element may be, whichever it is."""
        return tuple(dict.fromkeys(itertools.chain.from_iterable(self.elements)))


@dataclass(frozen=True, slots=True)
class Table:
    """A dictionary with constant keys."""

    items: tuple[tuple[object, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What find_library returned for a stem, in the call of that id."""

    stem: str
    call: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A function or class of another module, by its dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class Possible:
    """The values that an expression may have; ``complete`` when it has no others."""

    values: tuple[object, ...] = ()
    complete: bool = True

    def __or__(self, other: Possible) -> Possible:
        both = tuple(dict.fromkeys((*self.values, *other.values)))
        return Possible(both[:MOST_VALUES], self.complete and other.complete)

    @property
    def certain(self) -> tuple[object, ...]:
        """The one value in a tuple, or () where that is not certain."""
        return self.values if self.complete and len(self.values) == 1 else ()


UNKNOWN = Possible((), complete=False)


def elements(container: Possible) -> Possible:
    """Return what an element of a container may be."""
    found: list[object] = []
    for value in container.values:
        match value:
            case Sequence():
                found.extend(value.items)
            case Table(items):
                found.extend(key for key, _ in items)
    return Possible(tuple(dict.fromkeys(found))[:MOST_VALUES], complete=False)


def combine(function: Callable[[tuple[object, ...]], object], parts: Iterable[Possible]) -> Possible:
    """Return what a function makes of every choice of values; where it makes None, nothing is known."""
    parts = tuple(parts)
    products = itertools.islice(itertools.product(*(part.values for part in parts)), MOST_VALUES)
    results = (function(values) for values in products)
    found = tuple(dict.fromkeys(result for result in results if result is not None))
    return Possible(found, all(part.complete for part in parts))


def joined(values: tuple[object, ...]) -> object:
    """Return the texts as one."""
    if not all(isinstance(value, str | int) for value in values):
        return None
    return "".join(map(str, values))[:_MOST_CHARACTERS]


def add(values: tuple[object, ...]) -> object:
    """Return what ``+`` makes of two values."""
    match values:
        case (str(), str()):
            return joined(values)
        case (Sequence(one), Sequence(other)):
            return Sequence((*one, *other)[:MOST_VALUES])
    return None


def percent(values: tuple[object, ...]) -> object:
    """Return what ``%`` makes of a format and its arguments."""
    form, value = values
    arguments = value.items if isinstance(value, Sequence) else (value,)
    return _formatted(lambda text: text % arguments, form, arguments)


def text_method(name: str, values: tuple[object, ...]) -> object:
    """Return what a method of str makes of a text and arguments."""
    text, *arguments = values
    if name in ("startswith", "endswith") and len(arguments) == 1 and isinstance(text, str):
        options = arguments[0].items if isinstance(arguments[0], Sequence) else (arguments[0],)
        test = str.startswith if name == "startswith" else str.endswith
        return any(isinstance(option, str) and test(text, option) for option in options)
    if name == "encode":
        return text if isinstance(text, str) else None
    return _formatted(lambda text: getattr(text, name)(*arguments), text, arguments)


def _formatted(make: Callable[[str], object], text: object, arguments: Iterable[object]) -> object:
    if not isinstance(text, str) or not all(isinstance(argument, str | int) for argument in arguments):
        return None
    # "{:999999999}" and "%999999999s" would fill the memory.
    if any(word.isdigit() and len(word) > _LONGEST_NUMBER for word in _words(text)):
        return None
    try:
        result = make(text)
    except (TypeError, ValueError, LookupError, AttributeError):
        return None
    return result[:_MOST_CHARACTERS] if isinstance(result, str) else None


def _words(text: str) -> Iterator[str]:
    return ("".join(group) for _, group in itertools.groupby(text, str.isdigit))


def is_in(one: object, other: object) -> bool:
    """Return what ``in`` says."""
    match other:
        case str():
            return isinstance(one, str) and one in other
        case Sequence():
            return one in other.items
        case Table(items):
            return any(one == key for key, _ in items)
    return False


def subscript(container: Possible, index: Possible) -> Possible:
    """Return what ``container[index]`` may be."""
    found: list[object] = []
    for value in container.values:
        match value:
            case Table(items):
                chosen = [item for key, item in items if key in index.values]
                # With a key that the source does not show, any entry may be meant.
                found += chosen or ([] if index.complete else [item for _, item in items])
            case Sequence(elements):
                whole = (i for i in index.values if type(i) is int and -len(elements) <= i < len(elements))
                found += itertools.chain.from_iterable(elements[i] for i in whole)
                found += value.items if not index.complete else ()
    return Possible(tuple(dict.fromkeys(found))[:MOST_VALUES], complete=False)
