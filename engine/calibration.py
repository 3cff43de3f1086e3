"""From the ranking's own figure to a score that a threshold can be set on.

The figure (from 0 to 1) orders the chunks of one search, and can be compared with those of another search, because both
of its parts are absolute: the cosine, and the share of the query's words. A score of 0.5 means that the store is as
likely to have something about the question as not, where half of all questions are about another subject of the same
field. Questions from everyday life score near 0. `tests/benchmarks/paraphrases.py` prints what a threshold keeps.
"""

from __future__ import annotations

from typing import Final

# Fitted to questions that a collection answers and to those that another one answers (logistic regression on the
# logarithm of the figure's odds gave 0.44 and 2.3), and rounded towards keeping more.
MIDDLE: Final = 0.4  # the figure that becomes 0.5
SLOPE: Final = 2  # so much steeper than the figure's own odds


def calibrated(figure: float) -> float:
    """The score of a figure from 0 to 1. Rises with it, so that the order stays; 0 and 1 stay themselves."""
    there = (figure / MIDDLE) ** SLOPE
    absent = ((1.0 - figure) / (1.0 - MIDDLE)) ** SLOPE
    return there / (there + absent)
