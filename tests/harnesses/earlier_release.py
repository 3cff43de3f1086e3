"""An earlier release of this repository: its code, built, and a stack that its own harness deploys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.harnesses.aws_stack import BUILT, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harnesses.aws_stack import Emulator

# VECTORGATE_UPGRADE_FROM names another commit or tag. Without it, this one, from which every stack of today was made.
COMMIT: Final = os.environ.get("VECTORGATE_UPGRADE_FROM", "0a7746c")
DEPLOY: Final = """
import json, sys
from pathlib import Path
from tests.harnesses.aws_deployment import deploy
from tests.harnesses.aws_stack import Emulator
port, log, provider, name, parameters = sys.argv[1:]
print(json.dumps(deploy(Emulator(int(port), Path(log)), provider, name, **json.loads(parameters)).outputs))
"""


@dataclass(frozen=True)
class EarlierRelease:
    """The files of a commit in a folder."""

    folder: Path

    @classmethod
    def of(cls, folder: Path, commit: str = COMMIT) -> EarlierRelease:
        """Write the commit's files into a new folder, and build its functions. CalledProcessError: no such commit."""
        folder.mkdir()
        git = shutil.which("git") or "git"
        files = subprocess.run([git, "archive", commit], cwd=ROOT, check=True, stdout=subprocess.PIPE)  # noqa: S603
        subprocess.run(["tar", "-x"], cwd=folder, check=True, input=files.stdout)  # noqa: S607
        release = cls(folder)
        release.build()
        return release

    def build(self) -> None:
        """Build what `make e2e` builds, by the release's own Makefiles; libraries of the same lock file are ours."""
        built = self.folder / ".build" / "host"
        lock = "layers/deps/requirements.txt"
        if (self.folder / lock).read_bytes() == (ROOT / lock).read_bytes():
            shutil.copytree(BUILT / "DepsLayer", built / "DepsLayer", symlinks=True)
        else:
            self._make("layers/deps", "DepsLayer")
        self._make("layers/core", "CoreLayer")
        makefile = (self.folder / "functions" / "Makefile").read_text("utf-8")
        for line in makefile.splitlines():
            name, folder, _ = line.partition(": folder = ")
            if folder:
                self._make("functions", name.removeprefix("build-"))

    def _make(self, folder: str, part: str) -> None:
        variables = {
            "ARTIFACTS_DIR": str(self.folder / ".build" / "host" / part),
            "PYTHON": sys.executable,
            "COMPILER": sys.executable,
            "PLATFORM": "",
            "UV": f"{ROOT / '.venv/bin/uv'} pip install --python {sys.executable}",
        }
        options = [f"{name}={value}" for name, value in variables.items()]
        command = ["make", "--silent", "-C", str(self.folder / folder), f"build-{part}", *options]
        subprocess.run(command, check=True, env={"PATH": os.environ["PATH"], "HOME": str(self.folder)})  # noqa: S603

    def deploy(self, aws: Emulator, provider_url: str, name: str, parameters: dict[str, str]) -> dict[str, str]:
        """Deploy its template as its own tests do; the stack's outputs."""
        path = os.pathsep.join([str(self.folder / "layers/core/python"), str(self.folder)])
        done = subprocess.run(  # noqa: S603 - our own lines, our own interpreter
            [sys.executable, "-c", DEPLOY, str(aws.port), str(aws.log), provider_url, name, json.dumps(parameters)],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONPATH": path},
            check=True,
            stdout=subprocess.PIPE,
        )
        outputs: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
        return outputs
