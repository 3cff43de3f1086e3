"""The weights of a query's words."""

from __future__ import annotations

import re
from typing import Final

MAX_TERMS: Final = 64
_WORD: Final = re.compile(r"\w+")
# Words that say nothing about a chunk, and match most of them: leaving them out is what keeps search fast.
_STOPWORDS: Final = """
a about all also am an and any are as at be been but by can could did do does for from get give had has have he her him
his how i if in into is it its just let like may me might more my no not of on one only or our out please shall she
should show so some such tell than that the their them then there these they this those to up us was we were what when
where which while who whom whose why will with would you your
"""
STOPWORDS: Final = frozenset(_STOPWORDS.split())


def words(query: str) -> list[str]:
    """The words of a query that say something, at most 64; all of them when none does."""
    found = dict.fromkeys(word.lower() for word in _WORD.findall(query))
    return ([word for word in found if word not in STOPWORDS] or list(found))[:MAX_TERMS]


def rewrite(query: str) -> str:
    """A question as keywords: without the words that only make it a question. Unchanged when none would be left."""
    kept = [word for word in query.split() if (_WORD.findall(word.lower()) or [""])[0] not in STOPWORDS]
    return " ".join(kept).rstrip("?!. ") or query
