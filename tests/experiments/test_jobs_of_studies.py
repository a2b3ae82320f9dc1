"""Jobs that are stopped, fail or are run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from senpath import InputError, SenpathError
from senpath.experiments.jobs import Job, Tell, claimed, read_records, run_jobs
from senpath.reproduce.sen import Setup, reproduce_sen
from tests.raising import raises_error


def count(folder: Path, name: str, upto: int, tell: Tell) -> None:
    with (folder / f"{name}.runs").open("a") as file:
        file.write("x")
    for number in range(upto):
        tell({"name": name, "number": number})


def refuse(tell: Tell) -> None:
    tell({"half": "done"})
    raise InputError("job", expected="luck", got="none")


def die(tell: Tell) -> None:
    tell({"half": "done"})
    os.kill(os.getpid(), signal.SIGKILL)


def silent(done: int, total: int) -> None:
    pass


def counting(folder: Path, *names: str) -> list[Job]:
    return [Job(name, partial(count, folder, name, 3)) for name in names]


@pytest.mark.slow("starts several processes")
def test_jobs_are_run_once_and_read_in_their_order(tmp_path: Path) -> None:
    jobs, seen = counting(tmp_path, "b", "a"), []
    for _ in range(2):
        run_jobs(jobs, tmp_path, 2, look=lambda done, total: seen.append((done, total)))
    assert [(record["name"], record["number"]) for record in read_records(jobs, tmp_path)] == [(name, n) for name in "ba" for n in range(3)]
    assert {(tmp_path / f"{name}.runs").read_text() for name in "ab"} == {"x"}
    assert seen[0] == (0, 2)
    assert seen[-1] == (2, 2)
    assert not list(tmp_path.glob("*.part.*"))


def test_a_job_that_fails_says_why_and_the_others_stay_done(tmp_path: Path) -> None:
    first = counting(tmp_path, "a")
    with pytest.raises(InputError, match="job: expected luck, got none"):
        run_jobs([*first, Job("bad", refuse)], tmp_path, 1, look=silent)
    assert len(read_records(first, tmp_path)) == 3
    assert read_records([Job("bad", refuse)], tmp_path) == []
    assert read_records([Job("bad", refuse)], tmp_path, unfinished=True) == [{"half": "done"}]


@pytest.mark.slow("starts real processes and kills them")
def test_a_process_that_is_killed_is_told_and_the_next_run_goes_on(tmp_path: Path) -> None:
    first = counting(tmp_path, "a")
    with pytest.raises(
        SenpathError, match=r"expected workers that live, got a worker process was ended by SIGKILL\. Run the same command again"
    ):
        run_jobs([*first, Job("bad", die)], tmp_path, 1, look=silent)
    jobs = [*first, Job("bad", partial(count, tmp_path, "bad", 2))]
    run_jobs(jobs, tmp_path, 1, look=silent)
    assert (tmp_path / "a.runs").read_text() == "x"
    assert [record.get("number") for record in read_records(jobs, tmp_path)] == [0, 1, 2, 0, 1]


def slow(tell: Tell) -> None:
    for number in range(20):
        tell({"number": number})
        time.sleep(0.1)


@pytest.mark.slow("starts real processes and kills them")
def test_a_killed_run_is_taken_up_at_once(tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_jobs_of_studies import Job, run_jobs, silent, slow; from pathlib import Path\n"
        f"if __name__ == '__main__': run_jobs([Job('slow', slow)], Path({str(tmp_path)!r}), 1, look=silent)\n"
    )
    (tmp_path / "run.py").write_text(script)
    process = subprocess.Popen([sys.executable, str(tmp_path / "run.py")])
    deadline = time.monotonic() + 60
    while not read_records([Job("slow", slow)], tmp_path, unfinished=True) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    run_jobs([Job("slow", slow)], tmp_path, 1, look=silent)
    assert [record["number"] for record in read_records([Job("slow", slow)], tmp_path)] == [*range(20)]
    assert not list(tmp_path.glob("slow.part.*"))


def test_a_line_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    job = counting(tmp_path, "a")[0]
    (tmp_path / "a.part.1.jsonl").write_text('{"number": 0}\n{"numb')
    assert read_records([job], tmp_path, unfinished=True) == [{"number": 0}]


def test_a_folder_belongs_to_one_run(tmp_path: Path) -> None:
    for _ in range(2):
        with claimed(tmp_path / "work", {"seeds": 5}):
            assert json.loads((tmp_path / "work" / "settings.json").read_text()) == {"seeds": 5}
    with (
        pytest.raises(InputError, match=r"work folder .*: expected results of the same settings, data and version, got those of others"),
        claimed(tmp_path / "work", {"seeds": 4}),
    ):
        pass
    with claimed(tmp_path / "work", {"seeds": 5}):
        pass


def test_two_processes_do_not_work_in_one_folder(tmp_path: Path) -> None:
    with (
        claimed(tmp_path, {}),
        pytest.raises(InputError, match=r"expected no other process, got one that is at work in it\. Wait for it, or choose another"),
        claimed(tmp_path, {}),
    ):
        pass


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("")
    with pytest.raises(InputError, match="expected a folder that can be written"), claimed(tmp_path / "work", {}):
        pass


def test_an_experiment_whose_data_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENPATH_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"got no fashion, mnist, lower, upper, speech\. Run `senpath data download`"):
        reproduce_sen(tmp_path / "out", tmp_path / "work", Setup(seeds=1, epochs=8), look=lambda progress: None)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("content", ['{"a": 1}\n{"a": 2}', '{"a": 1}\n{"a"', "no records\n"])
def test_a_file_of_records_that_is_cut_off_is_named(content: str, tmp_path: Path) -> None:
    job = Job("one", print)
    (tmp_path / "one.jsonl").write_text(content)
    if content.endswith("2}"):
        assert read_records([job], tmp_path) == [{"a": 1}, {"a": 2}]  # all there, but for the end of the line
        return
    with raises_error(
        InputError, f"records {tmp_path / 'one.jsonl'}", expected="lines of JSON", do="Delete the file; its job is run again"
    ):
        read_records([job], tmp_path)
