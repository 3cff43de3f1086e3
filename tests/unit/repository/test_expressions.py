"""The check that no DynamoDB expression is built sees it whichever way the text goes."""

from __future__ import annotations

import ast
from typing import Final

import pytest

from tests.helpers.expressions import Sources

OTHER: Final = "IS_NEW: Final = 'attribute_not_exists(PK)'\ndef made(x):\n    return x\nBUILT = made('a')\n"
CONSTANT: Final = {
    "a literal": "put(ConditionExpression='a')",
    "a constant": "A: Final = 'a'\nput({'ConditionExpression': A})",
    "another module's": "from vectorgate.persistence.dynamodb.other import IS_NEW as NEW\nput(ConditionExpression=NEW)",
    "one of two": "A = 'a'\nB = 'b'\ndef f(x):\n    put(ConditionExpression=A if x else B)",
    "a local name": "A = 'a'\ndef f(x):\n    c = A\n    if x:\n        c = 'b'\n    put(ConditionExpression=c)",
    "a parameter": "A = 'a'\ndef f(x, c):\n    put(ConditionExpression=c)\nf(1, A)\nf(1, c='b')",
    "a method's": "class T:\n  def q(self, c):\n    put(ConditionExpression=c)\n  def r(self):\n    self.q('a')",
    "through two": "def f(c):\n    put(ConditionExpression=c)\ndef g(d):\n    f(d)\ng('a')",
    "names and values": "put(ExpressionAttributeValues=values(x))",
}
BUILT: Final = {
    "a template": "put(ConditionExpression=f'{x} = :y')",
    "a sum": "A = 'a'\nput(ConditionExpression=A + x)",
    "a call": "put({'UpdateExpression': ', '.join(x)})",
    "an item": "wanted['ProjectionExpression'] = ', '.join(x)",
    "a local name": "def f(x):\n    c = f'{x}'\n    put(ConditionExpression=c)",
    "a local name that is added to": "def f(x):\n    c = 'a'\n    c += x\n    put(ConditionExpression=c)",
    "a parameter that is added to": "def f(c, x):\n    c += x\n    put(ConditionExpression=c)\nf('a', y)",
    "a parameter that is set anew": "def f(c, x):\n    c = f'{c}{x}'\n    put(ConditionExpression=c)\nf('a', y)",
    "an item that is added to": "wanted['FilterExpression'] += x",
    "an item that is set if there is none": "wanted.setdefault('FilterExpression', f'{x}')",
    "a function that is handed on": "def f(c):\n    put(ConditionExpression=c)\nf('a')\nmap(f, x)",
    "a global one": "A = 'a'\ndef f(x):\n    global A\n    A = x\nput(ConditionExpression=A)",
    "a loop's": "def f(x):\n    for c in x:\n        put(ConditionExpression=c)",
    "one of two": "def f(x):\n    put(ConditionExpression='a' if x else x)",
    "a module's": "A = 'a'.join(x)\nput(ConditionExpression=A)",
    "another module's": "from vectorgate.persistence.dynamodb.other import BUILT\nput(ConditionExpression=BUILT)",
    "of no module": "from elsewhere import A\nput(ConditionExpression=A)",
    "a parameter": "def f(x, c):\n    put(ConditionExpression=c)\nf(1, 'a')\nf(1, f'{x}')",
    "a parameter that goes by name": "def f(*, c):\n    put(ConditionExpression=c)\nf(c=x.y)",
    "a parameter that no caller gives": "def f(c):\n    put(ConditionExpression=c)",
    "a parameter out of a list": "def f(c):\n    put(ConditionExpression=c)\nf(*x)",
    "through two": "def f(c):\n    put(ConditionExpression=c)\ndef g(d):\n    f(d)\ng(x + 'a')",
}


def built(source: str) -> list[str]:
    """What the check finds in a module that stands beside another one."""
    folder = "persistence/dynamodb"
    return Sources({f"{folder}/one.py": ast.parse(source), f"{folder}/other.py": ast.parse(OTHER)}).built(
        f"{folder}/one.py"
    )


@pytest.mark.parametrize("source", CONSTANT.values(), ids=CONSTANT)
def test_a_constant_is_let_through_whichever_way_it_goes(source: str) -> None:
    assert built(source) == []


@pytest.mark.parametrize("source", BUILT.values(), ids=BUILT)
def test_what_is_built_is_found_whichever_way_it_goes(source: str) -> None:
    assert len(built(source)) == 1
