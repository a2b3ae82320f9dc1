"""The page of the benchmark, in Markdown and as one HTML file."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from senpath.bench import tables
from senpath.bench.figures import draw_figures
from senpath.bench.measure import FORMULAS
from senpath.bench.published import FIGURES
from senpath.bench.rows import find_row
from senpath.bench.streams import MAIN, STREAMS
from senpath.errors import InputError
from senpath.experiments.records import Records
from senpath.reports.markdown import markdown_table
from senpath.store.files import write_atomic

TITLE = "The right pathway"
COMMAND = "senpath bench routing"
NONE = "A published figure for this setting: not found."
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;font-size:.85rem;display:block;overflow-x:auto;margin:1rem 0}
th,td{padding:.25rem .6rem;border-bottom:1px solid #8884;text-align:left;white-space:nowrap;font-variant-numeric:tabular-nums}
code{font-size:.9em}img{max-width:100%;background:#fff}:root{color-scheme:light dark}
"""


@dataclass(frozen=True)
class PagePart:
    """A piece of the page.

    Args:
        title: of a section; "" for none.
        level: of the title.
        text: paragraphs.
        bullets: a list below them.
        table: titles and rows.
        picture: file name of a figure, and what it shows.
    """

    title: str = ""
    level: int = 2
    text: tuple[str, ...] = ()
    bullets: tuple[str, ...] = ()
    table: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None
    picture: tuple[str, str] | None = None


def write_page(records: Records, out: Path, most: int) -> Path:
    """Write routing.md, routing.html and the figures of what was measured.

    Raises:
        InputError: if they cannot be written, or nothing was measured.
    """
    if not tables.cells_of(records):
        raise InputError("page", expected="measured rows", got="none")
    try:
        out.mkdir(parents=True, exist_ok=True)
        pictures = draw_figures(Records(record for record in records if record["stream"] not in FIGURES), out / "routing")
        parts = _parts(records, most, pictures)
        page = out / "routing.md"
        write_atomic(page, _markdown(parts).encode())
        write_atomic(out / "routing.html", _html(parts, out).encode())
    except OSError as error:
        raise InputError(f"page in {out}", expected="a place that can be written", got=error.strerror or str(error)) from error
    return page


def _parts(records: Records, most: int, pictures: dict[str, str]) -> list[PagePart]:
    seeds = len({record["seed"] for record in records})
    lost = tables.losses(records)
    parts = [
        PagePart(
            TITLE,
            1,
            (
                "Tasks come one after another, from few examples or many; then inputs come that do not say their task, and some that "
                "belong to none. Which task is an input of, which label has it, and is that to be trusted?",
                "Every row learns the same examples and reads the same features: encoded inputs as the network's pathways read them, and "
                "what its dispatcher computes of them. Settings that a row has are chosen on examples held out, a fifth of each class, by "
                "right labels; limits keep 97 % of those. The type of data of an input is told to all rows alike. Of a task at most "
                f"{most:,} test inputs are asked, drawn once. In %, mean ± sample standard deviation over at most {seeds} seeds, which "
                "draw the examples. Times were taken beside whatever else the machine did.",
                f"Command: `{COMMAND}`; one row once more: `{COMMAND} --again senpath`. To add a row: [how](../howto/benchmark.md).",
            ),
        )
    ]
    main = Records(record for record in records if record["stream"] not in FIGURES)
    parts += _in_short(main, pictures) if main else []
    if any(record.get("row") == "senpath" for record in records):
        missing = (
            "Nowhere by more than half a point, in what was measured."
            if not lost
            else "By more than half a point, over the seeds that both rows have:"
        )
        parts.append(PagePart("Where senpath loses", text=(missing,), bullets=tuple(lost)))
    lacking = _missing(records)
    said = "Of three seeds there are" if lacking else "Nothing: of each row all streams, shots and three seeds are measured."
    parts.append(PagePart("What is missing", text=(said,), bullets=tuple(lacking)))
    formulas = [[name, f"`{formula}`", words] for name, (formula, words) in FORMULAS.items()]
    parts.append(PagePart("What is measured", table=(["figure", "formula", "meaning"], formulas)))
    about = [[tables.title_of(records, name), _about(name)] for name in tables.rows_of(records)]
    parts.append(PagePart("Rows", table=(["row", "what it does"], about)))
    measured = list(dict.fromkeys(stream for stream, _ in tables.cells_of(records)))
    for stream in (stream for stream in measured if stream not in FIGURES):
        parts += _of_stream(records, stream)
    return parts + _published(records)


def _published(records: Records) -> list[PagePart]:
    """Settings of published work, those measured and those not."""
    words = (
        "Settings that others have published without task ids. Their networks, passes and examples differ from ours and from each other: "
        "figures say what is usual, not who is better.",
        "senpath and the closed forms keep no examples once a task is learned; but the closed forms' settings are chosen here on held-out "
        "examples of all tasks together, which is to their advantage. Nearest neighbours keep all examples.",
    )
    parts = [PagePart("Published settings without task ids", text=words)]
    for name, figures in FIGURES.items():
        measured = [cell for cell in tables.cells_of(records) if cell[0] == name]
        parts.append(PagePart(STREAMS[name].title, 3, text=(STREAMS[name].about, *(() if measured else ("Not measured yet.",)))))
        parts += [PagePart(table=tables.cell_rows(records.where(stream=name, shots=shots))) for _, shots in measured]
        rows = [[figure.who, figure.accuracy, figure.setting, figure.source] for figure in figures]
        told = PagePart(table=(["published", "accuracy, %", "setting", "source"], rows)) if rows else PagePart(text=(NONE,))
        parts.append(told)
    return parts


def _in_short(records: Records, pictures: dict[str, str]) -> list[PagePart]:
    words = (
        "By stream and examples of a class; bold is the best row that is neither told the task nor learns everything at once. Without "
        "± there is one seed."
    )
    figures = ("right label", "right task")
    parts = [PagePart(f"The {figure}", text=(words,), table=tables.short_rows(records, figure)) for figure in figures]
    return [*parts, *(PagePart(picture=picture) for picture in pictures.items())]


def _of_stream(records: Records, stream: str) -> list[PagePart]:
    known = STREAMS.get(stream)
    parts = [PagePart(known.title if known else stream, text=(known.about,) if known else ())]
    if known:
        unknown = ", ".join(source.name for source in known.unknown)
        parts.append(PagePart(text=(f"Tasks: {', '.join(source.name for source in known.tasks)}. Unknown: {unknown}.",)))
    for name, shots in tables.cells_of(records):
        if name == stream:
            cell = records.where(stream=stream, shots=shots)
            parts.append(PagePart(f"{known.title if known else stream}, {tables.shots_word(shots)} shots", 3, table=tables.cell_rows(cell)))
            if cell.where(part="task", row="senpath"):
                parts.append(PagePart(text=("senpath by task:",), table=tables.task_rows(cell, "senpath")))
    return parts


def _missing(records: Records) -> list[str]:
    """For each row the cells of the plan that have fewer than three seeds, in words."""
    lines = []
    for row in tables.rows_of(records):
        have = {(one["stream"], one["shots"], one["seed"]) for one in records.where(row=row)}
        unfit = {(one["stream"], one["shots"]) for one in records.where(row=row, part="none")}  # such as pictures for a rule of texts
        seeds = {(name, shots): sum((name, shots, seed) in have for seed in range(3)) for name in MAIN for shots in STREAMS[name].shots}
        few = [cell for cell, number in seeds.items() if number < 3 and cell not in unfit]
        said = "; ".join(f"{seeds[cell]} of {cell[0]}, {tables.shots_word(cell[1])}" for cell in few)
        lines += [f"{tables.title_of(records, row)}: {said}"] if few else []
    return lines


def _about(name: str) -> str:
    try:
        return find_row(name).about
    except InputError:  # a row of somebody's file that is elsewhere now
        return "–"


def _markdown(parts: Sequence[PagePart]) -> str:
    lines: list[str] = []
    for part in parts:
        if part.title:
            lines.append(f"{'#' * part.level} {part.title}")
        lines += part.text
        if part.bullets:
            lines.append("\n".join(f"- {bullet}" for bullet in part.bullets))
        if part.table:
            lines.append(markdown_table(*part.table))
        if part.picture:
            lines.append(f"![{part.picture[1]}](routing/{part.picture[0]})")
    return "\n\n".join(lines) + "\n"


def _html(parts: Sequence[PagePart], out: Path) -> str:
    """One file that fetches nothing: figures are within."""
    body: list[str] = []
    for part in parts:
        if part.title:
            body.append(f"<h{part.level}>{escape(part.title)}</h{part.level}>")
        body += [f"<p>{_inline(text)}</p>" for text in part.text]
        if part.bullets:
            body.append("<ul>" + "".join(f"<li>{_inline(bullet)}</li>" for bullet in part.bullets) + "</ul>")
        if part.table:
            titles, rows = part.table
            head = "".join(f"<th>{escape(title)}</th>" for title in titles)
            lines = "".join("<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>" for row in rows)
            body.append(f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>")
        if part.picture:
            data = base64.b64encode((out / "routing" / part.picture[0]).read_bytes()).decode()
            body.append(f'<img alt="{escape(part.picture[1])}" src="data:image/png;base64,{data}">')
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}"><title>{TITLE}</title><style>{STYLE}</style>'
    )
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(body) + "\n</body></html>\n"


def _inline(text: str) -> str:
    """Bold, code and links of a line of Markdown."""
    text = escape(text, quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)
