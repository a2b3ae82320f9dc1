"""What the site's menu shows and in which order; a page that nobody named here comes last in the section of its folder."""

from __future__ import annotations

from dataclasses import dataclass, field

ROOT_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
}
"""Documents outside `docs`, and where the site has them."""


@dataclass(frozen=True)
class Section:
    """One entry of the menu.

    Args:
        title: what the menu says.
        place: the page that lists the section's pages, without ".md".
        about: the sentence above that list.
        groups: headings of the list, and the pages under each, in order.
        folder: whose other pages come last; None takes in none.
        rest: the heading of those.
    """

    title: str
    place: str
    about: str
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    folder: str | None = None
    rest: str = ""


SECTIONS = (
    Section(
        "Is it for me?",
        "for-me",
        "What it does, beside what else there is, and what it does not.",
        {"": ("guide", "comparison", "limits", "faq")},
    ),
    Section(
        "Tutorials",
        "tutorials/index",
        "Each takes a quarter of an hour and starts from nothing. Each can be downloaded as a notebook.",
        {"": ("tutorials/folder", "tutorials/text", "tutorials/modalities", "tutorials/video")},
        "tutorials",
    ),
    Section(
        "How-to guides",
        "howto/index",
        "One aim a page, for people who know what they want.",
        {
            "Install": ("howto/install", "howto/container"),
            "Learn": ("howto/kinds", "howto/mixed-tables", "howto/estimators", "howto/bring-a-backbone", "howto/hugging-face"),
            "Choose how to learn": ("howto/munet", "howto/allocation", "howto/moe", "howto/forget"),
            "Look after a network": ("howto/extend", "howto/review", "howto/prune", "howto/limits", "howto/undo", "howto/move"),
            "Serve it": ("howto/serve", "howto/page", "howto/teach-over-http", "howto/onnx", "howto/mlflow"),
            "Work with it": ("howto/notebook", "howto/scripts", "howto/sklearn", "howto/avalanche"),
            "Compare": ("howto/experiment", "howto/benchmark", "howto/figures"),
            "Write a plug-in": ("howto/write-a-method", "howto/write-a-component", "howto/write-an-encoder"),
        },
        "howto",
        "More",
    ),
    Section(
        "Concepts",
        "concepts/index",
        "How it works, and why so.",
        {
            "": (
                *("architecture", "concepts/pathways", "concepts/components", "concepts/dispatcher", "concepts/data-types"),
                *("concepts/kinds-of-task", "concepts/shared-concepts", "concepts/activation-and-cost", "concepts/many-tasks"),
                "concepts/million-tasks",
                "concepts/privacy",
            )
        },
        "concepts",
    ),
    Section(
        "Methods",
        "methods/index",
        "The ways to learn a task: the paper each comes from, and what was measured.",
        {"": ("methods/which", "methods/sen", "methods/munet", "methods/allocation", "methods/moe", "methods/review-prune-extend")},
        "methods",
    ),
    Section(
        "Results",
        "results/index",
        "What was measured, with the command that measures it again; what did not help is in the log.",
        {
            "Published experiments": ("results/reproduced", "results/sen", "results/munet", "results/allocation", "results/moe"),
            "Beside others": ("results/peers", "results/foundation", "results/routing"),
        },
        "results",
        "More",
    ),
    Section(
        "Reference",
        "reference/index",
        "Every public name, every command, every file.",
        {"The command line, files and terms": ("reference/commands", "format", "glossary")},
    ),
    Section("Decisions", "decisions/index", "Choices that would otherwise be asked about again.", {}, "decisions"),
    Section(
        "Project",
        "project",
        "About senpath itself.",
        {
            "": (
                *("changelog", "compatibility", "contributing", "code-of-conduct", "security"),
                *("dependencies", "licences", "releasing", "log"),
            )
        },
        "",
    ),
)
