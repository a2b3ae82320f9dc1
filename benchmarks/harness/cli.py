"""A benchmark as a command: its arguments, what it runs, and its page."""

import argparse
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.harness.jobs import Part, hold, read_part, run
from benchmarks.harness.tables import RESULTS, write_section
from senpath.experiments.jobs import Job


@dataclass(frozen=True)
class Section:
    """A section of the page, or a figure.

    Args:
        make: makes the text of the records of the parts; None if there is nothing to write, as for a figure that it draws.
        parts: whose records it is made of. Without records of all of them it is left as it is.
        optional: further parts, which may have no records.
    """

    make: Callable[..., str | None]
    parts: Sequence[str]
    optional: Sequence[str] = ()


@dataclass(frozen=True)
class Benchmark:
    """A command with its parts and its page.

    Args:
        name: of its folder below runs/.
        about: the help's text.
        parts: by name. The records of a single part lie in the folder itself, those of several in folders of their own.
        sections: by the names of their marks on the page; a function stands for a section that is made of the part of the same name, or
            of the only part.
        page: in docs/results; that of the same name by default.
        seeds: how many by default; None where there is no such choice.
        jobs: processes at once by default; 0 runs everything in the command's own process.
        anew: whether a run that is finished is measured again, as times and what takes minutes are.
        options: further arguments, as `add_argument` takes them.
        writes: whether the page is written, else its sections are printed.
    """

    name: str
    about: str | None
    parts: Mapping[str, Part]
    sections: Mapping[str, Section | Callable[..., str | None]]
    page: str | None = None
    seeds: int | None = None
    jobs: int = 0
    anew: bool = False
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    writes: Callable[[Namespace], bool] = lambda arguments: True

    def main(self, words: Sequence[str] | None = None) -> None:
        """Run what the command line asks for, and write the sections that are made of it."""
        arguments = self.parser().parse_args(words)
        named = arguments.parts or [name for name, part in self.parts.items() if not part.asked]
        page = arguments.page or "page" in named
        measured = [] if arguments.page else [name for name in self.parts if name in named]
        if arguments.smoke:
            self._try_out(measured, arguments)
            return
        self._require_page(arguments)
        for name in measured:
            if self._run(name, arguments) and not page:
                self.write(arguments, name)
        if page:
            self.write(arguments)

    @property
    def _page(self) -> Path:
        return RESULTS / (self.page or f"{self.name}.md")

    def _require_page(self, arguments: Namespace) -> None:
        """End before hours of measuring, and not after them, where there is no page for what they give."""
        if self.sections and self.writes(arguments) and not self._page.exists():
            marks = "\n".join(f"<!-- begin {name} -->\n<!-- end {name} -->" for name in self.sections)
            sys.exit(f"{self._page} is not there: write it, with the command and, where each section is to stand, its marks\n{marks}")

    def write(self, arguments: Namespace, part: str | None = None) -> None:
        """Write the sections for which there are records, all or those that are made of a part."""
        for name, maker in self.sections.items():
            section = maker if isinstance(maker, Section) else Section(maker, [name] if name in self.parts else [*self.parts])
            names = [*section.parts, *section.optional]
            if part is None or part in names:
                records = [read_part(self._folder(one, arguments), self.parts[one].cells(arguments)) for one in names]
                text = section.make(*records) if all(records[: len(section.parts)]) else None
                if text and self.writes(arguments):
                    write_section(self._page, name, text)
                elif text:
                    print(text, flush=True)

    def _run(self, name: str, arguments: Namespace) -> bool:
        """Run a part; gives whether there was anything to run."""
        part, folder = self.parts[name], self._folder(name, arguments)
        stages = [self._asked(part.jobs(arguments, late=late), arguments) for late in (False, True)]
        if not any(stages):
            return False
        if part.prepare is not None:
            part.prepare(arguments)
        if part.run is not None:
            part.run(arguments, folder)
            return True
        with hold(folder, part.settings(arguments), [*stages[0], *stages[1]], anew=self.anew):
            for jobs in filter(None, stages):
                run(jobs, folder, arguments.jobs if part.workers is None else part.workers, name)
        return True

    def _try_out(self, names: Sequence[str], arguments: Namespace) -> None:
        """Run the first job of each part with nothing kept, and print its records."""
        with tempfile.TemporaryDirectory() as folder:
            arguments.folder = Path(folder)
            for part in (self.parts[name] for name in names):
                if part.prepare is not None:
                    part.prepare(arguments)
                for job in self._asked(part.jobs(arguments), arguments)[:1]:
                    job.run(lambda record: print(record, flush=True))

    def _asked(self, jobs: Sequence[Job], arguments: Namespace) -> list[Job]:
        return [job for job in jobs if not arguments.only or any(word in job.name for word in arguments.only)]

    def _folder(self, name: str, arguments: Namespace) -> Path:
        folder: Path = arguments.folder
        return folder if len(self.parts) == 1 else folder / name

    def parser(self) -> argparse.ArgumentParser:
        """What it understands."""
        parser = argparse.ArgumentParser(description=self.about, formatter_class=argparse.RawDescriptionHelpFormatter)
        names = [name for name, part in self.parts.items() if not part.asked]
        parser.add_argument("parts", nargs="*", metavar="PART", choices=[*self.parts, "page", []], help=f"default: {', '.join(names)}")
        parser.add_argument("--folder", type=Path, default=Path("runs") / self.name, help="of records and networks (default: %(default)s)")
        parser.add_argument("--jobs", "--workers", type=int, default=self.jobs, help="processes at once, of one thread each; 0: this one")
        parser.add_argument("--only", nargs="+", metavar="WORD", help="only the jobs with one of these in their names")
        parser.add_argument("--page", action="store_true", help="only write the page, of what is measured, as the part 'page' does")
        parser.add_argument("--smoke", action="store_true", help="only run the first job of each part, keep nothing, and print its records")
        if self.seeds is not None:
            parser.add_argument("--seeds", type=int, default=self.seeds, help="how many, from 0 on (default: %(default)s)")
        for name, settings in self.options.items():
            parser.add_argument(name, **settings)
        return parser
