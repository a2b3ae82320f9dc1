"""Running a mixed batch equals running each pathway by itself, and what is shared runs once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
import torch

from senpath.components import Component, build, freeze
from senpath.pathways import Activation, Link, Pathway, count_activation, pathways_touched, run_batch, run_pathway
from senpath.seeds import seeded

INPUTS = torch.rand(23, 3, 4, generator=torch.Generator().manual_seed(1))


def layer(kind: str, seed: int, **config: object) -> Component:
    with seeded(seed):
        module = build(kind, config)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(torch.randn_like(parameter))
    return freeze(kind, config, module)


class Counting:
    """Finds real components, and counts how often and on how many rows each ran."""

    def __init__(self, layers: Sequence[Component]) -> None:
        self.layers = {component.hash: component for component in layers}
        self.runs: Counter[str] = Counter()
        self.rows: dict[str, list[int]] = {}

    def __call__(self, name: str) -> Component:
        component, owner = self.layers[name], self

        class Counted(Component):
            def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
                owner.runs[name] += 1
                owner.rows.setdefault(name, []).append(len(inputs))
                return super().__call__(inputs)

        return Counted(component.kind, component.config, component.module, component.hash, component.payload)


TRUNK = layer("mlp.v1", 0, inputs=12, hidden=[6])
LATER = layer("mlp.v1", 1, inputs=6, hidden=[5])
HEAD_A, HEAD_B = layer("linear.v1", 2, inputs=6, outputs=3), layer("linear.v1", 3, inputs=5, outputs=4)
OTHER, HEAD_C = layer("mlp.v1", 4, inputs=12, hidden=[7]), layer("linear.v1", 5, inputs=7, outputs=2)
LINK_B = layer("link.v1", 6, inputs=6, outputs=4, classes=[0, 3])
LINK_C = layer("link.v1", 7, inputs=5, outputs=2, classes=[1])
LINK_C2 = layer("link.v1", 8, inputs=6, outputs=2, classes=[0])
BRICKS = (TRUNK, LATER, HEAD_A, HEAD_B, OTHER, HEAD_C, LINK_B, LINK_C, LINK_C2)


def pathway(task: str, classes: int, components: Sequence[Component], *links: tuple[str, Sequence[Component], Component]) -> Pathway:
    made = tuple(Link(source, tuple(read.hash for read in reads), link.hash, (), 5) for source, reads, link in links)
    return Pathway(task, "image", tuple(range(classes)), tuple(component.hash for component in components), made)


A = pathway("a", 3, (TRUNK, HEAD_A))
B = pathway("b", 4, (TRUNK, LATER, HEAD_B), ("a", (TRUNK,), LINK_B))
C = pathway("c", 2, (OTHER, HEAD_C), ("b", (TRUNK, LATER), LINK_C), ("a", (TRUNK,), LINK_C2))
LINKS_ONLY = pathway("d", 4, (), ("a", (TRUNK,), LINK_B))
PLAIN = {
    "a": lambda x: HEAD_A.module(TRUNK.module(x)),
    "b": lambda x: HEAD_B.module(LATER.module(TRUNK.module(x))) + LINK_B.module(TRUNK.module(x)),
    "c": lambda x: HEAD_C.module(OTHER.module(x)) + LINK_C.module(LATER.module(TRUNK.module(x))) + LINK_C2.module(TRUNK.module(x)),
    "d": lambda x: LINK_B.module(TRUNK.module(x)),
}
ALL = torch.arange(len(INPUTS))
ROWS = {
    "everything": {A: ALL, B: ALL, C: ALL, LINKS_ONLY: ALL},
    "apart": {A: ALL[:9], B: ALL[9:15], C: ALL[15:]},
    "overlapping": {A: ALL[:15], B: ALL[10:], C: ALL[::3], LINKS_ONLY: ALL[1::2]},
    "one row": {B: ALL[4:5], C: ALL[4:5]},
    "some without rows": {A: ALL[:0], B: ALL[3:6]},
    "the same size, other rows": {A: ALL[:6], B: ALL[6:12]},
}


@pytest.mark.parametrize("rows", ROWS)
def test_a_mixed_batch_equals_a_plain_loop(rows: str) -> None:
    jobs = ROWS[rows]
    found = run_batch(jobs, INPUTS, Counting(BRICKS))
    assert list(found) == [job.task for job in jobs]
    for job, members in jobs.items():
        with torch.no_grad():
            expected = PLAIN[job.task](INPUTS[members])
        torch.testing.assert_close(found[job.task], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("job", [A, B, C, LINKS_ONLY], ids=lambda job: job.task)
def test_one_pathway_alone(job: Pathway) -> None:
    with torch.no_grad():
        expected = PLAIN[job.task](INPUTS)
    torch.testing.assert_close(run_pathway(job, INPUTS, Counting(BRICKS)), expected, rtol=1e-6, atol=1e-6)
    assert run_pathway(job, INPUTS[:0], Counting(BRICKS)).shape == (0, len(job.classes))


def test_a_shared_prefix_runs_once_over_the_union_of_its_rows() -> None:
    lookup = Counting(BRICKS)
    run_batch({A: ALL[:8], B: ALL[5:12], C: ALL[20:]}, INPUTS, lookup)
    assert set(lookup.runs.values()) == {1}
    assert lookup.rows[TRUNK.hash] == [12 + 3]
    assert lookup.rows[LATER.hash] == [7 + 3]
    assert lookup.rows[HEAD_A.hash] == [8]
    assert lookup.rows[HEAD_B.hash] == [7]
    assert lookup.rows[OTHER.hash] == [3]


def test_what_no_job_needs_does_not_run() -> None:
    lookup = Counting(BRICKS)
    run_batch({A: ALL}, INPUTS, lookup)
    assert set(lookup.runs) == {TRUNK.hash, HEAD_A.hash}


def test_links_add_and_touch_their_classes_only() -> None:
    bare = pathway("b", 4, (TRUNK, LATER, HEAD_B))
    without, with_link = run_pathway(bare, INPUTS, Counting(BRICKS)), run_pathway(B, INPUTS, Counting(BRICKS))
    only = run_pathway(LINKS_ONLY, INPUTS, Counting(BRICKS))
    torch.testing.assert_close(with_link, without + only, rtol=1e-6, atol=1e-6)
    assert torch.equal(only[:, [1, 2]], torch.zeros(len(INPUTS), 2))
    assert (only[:, [0, 3]] != 0).all()


def test_no_job_is_no_answer() -> None:
    assert run_batch({}, INPUTS, Counting(BRICKS)) == {}


def test_what_a_pathway_refers_to() -> None:
    assert C.references == {layer.hash for layer in (OTHER, HEAD_C, TRUNK, LATER, LINK_C, LINK_C2)}
    assert C.sources == ("b", "a")
    assert len(C.chains) == 3
    assert LINKS_ONLY.chains == ((TRUNK.hash, LINK_B.hash),)


def paper_layers() -> tuple[Component, ...]:
    """The paper's fourth task: an MLP of 128 units, 17 of 26 classes linked to the third task's hidden layer."""
    return (
        layer("mlp.v1", 0, inputs=784, hidden=[128]),
        layer("linear.v1", 1, inputs=128, outputs=26),
        layer("mlp.v1", 2, inputs=784, hidden=[128]),
        layer("link.v1", 3, inputs=128, outputs=26, classes=list(range(17))),
    )


def test_activation_of_the_papers_fourth_task() -> None:
    body, head, source, link = paper_layers()
    upper = pathway("upper", 26, (body, head), ("lower", (source,), link))
    found = count_activation([upper], {part.hash: part.weights for part in paper_layers()}, dispatcher_weights=11)
    assert found == Activation(
        tasks=("upper",),
        sources=("lower",),
        components=frozenset(layer.hash for layer in (body, head, source, link)),
        pathway_weights=103_834,
        link_weights=17 * 129,
        source_weights=100_480,
        dispatcher_weights=11,
    )
    assert found.total == 103_834 + 2_193 + 100_480 + 11


def test_what_two_candidates_share_counts_once() -> None:
    sizes = {component.hash: component.weights for component in BRICKS}
    both = count_activation([A, B], sizes)
    assert both.pathway_weights == sum(sizes[name] for name in (TRUNK.hash, HEAD_A.hash, LATER.hash, HEAD_B.hash))
    assert both.source_weights == 0
    assert both.link_weights == sizes[LINK_B.hash]
    assert (both.tasks, both.sources) == (("a", "b"), ("a",))
    assert count_activation([], sizes).total == 0


@pytest.mark.parametrize(
    ("candidates", "touched"),
    [([A], {"a"}), ([B], {"a", "b"}), ([A, B], {"a", "b"}), ([C], {"a", "b", "c"}), ([A, LINKS_ONLY], {"a", "d"})],
)
def test_pathways_touched(candidates: list[Pathway], touched: set[str]) -> None:
    assert pathways_touched(candidates) == touched
