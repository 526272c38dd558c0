"""What a command leaves alone: the home, the network, the screen but for its own words, and settings of others."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import pytest

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "tests" / "fixtures" / "bundle_v1"
NAME = "患者_🙂"  # in letters that the font of the figures lacks
COMMANDS = {
    "predict": ("predict", "DATA", "--out", "OUT/p.csv", "--model", str(MODEL)),
    "map": ("map", "DATA", "--out", "OUT/map", "--model", str(MODEL)),
    "explain": ("explain", f"DATA/{NAME}", "--max-images", "2", "--out", "OUT/explain"),
    "slide": ("slide", f"DATA/{NAME}/{NAME}.png", "--mpp", "4", "--out", "OUT/slide", "--model", str(MODEL)),
    "evaluate": ("evaluate", "--data", "DATA", "--new-patients", "--out", "OUT/e", "--model", str(MODEL)),
}
# Python tells of connections and imports; the telemetry of ONNX Runtime speaks from C++ and has to be off by then.
WATCH = """
import os, sys
def watch(event, found):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        print("NETWORK", event, found, file=sys.stderr)
    if event == "import" and found[0] == "onnxruntime" and os.environ.get("ORT_DISABLE_TELEMETRY") != "1":
        print("TELEMETRY", file=sys.stderr)
sys.addaudithook(watch)
from cancernet.cli import main
main()
"""
CHATTER = (
    "Warning",
    "site-packages",
    "Glyph",
    "font",
    "matplotlib",
    "OpenCV",
    "[ WARN",
    "absl",
    "sklearn",
    "onnxruntime",
)


@pytest.fixture(scope="module")
def data(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients, one of them with a name in other letters, and a larger image."""
    folder = tmp_path_factory.mktemp("data") / "d"
    for source, name in (("S001", NAME), ("S002", "S002")):
        for path in (sample / source).glob("*/*.png"):
            target = folder / name / path.parent.name / path.name.replace(source, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    patches = [cv2.imread(str(path)) for path in sorted((sample / "S003").glob("*/*.png"))[:9]]
    wall = cv2.vconcat([cv2.hconcat(patches[row : row + 3]) for row in (0, 3, 6)])
    (folder / NAME / f"{NAME}.png").write_bytes(cv2.imencode(".png", wall)[1].tobytes())
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all, so that the list of fonts is made once."""
    return tmp_path_factory.mktemp("home")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_leaves_the_home_the_network_and_the_screen_alone(
    name: str, data: Path, home: Path, tmp_path: Path
) -> None:
    if name == "slide":
        pytest.importorskip("pyvips")
    out, here = (tmp_path / each for each in ("out", "here"))
    for folder in (out, here):
        folder.mkdir()
    hidden = (
        "CANCERNET_CACHE",
        "MPLCONFIGDIR",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "ORT_DISABLE_TELEMETRY",
        "PYTHONPATH",
    )
    environment = {key: value for key, value in os.environ.items() if key not in hidden} | {"HOME": str(home)}
    words = [word.replace("DATA", str(data)).replace("OUT", str(out)) for word in COMMANDS[name]]
    trace = tmp_path / "trace"
    traced = (
        ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect,sendto", "-o", str(trace)]
        if shutil.which("strace")
        else []
    )
    ended = subprocess.run(
        [*traced, sys.executable, "-c", WATCH, *words],
        capture_output=True, text=True, env=environment, cwd=here, check=False,
    )  # fmt: skip
    said = ended.stdout + ended.stderr
    assert ended.returncode in (0, 1), said
    assert "NETWORK" not in said
    assert "TELEMETRY" not in said
    if trace.exists():
        assert re.findall(r"AF_INET6?|getaddrinfo", trace.read_text(errors="replace")) == []
    assert [str(path) for path in home.rglob("*") if path.is_file() and "cancernet" not in path.parts] == []
    assert list(here.iterdir()) == []
    assert [word for word in CHATTER if word in said] == []


DISTRIBUTIONS = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless", "sklearn": "scikit-learn", "openslide": "openslide-python",
    "prometheus_client": "prometheus-client", "python_multipart": "python-multipart",
}  # fmt: skip
NAMED_ELSEWHERE = {  # what is wanted without an import of ours
    "tensorflow-cpu": "the same module as tensorflow",
    "tf2onnx": "imported by the subprocess or by name",
    "tensorboard": "reads what training writes",
    "openslide-bin": "the library of openslide-python",
    "pyvips-binary": "the library of pyvips",
    "pyarrow": "imported by name, and by pandas",
    "distributed": "imported by name",
    "httptools": "what uvicorn reads HTTP with, as our protocol has it",
    "uvloop": "taken by uvicorn where it is there",
    "cancernet": "the extra for slides",
}


def imported() -> set[str]:
    """The modules of others that the package imports, anywhere in it, by the names of their distributions."""
    found = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "need":  # the extra for slides, by name
                names = [each.value for each in node.args if isinstance(each, ast.Constant)]
            found |= {name.partition(".")[0] for name in names}
    found -= {*sys.stdlib_module_names, "cancernet", "__future__"}
    return {DISTRIBUTIONS.get(name, name) for name in found}


def test_what_is_declared_is_what_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    optional = ("train", "download", "slide", "tables", "anndata", "scale", "adapt", "serve")
    wanted = [*project["dependencies"], *(line for name in optional for line in extras[name])]
    declared = {re.split(r"[<>=!~;\[ ]", line)[0] for line in wanted}
    assert declared - set(NAMED_ELSEWHERE) == imported() - set(NAMED_ELSEWHERE)


def test_no_settings_in_the_current_folder_change_a_figure(data: Path, tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nsavefig.dpi: 10\n")
    pictures = []
    for here in (tmp_path, data):
        out = tmp_path / f"of {here.name}"
        words = ("map", str(data), "--patient", "S002", "--out", str(out), "--model", str(MODEL))
        code = "from cancernet.cli import main; main()"
        subprocess.run([sys.executable, "-c", code, *words], cwd=here, check=False, capture_output=True)
        pictures.append((out / "S002" / "map.png").read_bytes())
    assert pictures[0] == pictures[1]
