"""`senpath doctor` says what is there, what is missing and what does not work, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import senpath as sp
from senpath.installation import how_to_install, requirements

Run = Callable[..., Any]


@pytest.fixture
def net(learned: Path, tmp_path: Path) -> Path:
    """A copy of the learned network, which a test may damage."""
    return Path(shutil.copytree(learned, tmp_path / "my.sen"))


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function: packages → they look as if they were not installed."""

    def lack(*packages: str) -> None:
        known = importlib.metadata.distribution

        def distribution(name: str) -> Any:
            if name in packages:
                raise importlib.metadata.PackageNotFoundError(name)
            return known(name)

        monkeypatch.setattr(importlib.metadata, "distribution", distribution)

    return lack


def checks(end: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """What was looked at, by part and name."""
    lines = [json.loads(line) for line in end.out.splitlines()]
    return {(line["part"], line["name"]): line for line in lines}


def test_it_names_every_part_and_a_whole_network(senpath: Run, net: Path, unchanged: Any) -> None:
    with unchanged(net):
        end = senpath("doctor", net, "--json")
    told = checks(end)
    assert end.code == 0
    assert {part for part, _ in told} == {"program", "packages", "extras", "threads", "gpu", "folders", "network"}
    assert told["program", "senpath"]["value"].startswith(sp.__version__)
    assert told["packages", "torch"]["state"] == "ok"
    assert told["network", "opens"]["value"].startswith(f"version {sp.Network(net).version}, ")
    assert told["network", "whole"]["state"] == "ok"


def test_people_read_it_in_parts(senpath: Run) -> None:
    end = senpath("doctor")
    assert end.code == 0
    assert re.search(r"── packages ─+\n(ok .*\n)+", end.out)
    assert end.out.endswith("all that senpath needs is there\n")


def test_an_extra_that_is_not_there_is_no_fault(senpath: Run, lacking: Callable[..., None]) -> None:
    lacking("openpyxl")
    end = senpath("doctor", "--json")
    told = checks(end)["extras", "excel"]
    assert (end.code, told["state"]) == (0, "note")
    assert told["value"] == "openpyxl not installed"
    assert told["do"] == "pip install 'senpath[excel]'"


def test_a_package_that_is_needed_and_not_there_is_one(senpath: Run, lacking: Callable[..., None]) -> None:
    lacking("skops")
    end = senpath("doctor", "--json")
    told = checks(end)["packages", "skops"]
    assert (end.code, told["state"], told["value"]) == (1, "bad", "not installed")
    assert told["do"].startswith("pip install 'skops>=")
    assert '1 thing does not work: see "bad" above' in senpath("doctor").out


def test_an_encoder_of_an_extra_that_is_gone(senpath: Run, net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = next(iter(sp.Network(net).encoders.values()))  # what tones are read through
    known = importlib.util.find_spec
    monkeypatch.setattr("senpath.inputs.encoders.speech.find_spec", lambda name: None if name.startswith("pyopen") else known(name))
    told = checks(senpath("doctor", net, "--json"))["network", f"encoder {encoder}"]
    assert (told["state"], told["value"]) == ("bad", "pyopen_wakeword not installed")
    assert told["do"] == "pip install 'senpath[speech]'"


def test_a_damaged_network(senpath: Run, net: Path) -> None:
    file = min((net / "components").glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    end = senpath("doctor", net, "--json")
    told = checks(end)
    assert (end.code, told["network", "network"]["state"]) == (1, "bad")
    assert file.name.partition(".")[0][:12] in told["network", "network"]["value"]


def test_a_folder_that_is_none(senpath: Run, tmp_path: Path) -> None:
    end = senpath("doctor", tmp_path / "n.sen", "--json")
    told = checks(end)["network", "network"]
    assert (end.code, told["state"]) == (1, "bad")
    assert "expected a folder with network.json, got none" in told["value"]
    assert told["do"].startswith("Make it with `senpath learn ")
    assert not (tmp_path / "n.sen").exists()


def test_a_folder_of_a_newer_senpath(senpath: Run, net: Path) -> None:
    manifest = net / "network.json"
    manifest.write_bytes(re.sub(rb'"format_version":\s*\d+', b'"format_version":999', manifest.read_bytes(), count=1))
    told = checks(senpath("doctor", net, "--json"))
    assert told["network", "format"]["value"] == "999"
    assert told["network", "network"]["do"].startswith("Upgrade senpath")


def test_every_extra_is_known() -> None:
    assert {"", "audio", "serve", "onnx", "demo"} <= requirements().keys()
    assert "dev" not in requirements()
    assert [package.package for package in requirements()["excel"]] == ["defusedxml", "openpyxl"]


@pytest.mark.slow("pip works out what all extras need")
def test_an_extra_can_be_installed_as_it_says() -> None:
    whole = [extra for extra, packages in requirements().items() if extra and all(package.fits for package in packages)]
    command = re.fullmatch(r"pip install '(.*)'", how_to_install(",".join(whole)))
    assert command is not None
    # Without an index pip has nothing but what is installed: so the command asks for no senpath from elsewhere.
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "--dry-run", "--disable-pip-version-check", command[1]]
    run = subprocess.run(pip, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "Would install" not in run.stdout


def test_without_an_installation_its_source_is_installed(lacking: Callable[..., None], senpath: Run) -> None:
    lacking("senpath")
    assert how_to_install("plots") == "pip install '.[plots]', in the folder of senpath's source"
    told = checks(senpath("doctor", "--json"))
    assert "run from its source" in told["program", "senpath"]["value"]
