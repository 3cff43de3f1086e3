"""Whether the texts of DynamoDB expressions are constants of the source.

The value of a name that ends in `Expression` (a keyword argument, a key of a dictionary, an item that is set) has to be
a literal, a constant of this or another module, a local name for one, or a parameter whose argument is always one.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Scope: TypeAlias = Function | ast.Module


class Sources:
    """Modules, by their path within the package."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        self._trees = trees
        self._asked: set[tuple[str, str, str]] = set()

    def built(self, module: str) -> list[str]:
        """Return the expressions of a module that are not constants."""
        return [
            ast.unparse(value)
            for scope in scopes(self._trees[module])
            for node in within(scope)
            for name, value in named_values(node)
            if name.endswith("Expression") and not self._is_constant(value, scope, module)
        ]

    def _is_constant(self, value: ast.expr, scope: Scope, module: str) -> bool:
        if isinstance(value, ast.Constant):
            return isinstance(value.value, str)
        if isinstance(value, ast.IfExp):
            return all(self._is_constant(part, scope, module) for part in (value.body, value.orelse))
        if not isinstance(value, ast.Name):
            return False
        if not isinstance(scope, ast.Module):
            if value.id in parameters(scope):
                return value.id not in bound(scope) and self._is_always_given_one(value.id, scope, module)
            if value.id in bound(scope):
                return self._is_assigned_one(value.id, scope, module)
        return self._is_one_of_a_module(value.id, module)

    def _is_assigned_one(self, name: str, scope: Scope, module: str) -> bool:
        """Whether the scope binds the name by plain assignments of constants alone."""
        given = [value for node in within(scope) for target, value in assignments(node) if target == name]
        constant = [self._is_constant(value, scope, module) for value in given]
        shared = any(name in node.names for node in ast.walk(self._trees[module]) if isinstance(node, ast.Global))
        return bool(given) and all(constant) and len(given) == bound(scope).count(name) and not shared

    def _is_one_of_a_module(self, name: str, module: str) -> bool:
        tree = self._trees[module]
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and name in {alias.asname or alias.name for alias in node.names}:
                path = str(node.module).removeprefix("vectorgate.").replace(".", "/")
                (source,) = (alias.name for alias in node.names if name == (alias.asname or alias.name))
                return f"{path}.py" in self._trees and self._is_one_of_a_module(source, f"{path}.py")
        return self._is_assigned_one(name, tree, module)

    def _is_always_given_one(self, name: str, function: Function, module: str) -> bool:
        """Whether the function is only called, within its folder, and always with a constant for the parameter."""
        question = (module, function.name, name)
        if question in self._asked:  # a function that calls itself: the outer call decides
            return True
        self._asked.add(question)
        folder = module.rpartition("/")[0]
        beside = [path for path in self._trees if path.rpartition("/")[0] == folder]
        calls = [
            (call, scope, path)
            for path in beside
            for scope in scopes(self._trees[path])
            for call in within(scope)
            if isinstance(call, ast.Call) and called(call.func) == function.name
        ]
        given = [
            argument is not None and self._is_constant(argument, scope, path)
            for call, scope, path in calls
            for argument in [argument_of(call, name, function)]
        ]
        self._asked.remove(question)
        plain = sum(isinstance(call.func, ast.Name) for call, _, _ in calls)
        nodes = [node for path in beside for node in ast.walk(self._trees[path])]
        named = sum(isinstance(node, ast.Name) and node.id == function.name for node in nodes)
        handed_on = function in self._trees[module].body and plain < named
        return bool(given) and all(given) and not handed_on


def scopes(tree: ast.Module) -> Iterator[Scope]:
    """Yield the module, and every function in it."""
    yield tree
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def within(scope: Scope) -> Iterator[ast.AST]:
    """Yield the nodes of a scope, without those of the functions in it."""
    waiting: list[ast.AST] = list(scope.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function):
            waiting += ast.iter_child_nodes(node)


def named_values(node: ast.AST) -> list[tuple[str, ast.expr]]:
    """Return names with values: keyword arguments of a call, constant keys of a dictionary, an item that is set."""
    if isinstance(node, ast.Call) and called(node.func) == "setdefault" and isinstance(node.args[0], ast.Constant):
        return [(str(node.args[0].value), node.args[1])]
    if isinstance(node, ast.Call):
        return [(word.arg or "", word.value) for word in node.keywords]
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return [(str(key.value), value) for key, value in pairs if isinstance(key, ast.Constant)]
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
        place = node.target.slice
        return [(str(place.value), ast.JoinedStr([]))] if isinstance(place, ast.Constant) else []  # += builds a text
    if isinstance(node, ast.Assign):
        places = [place.slice for place in node.targets if isinstance(place, ast.Subscript)]
        return [(str(place.value), node.value) for place in places if isinstance(place, ast.Constant)]
    return []


def called(node: ast.AST) -> str | None:
    """Return the name by which a function is used."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def assignments(node: ast.AST) -> list[tuple[str, ast.expr]]:
    """Return the plain assignments to names."""
    if isinstance(node, ast.Assign):
        return [(target.id, node.value) for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        return [(node.target.id, node.value)]
    return []


def bound(scope: Scope) -> list[str]:
    """Return the names that a scope binds, once for each binding."""
    return [node.id for node in within(scope) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


def parameters(function: Function) -> list[str]:
    """Return the names of the parameters, positional ones first."""
    arguments = function.args
    return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def argument_of(call: ast.Call, name: str, function: Function) -> ast.expr | None:
    """Return a call's argument for a parameter, or None if it is unknown."""
    for word in call.keywords:
        if word.arg == name:
            return word.value
    names = parameters(function)
    place = names.index(name) - (names[0] in {"self", "cls"})
    plain = place < len(call.args) and not any(isinstance(each, ast.Starred) for each in call.args[: place + 1])
    return call.args[place] if plain else None
