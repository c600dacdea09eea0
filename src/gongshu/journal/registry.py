"""Every service and query of the platform, with the doors it is reached through.

A domain declares a service once (`@service`); the REST API, the command line and the OpenAPI document are made
from this registry, and the console calls the same function, so the doors cannot differ.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Operation:
    """One service (`writes`) or query, its REST place, and the function behind it."""

    name: str
    method: str
    path: str
    summary: str
    function: Callable[..., Any]
    writes: bool

    @cached_property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Parameters a caller gives: keyword-only ones other than `actor`, annotations resolved to types."""
        hints = typing.get_type_hints(self.function)
        signature = inspect.signature(self.function)
        return {
            name: parameter.replace(annotation=hints.get(name, str))
            for name, parameter in signature.parameters.items()
            if name != "actor"
        }


OPERATIONS: dict[str, Operation] = {}


def register(operation: Operation) -> None:
    """Enter an operation; a second one of the same name, or of the same method and path, is a programming error."""
    for other in OPERATIONS.values():
        same = other.name == operation.name or (other.method, other.path) == (
            operation.method,
            operation.path,
        )
        if same and other.function.__qualname__ != operation.function.__qualname__:
            raise ValueError(f"{operation.name} and {other.name} claim the same name or place")
    OPERATIONS[operation.name] = operation
