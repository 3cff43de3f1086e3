"""What hostile paths are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.harnesses.azure import REAL, VIRTUAL
from vectorgate.azure_search.operations import INDEX_OPERATIONS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator


PATHS = 25_000
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get", "MERGE", "")
VALID = sorted({"/azure_ai" + spelling for row in INDEX_OPERATIONS for spelling in row.path_variants})
TOKENS = (
    *("..", ".", "/", "//", "/./", "/../", "/../servicestats", "/%2e%2e/", "%2e", "%2f", "%2F", "%252f", "%25252f"),
    *(
        "\\",
        "%5c",
        "%5C",
        "%255c",
        "\0",
        "%00",
        "%2500",
        ";",
        "%3b",
        ";a=b",
        ";jsessionid=1",
        "'",
        "%27",
        "%2527",
        "''",
    ),
    *("('a')", "('a')('b')", "('')", "(", ")", "%28", "%29", "('", "')", "'or'1'eq'1", "' or 1 eq 1", "')/docs('2"),
    *(
        "@evil.example",
        ":80",
        "?",
        "%3f",
        "?api-version=2019-05-06",
        "#",
        "%23",
        "%23frag",
        "$metadata",
        "$count",
        "$batch",
    ),
    *(
        "search.analyze",
        "indexers",
        "datasources",
        "servicestats",
        "aliases",
        "synonymmaps",
        "docs",
        "indexes",
        "stats",
    ),
    *(
        "\u2025",
        "\uff0e\uff0e",
        "\uff0f",
        "%c0%af",
        "%e0%80%af",
        "%ff",
        "%u002f",
        "%",
        "%2",
        "%zz",
        "\n",
        "%0d%0a",
        "%0a",
    ),
    *(
        " ",
        "%20",
        "+",
        "*",
        "~",
        "{index}",
        "{key}",
        REAL,
        "other",
        "x" * 200,
        "a" * 129,
        "K" * 1100,
        "-",
        "_",
        "=",
        "0",
    ),
    *(
        "http://evil.example",
        "//evil.example/",
        "..;/",
        "/..;/",
        "%2e%2e%2f",
        "..%c0%af",
        "%uff0e",
        "\u0131",
        "\u017f",
        "\u0130",
    ),
)


def hostile(rng: random.Random) -> Iterator[str]:
    """Yield templates that are filled in and then mutilated, and random sequences of pieces."""
    while True:
        if rng.random() < 0.15:
            yield "/azure_ai/" + "".join(rng.choice(TOKENS) for _ in range(rng.randint(1, 8)))
            continue
        path = rng.choice(VALID).format(index=rng.choice((VIRTUAL, VIRTUAL, VIRTUAL, REAL, "other")), key="k-1_=")
        for _ in range(rng.randint(0, 3)):
            path = mutilated(path, rng)
        yield path


def mutilated(path: str, rng: random.Random) -> str:  # noqa: PLR0911 - a return a way
    """Return a path with one change."""
    place = rng.randrange(len("/azure_ai"), len(path) + 1)
    match rng.randrange(8):
        case 0 | 1:
            return path[:place] + rng.choice(TOKENS) + path[place:]
        case 2:
            return path[:place] + path[place + rng.randint(1, 4) :]
        case 3:
            return path[:place] + "".join(f"%{ord(char):02x}" for char in path[place : place + 3]) + path[place + 3 :]
        case 4:
            return path[:place] + "".join(f"%25{ord(char):02X}" for char in path[place : place + 1]) + path[place + 1 :]
        case 5:
            return path[:place] + path[place:].swapcase()
        case 6:
            return path.replace("'", rng.choice(("%27", "%27", "''", "\u2019", '"', "`")), rng.randint(1, 2))
        case _:
            first, *rest = path.split("/")[1:]
            rng.shuffle(rest)
            return "/" + "/".join([first, *rest])
