"""The command line for programs: JSON lines, CSV, files, standard input, exit codes, and a start without large libraries."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import senpath as sp
from senpath.inference.records import answer_records
from senpath.store import KEPT_VERSIONS
from senpath.testing import tiny_network, tiny_task

Run = Callable[..., Any]
LARGE = ("torch", "numpy", "rich", "sklearn", "scipy", "PIL", "httpx", "fastapi")
PROGRAM = """
import json, sys
from senpath.cli.main import main
for arguments in ([], *([name] for name in sys.argv[1:])):
    try:
        main([*arguments, "--help"])
    except SystemExit as end:
        assert not end.code, end.code
try:
    main(["--version"])
except SystemExit:
    pass
print(json.dumps([*sys.modules]))
"""


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of sentences, digits and flowers; tests that change it take a copy."""
    return tiny_network(tmp_path_factory.mktemp("forms") / "n.sen", ["weather", "low", "iris"]).path


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """A function: what comes on standard input."""

    def give(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))

    return give


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_help_loads_no_large_library() -> None:
    commands = ["demo", "learn", "predict", "tasks", "explain", "evaluate", "extend", "methods", "remove", "gc", "data", "serve", "keys"]
    run = subprocess.run([sys.executable, "-c", PROGRAM, *commands], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    loaded = json.loads(run.stdout.splitlines()[-1])
    assert [name for name in LARGE if name in loaded] == []
    assert sum(name.startswith("senpath") for name in loaded) < 30
    assert "6 an input without an answer" in " ".join(run.stdout.split())


def test_what_the_commands_repeat_is_as_the_library_has_it() -> None:
    from senpath.cli import learn, upkeep
    from senpath.client import encoding
    from senpath.inputs.encoders import AUTO
    from senpath.inputs.modalities import MODALITIES, MODALITY_BY_ENDING

    assert (learn.AUTO, upkeep.KEPT_VERSIONS) == (AUTO, KEPT_VERSIONS)
    assert (encoding.FILES, {*encoding.MODALITIES}) == (MODALITY_BY_ENDING, {*MODALITIES})


def test_a_line_of_json_an_input(senpath: Run, net: Path, tmp_path: Path) -> None:
    pd.DataFrame(tiny_task("iris")[0][:3], columns=["x0", "x1", "x2", "x3"]).to_csv(tmp_path / "three.csv", index=False)
    end = senpath("predict", net, "warm and dry", tmp_path / "three.csv", "--json", "--no-reject", "--top", 2)
    assert end.code == 0
    told = records(end.out)
    assert [record["input"] for record in told] == ["warm and dry", *(f"three.csv[{row}]" for row in range(3))]
    network = sp.Network(net)
    expected = answer_records(network.view, network.predict(["warm and dry"], reject=False), 2)
    assert told[0] == {"input": "warm and dry", **expected[0]}
    assert told[0]["label"] == "warm"
    assert end.err == "'warm and dry': no file has this name, so it is read as a text\n"


def test_csv_is_read_by_pandas(senpath: Run, net: Path, stdin: Any) -> None:
    stdin(b'warm, dry and "fine"\nthe wind is cold\n')
    end = senpath("predict", net, "-", "--csv", "--no-reject")
    frame = pd.read_csv(io.StringIO(end.out))
    assert frame["input"].tolist() == ['warm, dry and "fine"', "the wind is cold"]
    assert frame["label"].tolist() == ["warm", "cold"]
    assert (frame["ran.of"] == sp.Network(net).weights["total"]).all()
    assert [len(json.loads(top)) for top in frame["top"]] == [2, 2]


def test_standard_input_is_what_it_holds(senpath: Run, net: Path, stdin: Any) -> None:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray((tiny_task("low")[0][0] * 255).astype("uint8")).save(file, "PNG")
    stdin(file.getvalue())
    (picture,) = records(senpath("predict", net, "-", "--json", "--no-reject").out)
    assert (picture["input"], picture["modality"]) == ("-", "image")
    stdin(pd.DataFrame(tiny_task("iris")[0][:2], columns=["x0", "x1", "x2", "x3"]).assign(label="?").to_csv(index=False).encode())
    rows = records(senpath("predict", net, "-", "--json", "--no-reject").out)
    assert [(row["input"], row["modality"]) for row in rows] == [("-[0]", "table"), ("-[1]", "table")]
    book = io.BytesIO()
    pd.DataFrame(tiny_task("iris")[0][:2], columns=["x0", "x1", "x2", "x3"]).to_excel(book, index=False)
    stdin(book.getvalue())
    assert [row["task"] for row in records(senpath("predict", net, "-", "--json", "--no-reject").out)] == ["iris", "iris"]
    stdin(b"\0\0\0\x18ftypmp42" + bytes(40))
    assert "clip standard input: expected a video" in senpath("predict", net, "-").err
    stdin(b'{"x0": 5.1, "x1": 3.5, "x2": 1.4, "x3": 0.2}\n')
    assert records(senpath("predict", net, "-", "--json", "--no-reject").out)[0]["task"] == "iris"
    for text in (b'[{"x0": 5.1, "x1": 3.5, "x2": 1.4, "x3": 0.2}]', b'[\n  {"x0": 5.1, "x1": 3.5, "x2": 1.4, "x3": 0.2}\n]\n'):
        stdin(text)
        assert records(senpath("predict", net, "-", "--json", "--no-reject").out)[0]["task"] == "iris"
    stdin(b"[warm]\n")
    assert records(senpath("predict", net, "-", "--json", "--no-reject").out)[0]["task"] == "weather"
    stdin(b"warm\n\ncold\n")
    end = senpath("predict", net, "-", "--json")
    assert (end.code, end.out, "line 2" in end.err) == (2, "", True)
    stdin(b"warm\n\ncold\n")
    told = records(senpath("predict", net, "-", "--json", "--skip-bad", "--no-reject").out)
    assert [record["task"] for record in told] == ["weather", None, "weather"]
    stdin(b"x0,x1,x2,x3\n5.1,3.5,1.4,0.2\n5.1,3.5\n6.7,2.5,5.8,1.8\n")
    told = records(senpath("predict", net, "-", "--json", "--skip-bad", "--no-reject").out)
    assert [(record["input"], record["task"]) for record in told] == [("-[0]", "iris"), ("-[1]", None), ("-[2]", "iris")]
    assert told[1]["reason"] == "input 1: table standard input, line 3: expected 4 values, got 2"
    for nothing in (b"", b"\n", b"\xff\xfe\x00 no text"):
        stdin(nothing)
        end = senpath("predict", net, "-")
        assert (end.code, end.out) == (2, "")
        assert end.err.startswith("error: standard input: expected ")


def test_a_path_that_is_mistyped_is_no_text(senpath: Run, net: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", "nothing.png", "pictures/my dog.jpg", "photos/", "no\\where"):
        end = senpath("predict", net, path)
        assert (end.code, "got nothing of that name. A text that looks like a path comes on standard input" in end.err) == (2, True)


def test_answers_that_are_not_sure_enough_are_refused(senpath: Run, net: Path) -> None:
    sure = records(senpath("predict", net, "warm", "--json", "--no-reject").out)[0]
    end = senpath("predict", net, "warm", "--json", "--no-reject", "--threshold", min(1.0, sure["confidence"] + 1e-6))
    (refused,) = records(end.out)
    assert (end.code, refused["task"], refused["label"], refused["confidence"]) == (6, None, None, 0)
    assert refused["reason"].endswith("of 100.0 %") or "is below the threshold of" in refused["reason"]
    assert refused["top"] == sure["top"]
    end = senpath("predict", net, "warm", "--json", "--no-reject", "--threshold", sure["confidence"])
    assert (end.code, records(end.out)) == (0, [sure])


def test_a_file_is_written_whole_or_not_at_all(senpath: Run, net: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.csv"
    end = senpath("predict", net, "warm", "--no-reject", "--output", out)
    assert (end.code, end.out) == (0, "")
    assert end.err.endswith(f"wrote {out}: 1 record\n")
    before = out.read_text()
    assert before.startswith("input,task,label,")
    assert senpath("predict", net, "warm", tmp_path / "none.png", "--output", out).code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["answers.csv"]
    assert out.read_text() == before
    assert senpath("tasks", net, "--output", tmp_path / "tasks.jsonl").code == 0
    assert [record["name"] for record in records((tmp_path / "tasks.jsonl").read_text())] == ["weather", "low", "iris"]
    for place in (tmp_path, tmp_path / "no" / "folder.csv"):
        end = senpath("predict", net, "warm", "--output", place)
        assert (end.code, "expected a file in a folder that is there" in end.err) == (2, True)
    assert senpath("tasks", net, "--json", "--csv").code == 2


def test_records_are_not_written_over_a_page(senpath: Run, net: Path, tmp_path: Path) -> None:
    page = tmp_path / "team.html"
    end = senpath("report", net, "--output", page)
    assert (end.code, "--out" in end.err, page.exists()) == (2, True, False)


def test_every_command_has_a_form_for_programs(senpath: Run, net: Path, tmp_path: Path, files: Path) -> None:
    own = sp.Network.from_pretrained(net, tmp_path / "own.sen").path
    quick = ("--set", "model=mlp", "--set", "epochs=1", "--set", "hidden=2", "--json")
    (learned,) = records(senpath("learn", own, "flowers", files / "iris.csv", *quick).out)
    assert (learned["task"], learned["version"], learned["classes"]) == ("flowers", 4, ["setosa", "versicolor", "virginica"])
    texts = f"texts={files / 'texts.csv'}"
    (many,) = records(senpath("learn-many", own, texts, "--method", "sen", *quick).out)
    assert (many["task"], many["examples"]) == ("texts", 20)
    (extended,) = records(senpath("extend", own, "texts", files / "texts.csv", "--json").out)
    assert (extended["task"], extended["changed"]) == ("texts", True)
    (measured,) = records(senpath("evaluate", own, texts, "--json").out)
    assert measured["examples"] == 20
    (kept,) = records(senpath("evaluations", own, "--json").out)
    assert (kept["number"], kept["task"], kept["accuracy"]) == (1, "texts", measured["accuracy"])
    (why,) = records(senpath("explain", own, "warm", "--json").out)
    assert {"input", "answer", "notes", "tasks", "links"} == {*why}
    assert "sen" in [method["name"] for method in records(senpath("methods", "--json").out)]
    assert "hidden" in [setting["name"] for setting in records(senpath("methods", "sen", "--json").out)]
    (verified,) = records(senpath("verify", own, "--json").out)
    assert verified["tasks"] == ["weather", "low", "iris", "flowers", "texts"]
    (removed,) = records(senpath("remove", own, "flowers", "--json").out)
    assert (removed["task"], removed["version"]) == ("flowers", verified["version"] + 1)
    assert [record["present"] for record in records(senpath("rollback", own, "--json").out)][-2:] == [False, True]
    (back,) = records(senpath("rollback", own, removed["version"] - 1, "--json").out)
    assert back["restored"] == ["flowers"]
    (cleaned,) = records(senpath("gc", own, "--versions", 1, "--json").out)
    assert len(cleaned["versions"]) == 1
    assert {"name", "modality", "here", "about"} == {*records(senpath("data", "list", "--json").out)[0]}


def test_a_dash_is_standard_output(senpath: Run, net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    right = senpath("tasks", net, "--json").out
    for name in ("-", "/dev/stdout"):  # which may lead to a file that has more in it
        assert senpath("tasks", net, "--output", name).out == right
    assert senpath("tasks", net, "--output", "-", "--csv").out == senpath("tasks", net, "--csv").out
    assert [*tmp_path.iterdir()] == []


def test_a_file_is_what_its_name_says(senpath: Run, net: Path, tmp_path: Path) -> None:
    assert senpath("tasks", net, "--output", tmp_path / "tasks.json").code == 0
    assert json.loads((tmp_path / "tasks.json").read_text()) == records(senpath("tasks", net, "--json").out)
    for name in ("tasks.xlsx", "tasks.csv.gz", "tasks.TSV", "tasks.parquet"):
        end = senpath("tasks", net, "--output", tmp_path / name)
        assert (end.code, "expected a file for records" in end.err, (tmp_path / name).exists()) == (2, True, False)


def test_what_is_read_is_not_written_over(senpath: Run, net: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    pd.DataFrame(tiny_task("iris")[0][:2], columns=["x0", "x1", "x2", "x3"]).to_csv(rows, index=False)
    before = rows.read_bytes()
    end = senpath("predict", net, rows, "--output", tmp_path / "." / "rows.csv")
    assert (end.code, "expected another file than the command reads" in end.err, rows.read_bytes() == before) == (2, True, True)


def test_what_begins_with_a_dash_and_what_is_no_address(senpath: Run, net: Path) -> None:
    end = senpath("predict", net, "-5 degrees")
    assert (end.code, "predict NET -- '-5 degrees'" in end.err) == (2, True)
    assert records(senpath("predict", net, "--json", "--no-reject", "--", "-5 degrees").out)[0]["input"] == "-5 degrees"
    end = senpath("tasks", "--url", "localhost:8000")
    assert (end.code, end.err) == (2, "error: --url: expected http://HOST:PORT, got localhost:8000\n")
    assert "Is `senpath serve` running there?" in senpath("tasks", "HTTP://127.0.0.1:9").err


def test_names_in_json_control_no_terminal(senpath: Run, tmp_path: Path) -> None:
    network = tiny_network(tmp_path / "n.sen", [])
    network.learn("größe 日本", *tiny_task("weather"), epochs=1, hidden=2)
    out = senpath("predict", network.path, "a\u202eb \x1b[31m", "--json", "--no-reject").out
    assert "größe 日本" in out
    assert not {"\u202e", "\x1b"} & {*out}
    assert records(out)[0]["input"] == "a\u202eb \x1b[31m"


def test_colours_are_for_terminals_that_want_them(
    senpath: Run, net: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert senpath("predict", net, "none.png").err.startswith("\x1b[31merror: ")
    monkeypatch.setenv("NO_COLOR", "1")
    assert senpath("predict", net, "none.png").err.startswith("error: ")


@pytest.mark.slow("starts the command line as a process of its own")
def test_a_pipe_that_closes_ends_quietly(net: Path, tmp_path: Path) -> None:
    (tmp_path / "many.txt").write_text("warm and dry\n" * 20_000)
    command = f'"{sys.executable}" -m senpath predict "{net}" - --json < many.txt | head -n 1'
    run = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ})
    assert run.stderr == ""
    assert len(records(run.stdout)) == 1


def test_a_table_on_standard_input_may_begin_as_spreadsheets_write_it(senpath: Run, net: Path, stdin: Any) -> None:
    rows = pd.DataFrame(tiny_task("iris")[0][:2], columns=["x0", "x1", "x2", "x3"])
    stdin(b"\nsep=;\n" + rows.to_csv(index=False, sep=";").encode())
    assert [record["modality"] for record in records(senpath("predict", net, "-", "--json", "--no-reject").out)] == ["table", "table"]


def test_output_is_never_what_the_command_reads_or_a_network_holds(senpath: Run, net: Path, tmp_path: Path) -> None:
    pd.DataFrame(tiny_task("iris")[0][:9]).assign(label="a").to_csv(tmp_path / "t.csv", index=False)
    before = (tmp_path / "t.csv").read_bytes(), (net / "network.json").read_bytes()
    evaluated = senpath("evaluate", net, f"iris={tmp_path / 't.csv'}", "--output", tmp_path / "t.csv")
    assert (evaluated.code, "expected another file than the command reads" in evaluated.err) == (2, True)
    predicted = senpath("predict", net, "warm", "--output", net / "network.json")
    assert (predicted.code, "expected a file beside the network" in predicted.err) == (2, True)
    assert before == ((tmp_path / "t.csv").read_bytes(), (net / "network.json").read_bytes())


def test_what_systems_put_into_a_zip_is_left_out(senpath: Run, net: Path, tmp_path: Path) -> None:
    from PIL import Image

    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for number, picture in enumerate(tiny_task("low")[0][:2]):
            file = io.BytesIO()
            Image.fromarray((picture * 255).astype("uint8")).save(file, "PNG")
            archive.writestr(f"{number}.png", file.getvalue())
        archive.writestr("Thumbs.db", b"nothing")
    end = senpath("predict", net, tmp_path / "p.zip", "--json", "--no-reject")
    assert [record["modality"] for record in records(end.out)] == ["image", "image"]
    assert "1 file of other kinds left out: 'Thumbs.db'" in end.err or "1 file of other kinds left out: Thumbs.db" in end.err


def test_files_that_are_written_go_where_they_can(senpath: Run, net: Path, tmp_path: Path) -> None:
    away = senpath("export", net, "iris", tmp_path / "nowhere" / "iris.sentask")
    assert (away.code, "expected a file in a folder that is there" in away.err) == (2, True)
    (tmp_path / "t.csv").write_text("a,label\n1,2\n")
    page = senpath("report", net, "--out", tmp_path / "t.csv")
    assert (page.code, (tmp_path / "t.csv").read_text()) == (2, "a,label\n1,2\n")
