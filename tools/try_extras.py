"""Install a wheel, and it with each of its extras, in fresh environments, and use what was installed.

    python -m tools.try_extras WHEEL [--python python3.12] [--extras audio serve …] [--folder FOLDER] [-- options of pip]

An environment is made with the wheel alone. For each extra it is copied by hard links, which costs next to nothing, the extra is installed
there and used, and the copy goes. Versions are those of constraints.txt. Prints a line for each; ends with 1 if one does not work.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from email.parser import Parser
from pathlib import Path

from tools.lock import INTERNAL

ROOT = Path(__file__).resolve().parent.parent
USE = """
import numpy as np, senpath as sp
from sklearn.datasets import load_iris
iris, labels, generator = load_iris(), ["a", "b"] * 5, np.random.default_rng(0)
net = sp.Network("iris.sen")
net.learn("iris", iris.data, iris.target_names[iris.target], epochs=30)
assert (net.predict(iris.data).label == iris.target_names[iris.target]).mean() > 0.8
net.verify()
tones = [sp.Audio(np.sin(np.arange(4000) * (0.1 + index % 2)), 8000) for index in range(10)]
pictures = generator.integers(0, 256, (10, 64, 64, 3), dtype=np.uint8)
texts = ["a fine day", "a wet night"] * 5
def through(encoder, modality, items):
    with_encoder = sp.Network(encoders={modality: encoder})
    with_encoder.learn("task", items, labels, epochs=2, min_separability=0)
    assert with_encoder.encoders and len(with_encoder.predict(items)) == 10
"""
"""What every environment has to be able to do, and names for what follows."""
USES = {
    "audio": "net.learn('tones', tones, labels, epochs=2, min_separability=0)",
    "cloud": "import obstore",
    "demo": "from senpath.data import embedded_tasks; assert len(embedded_tasks(small=True)) == 5",
    "excel": """
import openpyxl
book = openpyxl.Workbook()
for row in ("a", "label"), (1, "x"), (2, "y"):
    book.active.append(row)
book.save("t.xlsx")
assert len(sp.read("t.xlsx")) == 2""",
    "hub": "import huggingface_hub; net.save_pretrained('saved'); sp.Network.from_pretrained('saved')",
    "image": "through('efficientnet-lite0', 'image', pictures)",
    "languages": "through('multilingual-e5-small', 'text', texts)",
    "mlflow": "import senpath.mlflow",
    "onnx": "net.export_onnx('iris', 'iris.onnx'); net.export_all('all.onnx')",
    "plots": "assert net.plot() is not None",
    "ray": "import ray.serve; from senpath.parallel.ray_backend import Ray",
    "serve": "import senpath.server.app; sp.Client('http://127.0.0.1:9')",
    "speech": "through('speech', 'audio', tones)",
    "tables": """
import pyarrow as pa, pyarrow.parquet as pq
pq.write_table(pa.table({"a": [1, 2], "label": ["x", "y"]}), "t.parquet")
assert len(sp.read("t.parquet")) == 2""",
    "tensorboard": "from senpath.tracking import TensorBoard; net.learn('again', iris.data, iris.target, epochs=1, progress=TensorBoard())",
    "text": "through('minilm', 'text', texts)",
    "video": "import av; through('efficientnet-lite0-frames', 'video', [sp.Video(np.stack([one] * 8)) for one in pictures])",
    "wandb": "import wandb; from senpath.tracking import WeightsAndBiases",
}
"""By extra, a program that cannot work without it."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--extras", nargs="*", help="by default all; none: the wheel alone")
    parser.add_argument("--folder", type=Path, help="where environments are made; by default a temporary folder")
    parser.add_argument("pip", nargs="*", help="options of pip, behind --")
    given = parser.parse_args()
    extras = extras_of(given.wheel) if given.extras is None else given.extras
    with tempfile.TemporaryDirectory(dir=given.folder and given.folder.resolve()) as folder:  # commands run elsewhere
        plain = Path(folder) / "plain"
        subprocess.run([given.python, "-m", "venv", plain], check=True)
        wheel = given.wheel.resolve()
        faults = [report("(none)", install(plain, str(wheel), given.pip) or use(plain, None, Path(folder)))]
        for extra in extras:
            copy = Path(folder) / extra
            shutil.copytree(plain, copy, symlinks=True, copy_function=os.link)
            faults.append(report(extra, install(copy, f"{wheel}[{extra}]", given.pip) or use(copy, extra, Path(folder))))
            shutil.rmtree(copy)
    return int(any(faults))


def extras_of(wheel: Path) -> list[str]:
    """The extras for users, as the wheel's metadata names them."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    return [extra for extra in metadata.get_all("Provides-Extra", ()) if extra not in INTERNAL]


def install(environment: Path, what: str, options: Sequence[str]) -> str:
    """Install by pip; returns what it complains of, "" if it does not."""
    pinned = ["--constraint", ROOT / "constraints.txt", "--quiet", "--disable-pip-version-check"]
    run = subprocess.run([environment / "bin/python", "-m", "pip", "install", *pinned, *options, what], capture_output=True, text=True)
    return "" if run.returncode == 0 else f"cannot be installed: {last_line(run.stderr)}"


def use(environment: Path, extra: str | None, folder: Path) -> str:
    """Use senpath and the extra in an empty folder; returns what goes wrong, "" if nothing does."""
    away = {"PYTHONPATH": "", "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(folder / "cache"), "PATH": os.environ["PATH"]}
    with tempfile.TemporaryDirectory(dir=folder) as work:
        for arguments in ("-c", USE + (USES[extra] if extra else "")), ("-m", "senpath", "doctor", "iris.sen", "--json"):
            command = [environment / "bin/python", *arguments]
            run = subprocess.run(command, capture_output=True, text=True, cwd=work, env=away)
            if run.returncode != 0:
                return last_line(run.stderr) or run.stdout
    findings = [json.loads(line) for line in run.stdout.splitlines()]
    mine = [finding for finding in findings if (finding["part"], finding["name"]) == ("extras", extra)]
    return "" if extra is None or mine[0]["state"] == "ok" else f"doctor: {mine}"


def last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]


def report(extra: str, fault: str) -> str:
    print(f"{extra:<12} {fault or 'works'}", flush=True)
    return fault


if __name__ == "__main__":
    sys.exit(main())
