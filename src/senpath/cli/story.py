"""The main job as one story: five tasks one after another, and what became of them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from senpath import Evaluation, Network, Sen, data, evaluate, recorded_evaluations, report
from senpath.cli.encoders import show_encoder
from senpath.cli.evaluate import show_scores
from senpath.cli.learn import show_transfers
from senpath.cli.show import heading, note, percent, say, table, working
from senpath.data import Labelled, Task
from senpath.errors import InputError
from senpath.inputs.encoders import AUTO
from senpath.learning.propose import propose
from senpath.progress import bars
from senpath.reports import draw_growth
from senpath.snapshot import encode_examples, try_out
from senpath.types import Label

SHOTS = {"upper": 5}
"""Tasks that the demo learns from few examples a class."""
FIGURE, FOLDER, PAGE = "growth.png", "demo.sen", "report.html"


@dataclass
class Story:
    """What the demo keeps while it runs.

    Attributes:
        tasks: the data, by task.
        seed: decides everything that is drawn.
        first_answers: by task, what it answered to its test inputs right after it was learned.
        forgotten: answers with the task given that changed afterwards.
    """

    tasks: dict[str, Task]
    seed: int
    first_answers: dict[str, list[Label]] = field(default_factory=dict)
    forgotten: int = 0


def tell(out: Path, embedded: bool, seed: int) -> None:
    """Grow a network on five tasks and show what it learned; see `senpath demo`."""
    start = time.perf_counter()
    _clear(out)
    tasks, caption = _choose_data(embedded)
    net = Network(out / FOLDER, random_state=seed, encoders=AUTO)
    story = Story(tasks, seed)
    for name in tasks:
        _learn(net, story, name)
    # What was recorded after each task: the last of it is of the whole network.
    stages = {name: entry.evaluation for name, entry in zip(tasks, recorded_evaluations(net), strict=True)}
    shares = _shares(net, tasks)
    _tell_forgetting(net, story, stages)
    _tell_routes(net, story, [*stages.values()][-1])
    _tell_weights(net, shares)
    draw_growth(net, stages, shares, caption, out / FIGURE)
    report(net, out / PAGE)
    took = time.perf_counter() - start
    say(f"\nthe network is in {out / FOLDER}, the figure in {out / FIGURE}; all this took {took:.0f} s")
    say(f"the whole report, to open in a browser: {out / PAGE}")
    say(f"go on: senpath tasks {out / FOLDER}   ·   senpath verify {out / FOLDER}")


def _clear(out: Path) -> None:
    """Make room in a folder that is empty or an earlier demo's, and in no other."""
    if out.exists():
        known = {FIGURE, FOLDER, PAGE, f"{FOLDER}.server"}  # the last is what `senpath serve` keeps
        if not out.is_dir() or {child.name for child in out.iterdir()} - known:
            raise InputError(
                f"demo folder {out}",
                expected="an absent or empty folder, or an earlier demo's",
                got="other content",
                do="Choose with --out",
            )
        for child in out.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()
    out.mkdir(parents=True, exist_ok=True)


def _choose_data(embedded: bool) -> tuple[dict[str, Task], str]:
    names = {known.name for known in data.available() if known.present}
    if not embedded and {"fashion", "mnist", "lower", "upper", "speech"} <= names:
        tasks, caption = (
            data.paper_tasks(),
            "real data: the five tasks of the paper (letters stand in for EMNIST); upper from 5 examples a class",
        )
        say("Data: real, the five tasks of the SEN paper.", style="bold")
    else:
        with working("rendering the embedded data (kept for the next time)"):
            tasks, caption = (
                data.embedded_tasks(),
                "embedded data: MNIST digits are real, everything else is rendered; upper from 5 examples a class",
            )
        say("Data: the embedded default. Only the MNIST digits are real; the rest is rendered by this project.", style="bold")
        say("For the real five tasks: `senpath data download`, or set SENPATH_DATA to a folder that has them.")
        for line in data.embedded_missing():
            note(f"left out: {line}", style="yellow")
    for name, task in tasks.items():
        say(f"  {name:8} {len(task.train[1]):6,} / {len(task.test[1]):6,}  {task.origin}")
    return tasks, caption


def _learn(net: Network, story: Story, name: str) -> None:
    x, y = story.tasks[name].train
    shots = SHOTS.get(name)
    if shots:
        chosen = data.few_shot(x, y, shots, story.seed)
        x, y = np.asarray(x)[chosen], y[chosen]
    words = f"{shots} examples a class" if shots else f"{len(y):,} examples"
    heading(f"task {len(net.tasks) + 1}: {name}, from {words}")
    with bars(name) as progress:
        learned = net.learn(name, x, y, random_state=story.seed, progress=progress)
        alone = _accuracy_alone(net, story, name, (x, y)) if shots else None
    say(f"learned in {learned.seconds:.1f} s and committed as version {learned.version}")
    show_encoder(net, learned, AUTO, x)
    show_transfers(net, name)
    scores = _measure(net, story).scores
    rows = [[task, percent(score.accuracy), percent(score.accuracy_unlabelled)] for task, score in scores.items()]
    table("test accuracy so far:", ["task", "task given", "task found"], rows)
    if alone is not None:
        borrowing = percent(scores[name].accuracy)
        say(f"{name} from {shots} examples a class: {borrowing} with what it borrows, {percent(alone)} learned alone", style="bold")


def _accuracy_alone(net: Network, story: Story, name: str, examples: Labelled) -> float:
    """What the same examples come to without links: a proposal that is measured and thrown away."""
    method = Sen(links="none", random_state=story.seed)
    proposal = propose(net.view, method, name, encode_examples(net.view, *examples))
    test = encode_examples(net.view, *story.tasks[name].test)
    return float((try_out(net.view, proposal, test.inputs).argmax(1) == test.targets).float().mean())


def _measure(net: Network, story: Story) -> Evaluation:
    """Every task so far, recorded with the network; answers that are no longer those first given are counted."""
    with working("measuring every task so far"):
        measured = evaluate(net, {task: story.tasks[task].test for task in net.tasks}, record=True)
        for task in net.tasks:
            answers = list(net.predict(story.tasks[task].test[0], task=task).label)
            before = story.first_answers.setdefault(task, answers)
            story.forgotten += sum(a != b for a, b in zip(before, answers, strict=True))
    return measured


def _tell_forgetting(net: Network, story: Story, stages: Mapping[str, Evaluation]) -> None:
    heading("nothing forgotten")
    net.verify()
    say(f"with the task given, {story.forgotten} answers changed after they were first given; every hash and probe is as committed")
    rows = []
    final = [*stages.values()][-1]
    for since, (task, stage) in zip(range(len(stages) - 1, 0, -1), stages.items(), strict=False):
        first, last = (measured.scores[task].accuracy_unlabelled for measured in (stage, final))
        rows.append([task, percent(first), percent(last), f"{100 * (last - first):+.1f}", since])
    say("without the task id, answers may move because a new task competes:")
    table(
        None,
        ["task", "at first", "now", "drift, points", "tasks since"],
        rows,
    )


def _tell_routes(net: Network, story: Story, final: Evaluation) -> None:
    heading("which pathways an unlabelled input activates")
    rows = []
    random = np.random.default_rng(story.seed)
    drawn = [(name, int(index)) for name, task in story.tasks.items() for index in random.choice(len(task.test[1]), 2, replace=False)]
    answers = net.predict([story.tasks[name].test[0][index] for name, index in drawn])
    for place, (name, index) in enumerate(drawn):
        answer = f"{answers.task[place]} {answers.label[place]}" if answers.task[place] is not None else "none fits"
        ran = " + ".join(answers.candidates[place])
        rows.append([f"{name} {story.tasks[name].test[1][index]}", answer, percent(answers.confidence[place]), ran])
    table("ten inputs, images and sounds in one batch:", ["input", "answer", "confidence", "pathways"], rows)
    show_scores("all test inputs:", final)


def _shares(net: Network, tasks: dict[str, Task]) -> dict[str, tuple[float, float]]:
    total = net.weights["total"]
    shares = {}
    for name, task in tasks.items():
        ran = net.predict(task.test[0][:500]).activated
        dispatcher = float(np.mean([activation.dispatcher_weights for activation in ran]))
        everything = float(np.mean([activation.total for activation in ran]))
        shares[name] = ((everything - dispatcher) / total, dispatcher / total)
    return shares


def _tell_weights(net: Network, shares: dict[str, tuple[float, float]]) -> None:
    heading("how few weights run")
    rows = [[name, percent(paths), percent(dispatcher), percent(paths + dispatcher)] for name, (paths, dispatcher) in shares.items()]
    say(f"of {net.weights['total']:,} weights, for one input without task id:")
    table(None, ["input of task", "pathways and links", "dispatcher", "together"], rows)
