"""The result of `make build`: enough for the functions to start, and nothing that the requirements do not list."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from tests.harnesses.aws_stack import BUILT, ROOT
from tests.helpers.pinned_packages import pinned

pytestmark = pytest.mark.e2e

LAMBDA: Final = ROOT / ".build" / "lambda"
FUNCTIONS: Final = ("Api", "Stream", "Invoke", "Admin", "UsageLogger", "Meter", "Ingest", "Exporter")
AARCH64: Final = 183  # e_machine of an ELF file
MB: Final = 1024 * 1024
# -I -S: no environment variables and no installed packages, as in Lambda.
START: Final = """
import importlib, os, pkgutil, sys
sys.path[:0] = sys.argv[1:]
needed = "TABLE SECRET_OPENAI MASTER_KEY_SECRET INGEST_BUCKET INGEST_BUS INGEST_QUEUE INGEST_FAILURES".split()
os.environ |= {"AWS_REGION": "eu-central-1", **{f"VECTORGATE_{name}": "x" for name in needed}}
import app, vectorgate
if hasattr(app.handler, "start"): app.handler.start()  # as its own runtime does
assert "botocore.client" in sys.modules  # made before the first call
names = [each.name for each in pkgutil.walk_packages(vectorgate.__path__, "vectorgate.")]
for name in names:
    assert not name.startswith(("vectorgate.client", "vectorgate.persistence.sqlite")), "no function stands on them"
    if not name.endswith("__main__"): importlib.import_module(name)
import aws_lambda_powertools, boto3, certifi, httpcore, multipart
assert callable(app.handler)
assert vectorgate.__file__.startswith(sys.argv[3]), vectorgate.__file__
"""


@pytest.mark.parametrize(
    "function", [FUNCTIONS[0], *(pytest.param(name, marks=pytest.mark.exhaustive) for name in FUNCTIONS[1:])]
)
def test_a_function_starts_from_its_layers_alone(function: str) -> None:
    folders = [str(BUILT / part) for part in (function, "DepsLayer/python", "CoreLayer/python")]
    command = [sys.executable, "-I", "-S", "-B", "-c", START, *folders]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr


def test_what_is_deployed_is_small_compiled_for_lambda_and_runs_nothing_by_itself() -> None:
    if not LAMBDA.is_dir():
        pytest.fail("nothing is built: run `make build`")
    files = [path for path in LAMBDA.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 100 * MB
    assert [path for path in files if path.suffix == ".pth"] == []
    libraries = [path for path in files if ".so" in path.suffixes]
    assert libraries
    for library in libraries:
        header = library.read_bytes()[:20]
        assert int.from_bytes(header[18:20], "little") == AARCH64, library
        assert "cpython-313-" in library.name or "abi3" in library.name, library
    assert {path.parent.parent.name for path in LAMBDA.glob("*/python/*/__init__.py")} == {"python"}


def built(requirements: str, folder: Path, wheels: Path, compiler: str = "none") -> subprocess.CompletedProcess[str]:
    """Build the dependencies' layer from other requirements, without a network."""
    source = folder / "deps"
    source.mkdir()
    shutil.copy(ROOT / "layers/deps/Makefile", source)
    (source / "requirements.txt").write_text(requirements)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    uv = f"{Path(sys.executable).with_name('uv')} pip install --python {sys.executable}"
    command = ["make", "-C", str(source), "build-DepsLayer", f"PYTHON={sys.executable}"]
    command += [f"UV={uv} --no-index --find-links {wheels}"]
    command += [f"ARTIFACTS_DIR={folder / 'out'}", f"COMPILER={compiler}"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def wheel(folder: Path, *extra: str) -> Path:
    """Make a distribution that has more files than it should."""
    path = folder / "innocent-1.0-py3-none-any.whl"
    info = "innocent-1.0.dist-info"
    files = {
        "innocent.py": "",
        **dict.fromkeys(extra, "import innocent\n"),
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: innocent\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"]))
    return path


@pytest.mark.exhaustive
def test_a_dependency_with_its_hash_is_built(tmp_path: Path) -> None:
    digest = sha256(wheel(tmp_path).read_bytes()).hexdigest()
    done = built(f"innocent==1.0 --hash=sha256:{digest}\n", tmp_path, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/python/innocent.py").is_file()


def test_a_layer_that_cannot_be_compiled_is_not_built(tmp_path: Path) -> None:
    digest = sha256(wheel(tmp_path).read_bytes()).hexdigest()
    done = built(f"innocent==1.0 --hash=sha256:{digest}\n", tmp_path, tmp_path, "python0.1")
    assert done.returncode != 0
    assert "no python0.1 here" in done.stderr


def test_a_dependency_without_a_hash_is_not_built(tmp_path: Path) -> None:
    wheel(tmp_path)
    done = built("innocent==1.0\n", tmp_path, tmp_path)
    assert done.returncode != 0
    assert "hash" in done.stderr.lower()


@pytest.mark.exhaustive
def test_a_dependency_with_another_hash_is_not_built(tmp_path: Path) -> None:
    wheel(tmp_path)
    assert built(f"innocent==1.0 --hash=sha256:{'0' * 64}\n", tmp_path, tmp_path).returncode != 0


def test_a_dependency_that_would_run_at_every_start_is_not_built(tmp_path: Path) -> None:
    digest = sha256(wheel(tmp_path, "innocent.pth").read_bytes()).hexdigest()
    done = built(f"innocent==1.0 --hash=sha256:{digest}\n", tmp_path, tmp_path)
    assert done.returncode != 0
    assert "unexpected .pth" in done.stderr


def test_the_package_that_pip_makes_has_its_prices_its_types_and_its_command(tmp_path: Path) -> None:
    source = tmp_path / "source"
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "layers/core/python", source / "layers/core/python", ignore=unwanted)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    try:
        backend = pinned("setuptools-80.10")
    except subprocess.CalledProcessError:
        pytest.skip("the build backend is not in .cache, and cannot be installed")
    command = [sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PIP_NO_INDEX": "1", "PYTHONPATH": str(backend)}
    done = subprocess.run(  # noqa: S603 - ours
        [*command, "--wheel-dir", str(tmp_path), str(source)], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (made,) = tmp_path.glob("vectorgate-*.whl")
    with zipfile.ZipFile(made) as archive:
        names = set(archive.namelist())
        (info,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
        commands = archive.read(f"{info}/entry_points.txt").decode()
        metadata = archive.read(f"{info}/METADATA").decode()
    python = source / "layers/core/python"
    ours = {path.relative_to(python).as_posix() for path in python.rglob("*.py")}
    assert names >= ours | {"vectorgate/pricing/prices.json", "vectorgate/py.typed"}
    assert {name.partition("/")[0] for name in names} == {"vectorgate", info}
    assert "vectorgate = vectorgate.client.command:main" in commands.splitlines()
    assert 'Requires-Dist: boto3<2,>=1.40; extra == "lambda"' in metadata.splitlines()
    assert 'Requires-Dist: click<9,>=8.3; extra == "cli"' in metadata.splitlines()


def test_the_emulator_runs_the_code_on_this_machine() -> None:
    names = [path.name for path in BUILT.rglob("_pydantic_core*.so")]
    assert any(platform.machine() in name for name in names), names
