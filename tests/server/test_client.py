"""`senpath.Client` and `--url` against a server: the library's answers, its errors, and patience with a server that is busy."""

from __future__ import annotations

import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from raising import raises_error

import senpath as sp
from senpath.cli.main import main
from senpath.client.encoding import encode_batch, encode_input
from senpath.server.app import create_app
from senpath.serving.inputs import read_input
from senpath.serving.keys import add_key
from senpath.serving.settings import ServerSettings
from senpath.testing import tiny_task


@pytest.fixture(scope="module")
def folder(served_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is served; these tests teach it."""
    return Path(shutil.copytree(served_folder, tmp_path_factory.mktemp("client") / "own.sen"))


@pytest.fixture(scope="module")
def client(folder: Path, listening: Callable[..., AbstractContextManager[str]]) -> Iterator[sp.Client]:
    with listening(create_app(folder, ServerSettings())) as url, sp.Client(url) as client:
        yield client


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server that answers as this handler does, without a line of log; gives its URL."""
    quiet = type("Quiet", (handler,), {"log_message": lambda *args: None})
    with HTTPServer(("127.0.0.1", 0), quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def busy(times: int, retry_after: str = "0") -> Iterator[tuple[str, list[str]]]:
    """A server that is busy the first times that it is asked; gives its URL, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(f"{self.command} {self.path}")
            refused = len(asked) <= times
            error = {
                "code": "busy",
                "what": "server",
                "expected": "room",
                "got": "none",
                "do": "Ask again",
                "message": "",
                "request_id": "",
            }
            body = json.dumps({"error": error} if refused else {"version": 3, "versions": [], "answers": []}).encode()
            self.send_response(503 if refused else 200)
            self.send_header("Content-Length", str(len(body)))
            if refused:
                self.send_header("Retry-After", retry_after)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer

    with answering(Handler) as url:
        yield url, asked


@pytest.mark.parametrize("reject", [True, False])
def test_it_answers_as_the_network_does(client: sp.Client, folder: Path, reject: bool) -> None:
    net, (images, _), (flowers, _) = sp.Network(folder), tiny_task("low"), tiny_task("iris")
    frame = pd.DataFrame(flowers[:20], columns=[f"x{column}" for column in range(4)])
    for x in (images[:300], ["warm and dry", "the wind is cold"], frame, images[0], "warm", flowers[3], [images[1], "cold", flowers[0]]):
        ours, own = client.predict(x, reject=reject), net.predict(x, reject=reject)
        assert len(ours) == len(own)
        assert ours.task.tolist() == own.task.tolist()
        assert ours.label.tolist() == own.label.tolist()
        assert ours.label.dtype == own.label.dtype
        assert ours.candidates.tolist() == own.candidates.tolist()
        assert ours.reason.tolist() == own.reason.tolist()
        np.testing.assert_allclose(ours.confidence, own.confidence, rtol=1e-4)
        np.testing.assert_allclose(ours.ood_score, own.ood_score, rtol=1e-4)
        assert [[entry[:2] for entry in best] for best in ours.top(2)] == [[entry[:2] for entry in best] for best in own.top(2)]
        assert ours.version == net.version


def test_rows_of_frames_mean_what_they_mean_to_the_network(client: sp.Client, folder: Path) -> None:
    flowers = tiny_task("iris")[0][:3]
    frame = pd.DataFrame(flowers, columns=[f"x{column}" for column in range(4)]).assign(x0=pd.to_timedelta(flowers[:, 0], unit="s"))
    asked = client.predict(frame, task="iris"), sp.Network(folder).predict(frame, task="iris")
    assert asked[0].label.tolist() == asked[1].label.tolist()
    frame["x1"] = pd.to_timedelta([None, *flowers[1:, 1]], unit="s")
    with pytest.warns(sp.SenpathWarning, match="no value in 'x1'"):
        expected = sp.Network(folder).predict(frame, task="iris")
    assert client.predict(frame, task="iris").label.tolist() == expected.label.tolist()


def test_columns_of_a_frame_are_inputs_as_for_the_network(client: sp.Client, folder: Path) -> None:
    net, pictures = sp.Network(folder), [*tiny_task("low")[0][:2]]
    for column in (["a warm day", "a cold night"], pictures):
        frame = pd.DataFrame({"x": column, "other": [1, 2]}, index=[5, 9])
        assert client.predict(frame["x"], reject=False).label.tolist() == net.predict(frame["x"], reject=False).label.tolist()
    row = pd.Series(tiny_task("iris")[0][0], index=["x0", "x1", "x2", "x3"])
    assert len(client.predict(row)) == 1


def test_the_task_may_be_given(client: sp.Client, folder: Path) -> None:
    x = tiny_task("low")[0][:5]
    ours, own = client.predict(x, "low", top=3), sp.Network(folder).predict(x, "low")
    assert ours.label.tolist() == own.label.tolist()
    assert np.isnan(ours.ood_score).all()
    with raises_error(sp.InputError, "k", expected="at most 3", got="4", do="Ask with predict(…, top=4)"):
        ours.top(4)


def test_files_and_pictures(client: sp.Client, folder: Path, tmp_path: Path) -> None:
    image = Image.fromarray((tiny_task("low")[0][0] * 255).astype(np.uint8))
    image.save(tmp_path / "digit.png")
    (tmp_path / "note.txt").write_text("warm and dry")
    x = [tmp_path / "digit.png", image, tmp_path / "note.txt"]
    assert client.predict(x, reject=False).label.tolist() == sp.Network(folder).predict(x, reject=False).label.tolist()
    pd.DataFrame(tiny_task("iris")[0][:3], columns=["x0", "x1", "x2", "x3"]).to_csv(tmp_path / "three.csv", index=False)
    assert len(client.predict(tmp_path / "three.csv")) == 3
    with raises_error(sp.InputError, f"file {tmp_path / 'none.png'}", expected="a picture, sound, clip or text that can be read"):
        client.predict(tmp_path / "none.png")


def test_several_senses_of_one_thing(client: sp.Client, folder: Path) -> None:
    images, texts = list(tiny_task("low")[0][:3]), ["warm and dry", None, "the wind is cold"]
    x = {"image": images, "text": texts}
    ours, own = client.predict(x, reject=False), sp.Network(folder).predict(x, reject=False)
    assert (ours.concept.tolist(), ours.label.tolist()) == (own.concept.tolist(), own.label.tolist())
    np.testing.assert_allclose(ours.confidence, own.confidence, rtol=1e-4)
    assert [*ours.modalities] == [*own.modalities]
    assert ours.modalities["image"].label.tolist() == own.modalities["image"].label.tolist()
    with raises_error(sp.InputError, "modalities", expected="as many inputs of each", got="3 of image, 1 of text"):
        client.predict({"image": images, "text": ["warm"]})


def test_a_recording_comes_as_it_is() -> None:
    sound = sp.Audio(np.random.default_rng(0).normal(size=50).astype(np.float32), 8000)
    sent = read_input(json.loads(json.dumps(encode_input(sound))))
    assert (sent.rate, sent.samples.tolist()) == (8000, sound.samples.tolist())


def test_a_server_that_asks_for_a_key(
    served_folder: Path, tmp_path: Path, command: Any, listening: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = add_key(tmp_path / "keys", "shop", "read")
    settings = ServerSettings(keys=str(tmp_path / "keys"), state=str(tmp_path / "state"))
    with listening(create_app(served_folder, settings)) as url:
        with raises_error(sp.SenpathError, "key"):
            sp.Client(url).predict("warm")
        with sp.Client(url, key) as client:
            assert len(client.predict("warm")) == 1
            with raises_error(sp.SenpathError):
                client.remove("low")
        code, out, err = command("tasks", url)
        assert (code, out, err.startswith("error: ")) == (1, "", True)
        assert command("tasks", url, "--key", key)[0] == 0
        monkeypatch.setenv("SENPATH_KEY", key)
        assert command("tasks", url)[0] == 0


def test_why(client: sp.Client, folder: Path) -> None:
    image = tiny_task("low")[0][0]
    ours, own = client.explain(image), sp.Network(folder).explain(image)
    assert (ours.task, ours.label, ours.candidates) == (own.task, own.label, own.candidates)
    assert [*ours.scores] == [*own.scores]
    assert ours.share == pytest.approx(own.share)
    assert f"task {own.task!r}" in ours.text
    with raises_error(sp.InputError, "input to explain", expected="one input, such as x[0]", got="2"):
        client.explain(tiny_task("low")[0][:2])


def test_errors_are_the_librarys(client: sp.Client) -> None:
    with raises_error(sp.UnknownTaskError, "task 'nobody'"):
        client.predict("warm", task="nobody")
    with raises_error(sp.InputError, "candidates"):
        client.predict("warm", candidates=3)
    with raises_error(sp.InputError, "input 1: no task reads this table"):
        client.predict(["warm", {"height": 3}])
    many = [*tiny_task("low")[0], *tiny_task("low")[0], {"height": 3}]  # in two requests
    with raises_error(sp.InputError, "input 300: no task reads this table"):
        client.predict(many)
    assert client.predict(many, errors="none").task[300] is None
    for wrong in (3, object(), [object()], np.array([1.0, np.nan])):
        with pytest.raises(sp.InputError, match="input"):
            client.predict(wrong)


def test_what_is_served(client: sp.Client, folder: Path) -> None:
    net = sp.Network(folder)
    assert [*client.tasks] == [*net.tasks]
    assert client.tasks["iris"]["classes"] == [*net.tasks["iris"].classes_]
    assert (client.version, client.versions, client.weights) == (net.version, net.versions, net.weights)
    assert [entry["version"] for entry in client.log] == [entry["version"] for entry in net.log]
    assert client.refresh() is False


def test_a_busy_server_is_asked_again() -> None:
    with busy(2) as (url, asked), sp.Client(url) as client:
        assert client.version == 3
        assert asked == ["GET /versions"] * 3
    with busy(9) as (url, asked), sp.Client(url, retries=1) as client:
        with raises_error(sp.SenpathError, "server", expected="room", got="none", do="Ask again"):
            client.predict([])
        assert asked == ["POST /predict"] * 2
    with busy(9, "30") as (url, asked), sp.Client(url, timeout=5) as client:
        with raises_error(sp.SenpathError, "server", got="none"):
            client.predict([])  # it is not waited longer than that
        assert len(asked) == 1
    with busy(9) as (url, asked), sp.Client(url) as client:
        with raises_error(sp.SenpathError, "server", got="none"):
            client.learn("new", ["a", "b"], ["x", "y"])
        assert asked == ["POST /tasks/new"]  # which changes something


def test_a_job_is_waited_for_while_the_server_is_started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("senpath.client.connection.FIRST_PAUSE", 0.001)
    done = {"id": "1", "what": "learn", "task": "new", "state": "done", "progress": None, "error": None, "result": {"version": 2}}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(self.path)
            gone = self.path == "/jobs/1" and asked.count("/jobs/1") < 8
            known = {"/tasks/new": {"job": done | {"state": "running", "result": None}}, "/jobs/1": done, "/versions": {"version": 2}}
            body = b"<h1>Bad gateway</h1>" if gone else json.dumps(known[self.path]).encode()
            self.send_response(502 if gone else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer

    with answering(Handler) as url, sp.Client(url) as client:
        assert client.learn("new", ["a", "b"], ["x", "y"]).version == 2


def test_where_no_server_is() -> None:
    with (
        sp.Client("http://127.0.0.1:9", retries=1) as client,
        raises_error(sp.SenpathError, "server http://127.0.0.1:9", expected="an answer"),
    ):
        client.predict("warm")
    for url in ("127.0.0.1:8000", "ftp://x", "http://", 3):
        with raises_error(sp.InputError, "URL of the server", expected="http://HOST:PORT"):
            sp.Client(url)  # type: ignore[arg-type]


def test_a_program_that_asks_a_server_loads_no_torch() -> None:
    program = "import sys, senpath; senpath.Client('http://127.0.0.1:9'); print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """A function: arguments of the command line → its exit code, and what it printed on both outputs."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return (int(ended.value.code or 0), *capsys.readouterr())

    return run


def test_the_command_line_asks_a_server(client: sp.Client, folder: Path, command: Any, tmp_path: Path) -> None:
    url = client._at.url
    code, out, _ = command("predict", url, "warm and dry", "--json", "--no-reject")
    assert (code, json.loads(out)["label"]) == (0, "warm")
    assert command("predict", "--no-reject", "warm and dry", "--url", url, "--json")[1] == out
    assert command("predict", "--json", f"--url={url}", "--no-reject", "--", "warm and dry")[1] == out
    code, out, _ = command("tasks", "--url", url)
    assert code == 0
    assert all(f"\n{task} " in out for task in sp.Network(folder).tasks)
    code, out, _ = command("explain", url, "warm and dry")
    assert "P(task 'weather')" in out
    pd.DataFrame(tiny_task("iris")[0][:2], columns=["x0", "x1", "x2", "x3"]).to_csv(tmp_path / "two.csv", index=False)
    code, out, _ = command("predict", url, tmp_path / "two.csv", "--csv", "--no-reject")
    assert [line.split(",")[1] for line in out.splitlines()[1:]] == ["iris", "iris"]
    code, out, err = command("predict", url, "warm", "--task", "nobody")
    assert (code, out, "error: task 'nobody': expected one that the network has learned" in err) == (2, "", True)
    code, out, err = command("tasks", "http://127.0.0.1:9")
    assert (code, out, "Is `senpath serve` running there?" in err) == (1, "", True)


@pytest.mark.slow("the server learns in a process of its own")
def test_teaching_and_taking_back(client: sp.Client, folder: Path, command: Any, tmp_path: Path) -> None:
    x, y = tiny_task("odd")
    before, told = client.version, []
    learned = client.learn("odd", x, y, epochs=2, hidden=8, progress=lambda *step: told.append(step))
    assert (learned.task, learned.version, learned.changed) == ("odd", before + 1, True)
    assert client.predict(x[:3], "odd").version == before + 1
    assert sp.Network(folder).tasks["odd"].examples == len(y)
    with raises_error(sp.TaskExistsError, "task 'odd'"):
        client.learn("odd", x, y)
    with raises_error(sp.InputError, "setting 'hiden' of method sen"):
        client.learn("other", x, y, hiden=3)
    with pytest.raises(sp.InputError):
        client.learn("one label", x[:3], ["a", "b"])
    extended = client.extend("weather", ["warm wind", "cold sun"] * 5, ["warm", "cold"] * 5)
    assert (extended.changed, extended.version) == (True, before + 2)
    texts = client.learn("moods", ["good", "fine", "bad", "awful"] * 3, ["up", "up", "down", "down"] * 3, epochs=1, hidden=4)
    assert texts.version == before + 3
    assert client.remove("moods").version == before + 4
    assert client.rename("odd", "parity")["name"] == "parity"
    assert client.describe("parity", "Odd or even.")["description"] == client.tasks["parity"]["description"] == "Odd or even."
    code, out, _ = command("describe", client._at.url, "parity")
    assert (code, out) == (0, "'parity': Odd or even.\n")
    assert command("rename", client._at.url, "parity", "odd")[0] == 0
    back = client.rollback(before + 3)
    assert (back.to, back.restored) == (before + 3, ("moods",))
    frame = pd.DataFrame(tiny_task("iris")[0], columns=["a", "b", "c", "d"]).assign(label=tiny_task("iris")[1])
    frame.to_csv(tmp_path / "flowers.csv", index=False)
    code, out, err = command("learn", client._at.url, "flowers", tmp_path / "flowers.csv", "--set", "epochs=1")
    assert (code, out.startswith("learned 'flowers' in ")) == (0, True), err
    assert "flowers" in client.tasks
    code, out, _ = command("rollback", client._at.url, "--json")
    assert (
        json.loads(out.splitlines()[-1]) == {"version": client.version, "time": None, "what": "['flowers']", "present": True} or code == 0
    )
    assert command("remove", "flowers", "--url", client._at.url)[0] == 0
    code, out, err = command("learn", client._at.url, "odd", tmp_path / "flowers.csv")
    assert (code, "error: task 'odd': expected a new name" in err) == (2, True)


@pytest.mark.slow("a process that learns imports torch")
def test_ctrl_c_cancels_the_job(client: sp.Client, folder: Path) -> None:
    before = sp.Network(folder).version
    interrupt = threading.Timer(1.0, signal.raise_signal, [signal.SIGINT])
    interrupt.start()
    with pytest.raises(KeyboardInterrupt, match="told to cancel learn of 'interrupted'"):
        client.learn("interrupted", *tiny_task("odd"), epochs=10**6)
    until = time.monotonic() + 60
    jobs = [{"state": "running"}]
    while jobs[0]["state"] not in ("cancelled", "done", "failed") and time.monotonic() < until:
        time.sleep(0.2)
        jobs = client._at.ask("GET", "jobs")["jobs"]
    assert jobs[0]["state"] == "cancelled"
    assert sp.Network(folder).version == before


CELLS = {
    "nothing": None,
    "pandas' NA": pd.NA,
    "pandas' NaT": pd.NaT,
    "a number of numpy": np.float32(3.5),
    "a decimal": Decimal("3.5"),
    "a fraction": Fraction(7, 2),
    "infinity": float("inf"),
    "bytes": b"wide",
    "a list": [3.5],
    "a word": "wide",
}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_a_cell_means_what_it_means_to_the_library(client: sp.Client, folder: Path, cell: Any) -> None:
    row = dict(zip(["x0", "x1", "x2", "x3"], [cell, *tiny_task("iris")[0][0][1:].tolist()], strict=True))

    def told(net: Any) -> Any:
        try:
            said = net.predict([row], "iris")
        except sp.InputError:
            return sp.InputError
        return said.label[0], round(float(said.confidence[0]), 9), said.gaps

    assert told(client) == told(sp.Network(folder))


def test_of_a_table_with_a_broken_line_the_others_are_answered(client: sp.Client, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "flowers.csv"
    path.write_text("x0,x1,x2,x3\n5.1,3.5,1.4,0.2\n5.1,3.5\n6.7,2.5,5.8,1.8\n")
    with pytest.raises(sp.InputError, match=r"line 3: expected 4 values, got 2"):
        client.predict(path)
    for net in (client, sp.Network(folder)):
        said = net.predict(path, "iris", errors="skip")
        assert [task is None for task in said.task.tolist()] == [False, True, False]
        assert "line 3: expected 4 values, got 2" in said.reason[1]
        assert len(net.predict([sp.InputError("nothing"), "warm"], errors="skip")) == 2


def test_inputs_of_a_large_batch_have_their_places(client: sp.Client, folder: Path) -> None:
    texts = ["a warm day"] * 299 + [""]
    for net in (client, sp.Network(folder)):
        with pytest.raises(sp.InputError, match=r"text 299\b"):
            net.predict(texts)
        assert net.predict(["a warm day", None, *texts], errors="skip").reason[301].startswith("input 301")
    frame = pd.DataFrame(np.full((300, 4), 3.0), columns=["x0", "x1", "x2", "x3"])
    frame.loc[290] = np.nan
    with pytest.raises(sp.InputError, match=r"\b290\b"):
        client.predict(frame)


def test_what_the_library_takes_or_refuses_the_client_does(client: sp.Client, folder: Path, tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "p.png")
    twice = pd.DataFrame([[5.1, 3.5, 1.4, 0.2, 6.0]], columns=["x0", "x1", "x2", "x3", "x2"])
    flowers, kinds = tiny_task("iris")
    far = flowers[:3].copy()
    far[1, 2] = np.inf
    for net in (client, sp.Network(folder)):
        with pytest.raises(sp.InputError, match="expected a Path, for a file"):
            net.predict([str(tmp_path / "p.png")])
        with pytest.raises(sp.InputError, match="expected names that differ, got 'x2' twice"):
            net.predict(twice)
        assert net.predict(np.array(["a warm day", "cold"]), reject=False).task.tolist() == ["weather", "weather"]
        assert [task is None for task in net.predict(far, "iris", errors="skip").task] == [False, True, False]
        assert net.predict([[5.1, None, 1.4, 0.2]], "iris").label.shape == (1,)
    gaps = flowers.copy()
    gaps[::7, 1] = np.nan
    assert client.learn("with gaps", gaps, kinds.tolist(), epochs=2).task == "with gaps"
    words = np.array([f"{'sunny' if place % 2 else 'grey'} day {place}" for place in range(12)])
    assert client.learn("in an array", words, [place % 2 for place in range(12)], epochs=2).task == "in an array"
    large = [9007199254740993 + 2 * int(kind) for kind in kinds]
    client.learn("large", flowers, large, epochs=2)
    assert {*client.predict(flowers, "large").label.tolist()} <= {*large}


def test_bytes_and_open_files_are_sent(client: sp.Client, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray((tiny_task("low")[0][0] * 255).astype("uint8")).save(path)
    right = sp.Network(folder).predict(path, "low").label.tolist()
    assert client.predict(path.read_bytes(), "low").label.tolist() == client.predict([path.read_bytes()], "low").label.tolist() == right
    with path.open("rb") as file:
        assert client.predict(file, "low").label.tolist() == right
        assert file.seek(0) == 0  # it is the caller's, still
    with raises_error(sp.InputError, "input", expected="the bytes of a picture"):
        client.predict(b"warm")


def test_times_and_durations_are_sent_as_they_are_read() -> None:
    frame = pd.DataFrame({"when": pd.to_datetime(["2024-01-10 10:00", None]), "took": pd.to_timedelta([90, 1], unit="s")})
    first, second = encode_batch(frame, lambda: ())
    assert first == {"row": {"when": "2024-01-10 10:00:00", "took": 90.0}}
    assert second == {"row": {"when": None, "took": 1.0}}
    assert encode_input({"wide": np.ma.masked, "when": np.datetime64("2024-01-10T10:00", "ns")}) == {
        "row": {"wide": None, "when": "2024-01-10T10:00:00.000000000"}
    }


def test_numbers_of_numpy_are_numbers_and_what_json_lacks_is_an_input_error(client: sp.Client) -> None:
    right = client.predict("a warm day", reject=False)
    assert client.predict("a warm day", candidates=np.int64(2), top=np.int32(5), reject=np.bool_(False)).records == right.records
    for labels in ([object(), object()], [float("nan"), "a"], [None, "a"], [b"a", b"b"]):
        with pytest.raises(sp.InputError):
            client.learn("new", ["a", "b"], labels)
    with raises_error(sp.InputError, "task name", expected="/review", got="low/review"):
        client.learn("low/review", ["a", "b"], ["x", "y"])
    with raises_error(sp.UnknownTaskError, "task '..'"):
        client.task("..")


def test_a_key_as_files_and_variables_hold_it(served_folder: Path, tmp_path: Path, listening: Any) -> None:
    key = add_key(tmp_path / "keys", "one", "read")
    settings = ServerSettings(keys=str(tmp_path / "keys"), state=str(tmp_path / "state"))
    with listening(create_app(served_folder, settings)) as url:
        for given in (f"{key}\n", f" {key}\r\n"):
            with sp.Client(f"{url}/?#ask\n", given) as client:  # as it is copied from the page, too
                assert client.version == sp.Network(served_folder).version
    for given in ("schlüssel", "two words", "a\nb"):
        with raises_error(sp.InputError, "key", expected="senpath keys add") as caught:
            sp.Client("http://127.0.0.1:9", given)
        assert given not in str(caught.value)
    with sp.Client("http://127.0.0.1:9", "", retries=0) as client, raises_error(sp.SenpathError, "server", got="refused"):
        client.predict("warm")


def test_no_password_is_repeated() -> None:
    with sp.Client("http://user:secret@127.0.0.1:9", retries=0) as client:
        with raises_error(sp.SenpathError, "server http://127.0.0.1:9") as caught:
            client.predict("warm")
        assert "secret" not in repr(client) + str(caught.value)
    with raises_error(sp.InputError, "URL of the server", got="both"):
        sp.Client("http://user:secret@127.0.0.1:9", "sp_key")
    for url in ("ftp://user:secret@host", "http://user:secret@host:port", "http://[::1"):
        with raises_error(sp.InputError, "URL of the server") as caught:
            sp.Client(url)
        assert "secret" not in str(caught.value)


def test_a_server_that_leads_elsewhere_is_named() -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(301)
            self.send_header("Location", "https://team.example" + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

    leads = raises_error(sp.SenpathError, "server", got="leads to https://team.example/versions")
    with answering(Handler) as url, sp.Client(url) as client, leads:
        assert client.version


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_a_client_forks_and_is_copied(client: sp.Client) -> None:
    assert len(client.predict("a warm day", reject=False)) == 1  # so that there is a connection to inherit
    twin = copy.deepcopy(client)
    assert (repr(twin), twin.version) == (repr(client), client.version)
    ports = client._at._client, client._at._process
    children = []
    for inputs in (2, 3):
        child = os.fork()
        if not child:
            try:
                right = all(len(client.predict(["a warm day"] * inputs, reject=False)) == inputs for _ in range(10))
                os._exit(0 if right and client._at._client is not ports[0] else 1)
            finally:
                os._exit(2)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    assert (client._at._client, client._at._process) == ports
