"""HTML and JSON to text."""

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

from engine.extraction.decoding import decoded
from engine.extraction.limits import MAX_JSON_DEPTH, Refused

HIDDEN = ("script", "style", "template", "noscript")
TAG = re.compile(r"</?([a-zA-Z][^\s/>]*)")
COMMENT_END = re.compile("-->")
DECLARATION_END = re.compile(">")
TAG_MARK = re.compile(r"[>\"']")
BLOCK_TAGS = """
address article aside blockquote br dd div dl dt figcaption footer h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre
section table td th title tr ul
"""
BLOCKS = frozenset(BLOCK_TAGS.split())


def visible(source: str) -> Iterator[str]:
    """The visible text of a page in pieces, a line break for every block.

    Not the standard library's HTMLParser: 60 kB of `<a <a <a` hold it for most of a minute. Here every character is
    passed once: an element that is opened and never closed extends to the end, as it does in a browser.
    """
    at = 0
    while (tag := source.find("<", at)) >= 0:
        yield unescape(source[at:tag])
        name = TAG.match(source, tag)
        if name:
            at = after_tag(source, name.end())
            yield "\n" if name[1].lower() in BLOCKS else ""
            if name[1].lower() in HIDDEN and name[0][1] != "/":
                at = after(source, re.compile(f"</{name[1]}[^>]*>?", re.IGNORECASE), at)
        elif source.startswith(("<!", "<?", "</"), tag):
            at = after(source, COMMENT_END if source.startswith("<!--", tag) else DECLARATION_END, tag)
        else:
            yield "<"
            at = tag + 1
    yield unescape(source[at:])


def after(source: str, end: re.Pattern[str], at: int) -> int:
    """Where `end` ends, or the end of everything."""
    found = end.search(source, at)
    return found.end() if found else len(source)


def after_tag(source: str, at: int) -> int:
    """Where a tag ends: at the first `>` outside quotes. A quote that is never closed does not count."""
    while mark := TAG_MARK.search(source, at):
        at = mark.end()
        if mark[0] == ">":
            return at
        closing = source.find(mark[0], at)
        at = closing + 1 if closing >= 0 else at
    return len(source)


def html(path: Path) -> Iterator[str]:
    """The visible text."""
    lines = (" ".join(line.split()) for line in "".join(visible(decoded(path))).splitlines())
    yield "\n".join(line for line in lines if line)


def json_text(path: Path) -> Iterator[str]:
    """The document, pretty: a member a line, so that a chunk of it can be read."""
    source = decoded(path)
    if nesting(source) > MAX_JSON_DEPTH:
        raise Refused(f"The JSON is nested more than {MAX_JSON_DEPTH} deep.")
    try:
        document = json.loads(source)
    except ValueError as error:
        raise Refused(f"The file is not valid JSON: {error}") from error
    yield json.dumps(document, indent=2, ensure_ascii=False).encode(errors="replace").decode()


def nesting(source: str) -> int:
    """How deep brackets go; those inside strings count too, which matters for absurd strings alone."""
    depth = deepest = 0
    for char in source:
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest
