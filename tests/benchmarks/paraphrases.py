"""Questions in other words than the page's: `python -m tests.benchmarks paraphrases`.

Collection: the manual that npm carries in its package, a page a document, where npm is installed. The questions are
this project's own. They were written from the pages' subjects, each with the page that answers it, and without its
terms where everyday words were to be had. Beside them stand questions that the manual does not answer, about another
software and from everyday life, to see what a threshold keeps.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engine import embedding
from engine.adapters.sqlite.index_file import IndexFile, Matrix
from engine.adapters.sqlite.scoring import cosine, lexical
from engine.adapters.wordllama import WordLlama
from engine.calibration import calibrated
from engine.search import fuse
from tests.benchmarks.retrieval import SIZES, collection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import Floats

QUESTIONS: Final = """
npm-outdated: How do I see which of my libraries have newer releases?
npm-audit: find known vulnerabilities in what my project depends on
npm-prune: remove packages that nothing needs any more
npm-ci: make a reproducible clean install on the build server
npm-owner: who owns a package and how do I hand it to a colleague
npm-link: work on a library locally and use it in another project before releasing it
npm-unpublish: take back a version that I released by mistake
npm-deprecate: warn users not to use an old version
npm-whoami: how do I find out which account I am signed in with
npm-exec: run a tool once without adding it to the project
npm-init: start a new project and write its manifest
npm-explain: why is this module in my tree, what pulled it in
npm-dedupe: simplify the tree by moving shared copies up
npm-version: bump the release number and tag it in git
workspaces: several packages in one repository
package-json: what should I do to keep files out of the tarball
npm-pack: create a tarball from my package
npm-doctor: check that my environment is set up correctly
npm-profile: two-factor sign-in for my account
npm-dist-tag: publish a beta that people do not get by default
npm-bugs: open the bug tracker of a dependency in the browser
npm-cache: where are downloaded archives kept and how do I clear them
npm-diff: show me the difference between two published releases
package-json: force a nested dependency to a particular version
npm-ls: list everything that is installed
npm-fund: give money to the maintainers
npm-rebuild: compile native addons again after switching node
scripts: commands that are executed before and after installing
npm-logout: sign out of the registry
npm-star: mark a package as a favourite
"""
UNRELATED: Final = """
How long do I boil an egg?
best beaches in Portugal
who won the football world cup in 1998
symptoms of iron deficiency
how to prune apple trees in winter
tax rate on dividends in Germany
lyrics of a love song
the speed of light in vacuum
recipe for sourdough bread
how to change a bicycle tyre
when did the Roman empire fall
train from Berlin to Prague
"""
TOP: Final = (1, 3, 10)
THRESHOLDS: Final = (0.3, 0.5, 0.7)


def pages() -> dict[str, str]:
    """The pages of the manual by name; none where npm is not installed."""
    npm = shutil.which("npm")
    if npm is None:
        return {}
    root = subprocess.run([npm, "root", "-g"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - the developer's npm
    return {path.stem: path.read_text("utf-8") for path in sorted(Path(root).glob("npm/docs/content/*/*.md"))}


class Manual:
    """The pages in an index, as the worker makes it."""

    def __init__(self, folder: str, manual: dict[str, str]) -> None:
        self.embedder = WordLlama()
        self.index = IndexFile(Path(folder) / "manual.db", threading.Lock())
        chunks = [embedding.entries(self.embedder, text, SIZES, 10**7) for text in manual.values()]
        self.index.replace(0, [entry for some in chunks for entry in some])
        loaded = self.index.load()
        self.names = list(manual)
        self.owners = np.array([number for number, some in enumerate(chunks) for _ in some], dtype=np.int64)
        self.matrix = Matrix(loaded.chunks, self.owners, loaded.vectors)

    def scores(self, question: str) -> Floats:
        """The score of each page: that of its best chunk."""
        semantic = cosine(self.matrix, embedding.of_query(self.embedder, question))
        words = lexical(self.index, self.matrix, question, np.ones(len(self.owners), dtype=bool))
        best = np.zeros(len(self.names), dtype=np.float32)
        np.maximum.at(best, self.owners, fuse(semantic, words))
        return best

    def best(self, question: str) -> float:
        """The score of the best result, as a search shows it."""
        return calibrated(float(np.max(self.scores(question))))

    def rank(self, question: str, page: str) -> int:
        """The rank of the page that answers it, from 1."""
        scores = self.scores(question)
        return 1 + int((scores > scores[self.names.index(page)]).sum())


def report() -> Iterator[str]:
    """Lines to print: how often the right page is among the first, and the best scores of unrelated questions."""
    manual = pages()
    if not manual:
        yield "npm's manual is not installed"
        return
    asked = [line.split(": ", 1) for line in QUESTIONS.split("\n") if line]
    with tempfile.TemporaryDirectory() as folder:
        index = Manual(folder, manual)
        ranks = np.array([index.rank(question, page) for page, question in asked])
        among = ", ".join(f"{int((ranks <= most).sum())} among the first {most}" for most in TOP)
        yield f"{len(manual)} pages, {len(index.owners)} chunks; of {len(asked)} questions, the right page: {among}"
        scores = {
            "questions that it answers": [index.best(question) for _, question in asked],
            "titles of botocore's examples": [index.best(query.text) for query in collection()[1] if query.held_out],
            "questions from everyday life": [index.best(question) for question in UNRELATED.split("\n") if question],
        }
    yield f"{'best score':32}{'median':>8}{'highest':>9}" + "".join(f"{f'over {least}':>10}" for least in THRESHOLDS)
    for name, found in scores.items():
        kept = "".join(f"{sum(score >= least for score in found) / len(found):10.0%}" for least in THRESHOLDS)
        yield f"{name:32}{np.median(found):8.2f}{max(found):9.2f}{kept}"
