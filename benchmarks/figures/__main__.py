"""Every figure of docs/results again: what is there, what the code has left behind, and making it.

    python -m benchmarks.figures plan  [--only NAME …]
    python -m benchmarks.figures run   [--only NAME …] [--minutes 90] [--again] [--keep] [--busy]
    python -m benchmarks.figures check
    python -m benchmarks.figures mark  [NAME …]

`plan` lists figures, what they cost and how things stand with them. `run` makes those that are not current, those that take least first;
stopped or killed, it goes on where it was. `check` names what is not declared, is not there or has no mark, and lists what is stale.
`mark` writes the marks into the pages; with names it marks those whose output was brought into their pages by hand, or by their command
alone: these as of today's code or an earlier one.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.figures import history
from benchmarks.figures.checks import problems
from benchmarks.figures.declared import ROOT, Figure, chosen, read_figures
from benchmarks.figures.marks import mark_pages, read_marks
from benchmarks.figures.running import mark_figure, run_figures
from benchmarks.figures.state import Run, lacking, read_run, run_file, standing
from senpath.errors import InputError, SenpathError


def main() -> int:
    """Do what the command line asks for; gives the exit code."""
    arguments = _parser().parse_args()
    arguments.records = arguments.records.resolve()  # commands run in the repository's root
    action: Callable[[argparse.Namespace, list[Figure]], int] = arguments.action
    try:
        code = action(arguments, read_figures())
        sys.stdout.flush()
        return code
    except SenpathError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # a reader that has enough, such as `head`; what is still in the buffer goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        print("interrupted; what is done is kept, run the same command again to go on", file=sys.stderr)
        return 130


def plan(arguments: argparse.Namespace, figures: list[Figure]) -> int:
    """Print how things stand."""
    marks = read_marks()
    shown = [standing(figure, marks, arguments.records) for figure in chosen(figures, arguments.only)]
    lines = [("figure", "page", "minutes", "", "code", "how it stands", "lacks")]
    for one in sorted(shown, key=lambda each: (each.current, each.left)):
        figure = one.figure
        words = " ".join(word for word, yes in (("quiet", figure.quiet), ("at once", not figure.resumable)) if yes)
        lacks = ", ".join(lacking(figure, arguments.records))
        code = "–" if one.mark is None else one.mark.commit if one.mark.exact else f"≤ {one.mark.commit}"
        lines.append((figure.name, figure.page or "–", one.cost, words, code, str(one), lacks))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    missing = [one for one in shown if not one.current]
    print(f"\n{len(shown) - len(missing)} of {len(shown)} current; the others take some {sum(one.left for one in missing) / 60:.1f} hours.")
    print("~: estimated. ≤: of this code or an earlier one. quiet: needs a machine with nothing else to do.")
    print("at once: does not go on where it was stopped.")
    return 0


def run(arguments: argparse.Namespace, figures: list[Figure]) -> int:
    """Make figures."""
    some = chosen(figures, arguments.only)
    options = {"minutes": arguments.minutes, "again": arguments.again, "keep": arguments.keep, "busy": arguments.busy}
    return int(not run_figures(some, arguments.records, every=figures, **options))


def check(arguments: argparse.Namespace, figures: list[Figure]) -> int:
    """Print what is wrong, and what is stale, which is no error: most changes of the code make some figure older than it."""
    marks = read_marks()
    wrong = problems(figures, marks)
    for line in wrong:
        print(line)
    all_there = all(history.known(mark.commit) for mark in marks.values())
    stale = [one for figure in figures if (one := standing(figure, marks, arguments.records)).since]
    if not all_there:
        print("some marks' commits are not in this clone, so what is stale is not all known; `git fetch --unshallow` brings them")
    if arguments.stale:
        for one in stale:
            print(f"{one.figure.name}, {one.mark}: {_briefly(one.since or ())}")
    elif stale:
        print(f"{len(stale)} of {len(figures)} figures are older than their code (`python -m benchmarks.figures check --stale` says why)")
    return int(bool(wrong))


def _briefly(files: Sequence[str]) -> str:
    """Files by name if they are few, else how many of each folder."""
    if len(files) <= 5:
        return ", ".join(files)
    return ", ".join(f"{folder} ({count})" for folder, count in Counter(str(Path(file).parent) for file in files).items())


def mark(arguments: argparse.Namespace, figures: list[Figure]) -> int:
    """Write the marks, first of those that are named."""
    for figure in chosen(figures, arguments.names) if arguments.names else []:
        file = run_file(figure, arguments.records)
        begun = read_run(file)
        if begun is not None and not begun.ended:
            raise InputError(f"mark of {figure.name}", expected="a run that has ended", got="one that has not", do="`run` goes on with it")
        mark_figure(figure, begun or Run(history.code_commit(), figure.command), figures, exact=begun is not None)
        file.unlink(missing_ok=True)
    for page in mark_pages(figures, read_marks()):
        print(f"wrote {page}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(required=True, metavar="plan | run | check | mark")
    for action in (plan, run, check, mark):
        one = actions.add_parser(action.__name__, help=(action.__doc__ or "").split("\n")[0])
        one.set_defaults(action=action)
        one.add_argument("--records", type=Path, default=ROOT / "runs/figures", help="folder of records and logs (default: runs/figures)")
        if action in (plan, run):
            one.add_argument("--only", nargs="+", default=[], metavar="NAME", help="figures, or pages as drift.md")
        if action is run:
            one.add_argument("--minutes", type=float, help="by the clock; what is not done by then goes on next time")
            one.add_argument("--again", action="store_true", help="also what is current")
            one.add_argument("--keep", action="store_true", help="go on with a run whose code has changed since it began")
            one.add_argument("--busy", action="store_true", help="also what needs a quiet machine, whatever else this one does")
        if action is check:
            one.add_argument("--stale", action="store_true", help="say which files have changed")
        if action is mark:
            one.add_argument("names", nargs="*", metavar="NAME", help="figures whose output is in their pages now")
    return parser


if __name__ == "__main__":
    sys.exit(main())
