"""Counting what ran: activation is counted, not claimed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from senpath.pathways.spec import Link, Pathway

NO_ENCODERS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Activation:
    """What ran for one input, counted in weights. A component that several pathways share counts once.

    Attributes:
        tasks: the candidates, whose pathways ran.
        sources: earlier tasks whose layers ran because a link reads them.
        components: hashes of all components that ran.
        pathway_weights: weights of the candidates' own components.
        link_weights: weights of the links themselves.
        source_weights: weights of layers that links read and that are not in a candidate's own pathway.
        dispatcher_weights: weights of the dispatcher that were used for this input; 0 where the task was given.
        encoder_weights: weights of the pretrained encoder that read this input; 0 where its type has none.

    Example:
        >>> ran = net.predict(x[:1], task="high").activated[0]
        >>> ran.tasks, ran.sources, ran.total == ran.pathway_weights + ran.link_weights + ran.source_weights
        (('high',), ('low',), True)
    """

    tasks: tuple[str, ...]
    sources: tuple[str, ...]
    components: frozenset[str]
    pathway_weights: int
    link_weights: int
    source_weights: int
    dispatcher_weights: int = 0
    encoder_weights: int = 0

    @property
    def total(self) -> int:
        """All weights that ran."""
        return self.pathway_weights + self.link_weights + self.source_weights + self.dispatcher_weights + self.encoder_weights


def count_activation(
    pathways: Iterable[Pathway], sizes: Mapping[str, int], dispatcher_weights: int = 0, encoders: Mapping[str, int] = NO_ENCODERS
) -> Activation:
    """What running these pathways for one input activates.

    Args:
        sizes: number of weights of every component, by hash.
        encoders: number of weights of the pretrained encoders, by key of the type that each reads.
    """
    pathways = tuple(pathways)
    own = {name for pathway in pathways for name in pathway.whole(pathway.components)}
    links = {link.component for pathway in pathways for link in pathway.links}
    read = {name for pathway in pathways for link in pathway.links for name in pathway.whole(link.reads)} - own

    def weigh(names: set[str]) -> int:
        return sum(sizes[name] for name in names)

    return Activation(
        tasks=tuple(pathway.task for pathway in pathways),
        sources=tuple(dict.fromkeys(source for pathway in pathways for source in pathway.sources)),
        components=frozenset(own | links | read),
        pathway_weights=weigh(own),
        link_weights=weigh(links),
        source_weights=weigh(read),
        dispatcher_weights=dispatcher_weights,
        encoder_weights=sum(encoders.get(key, 0) for key in {pathway.data_type for pathway in pathways}),
    )


def pathways_touched(pathways: Iterable[Pathway]) -> frozenset[str]:
    """Names of the tasks of which any layer runs: the candidates and their link sources (the paper's count of active pathways).

    A candidate that is no longer what a link reads, because it was changed, or learned anew under the name, does not stand for the layers
    that the link does read: they count as one more.
    """
    pathways = tuple(pathways)
    own = {pathway.task: pathway.components for pathway in pathways}
    links = [link for pathway in pathways for link in pathway.links]

    def name(link: Link) -> str:
        same = link.source not in own or own[link.source][: len(link.reads)] == link.reads
        return link.source if same else f"{link.source}, earlier"

    return frozenset((*own, *map(name, links)))
