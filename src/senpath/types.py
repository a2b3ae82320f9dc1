"""What the rooms hand to each other: raw inputs, data types, encoded examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from senpath.tasks import Classification, Label, TargetScale, TaskKind, TaskKindName, task_kind

__all__ = ["Audio", "DataType", "Examples", "Label", "Origin", "Video"]


@dataclass(frozen=True)
class Audio:
    """A recording.

    Args:
        samples: one channel, shape (time,), floating point in [-1, 1].
        rate: samples per second.

    Example:
        >>> tone = sp.Audio(np.sin(np.arange(8000) / 5), rate=16000)
        >>> tone.samples.shape, tone.rate
        ((8000,), 16000)
    """

    samples: np.ndarray
    rate: int


@dataclass(frozen=True)
class Video:
    """A clip: pictures one after another.

    Args:
        frames: the pictures, whole numbers in 0 … 255 or floats in 0 … 1, as an array or a tensor (t, h, w) or (t, h, w, c), or a list of
            arrays, PIL images or files; or a `Path` of a video file, an animated picture, or a folder whose pictures are the frames, in
            the order of their names.

    Example:
        >>> clip = sp.Video(x[:4])  # grey frames, 8 × 8
        >>> len(clip.frames)
        4
    """

    frames: Any


@dataclass(frozen=True)
class DataType:
    """A modality and the encoding that brings its inputs to one shape.

    Args:
        modality: "image", "audio", "video", "table" or "text".
        shape: shape of one encoded input: image (channels, height, width), audio (frames, mels), video (frames, numbers), table (columns,),
            text (2 · buckets,). Behind a pretrained encoder (features,), or (tokens, width), where rows of zeros are padding.
        options: everything else that the encoding depends on (JSON values only). A pretrained encoder is recorded in "encoder" (its name,
            number of weights and hash), and what it reads in "reads". A further type of pictures has a "name" for its key.

    Example:
        >>> image = net.view.types["image"]
        >>> image.modality, image.shape, image.encoder
        ('image', (1, 8, 8), None)
    """

    modality: str
    shape: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> str:
        """The name of this type in a network. Tables with different columns are different types; so are pictures that need it."""
        if self.modality == "table":
            return f"table-{self.options['fingerprint']}"
        return f"{self.modality}-{self.options['name']}" if "name" in self.options else self.modality

    @property
    def encoder(self) -> str | None:
        """Name of the pretrained encoder that reads the inputs; None if there is none."""
        return self.options["encoder"]["name"] if "encoder" in self.options else None

    @property
    def strangers(self) -> bool:
        """Whether inputs come from sources that no example is of, such as voices: the dispatcher is more lenient then."""
        return bool(self.options.get("encoder", {}).get("strangers", False))

    @property
    def encoder_id(self) -> tuple[str, str] | None:
        """Name and hash of that encoder. Types with the same name and hash share one encoder."""
        return (self.options["encoder"]["name"], self.options["encoder"]["sha256"]) if "encoder" in self.options else None

    @property
    def encoder_weights(self) -> int:
        """How many weights that encoder has; 0 if there is none."""
        return int(self.options["encoder"]["weights"]) if "encoder" in self.options else 0

    @property
    def form(self) -> str:
        """What pathways read: "vector" or "tokens" behind an encoder, otherwise the modality; of clips frames, "video", in both cases."""
        if "encoder" not in self.options or (self.modality == "video" and len(self.shape) == 2):
            return self.modality
        return "tokens" if len(self.shape) == 2 else "vector"

    @property
    def read_by_mean(self) -> bool:
        """Whether the mean says what an input is: of tokens that an encoder with weights has made. Of patches and frames places matter."""
        return self.form == "tokens" and self.encoder_weights > 0


@dataclass(frozen=True)
class Origin:
    """What encoded examples were before.

    Args:
        read_as: which type of data they were taken for and why, for people; empty where there was nothing to choose.
        figures: numbers of the raw inputs that tell types of one modality apart, by name; see `senpath.inputs.modalities.picture_types`.
    """

    read_as: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Examples:
    """The encoded, labelled examples of one task.

    Args:
        data_type: the type of the inputs.
        inputs: float32, shape (n, *data_type.shape).
        targets: of a classification int64, shape (n,), each an index into `classes`; of a multilabel task float32, shape (n, classes), 1
            where an input has the label and 0 elsewhere; of a regression float64, shape (n, outputs).
        classes: the labels in the order of the outputs, as the user gave them (scikit-learn's `classes_`): sorted, later additions at the
            end. Of a regression the names of the outputs, by default their numbers.
        kind: name of the kind of task.
        scale: the units in which `targets` are, which a pathway is to answer in; None where they are as the user gave them. Methods get
            a regression's targets with a scale, so that they are numbers of usual size.
        origin: what the inputs were, where they were encoded by a network.
        weights: how much each example counts in what is minimised, float32 (n,), 1 on average; None where all count the same. Only the
            method "sen" heeds them.
        held_out: others of the same task, to be measured on while it is learned; nothing is learned from them.

    Example:
        >>> examples = net.encode_examples(x, y)
        >>> len(examples), examples.kind, tuple(examples.subset(np.arange(10)).inputs.shape)
        (150, 'classification', (10, 1, 8, 8))
    """

    data_type: DataType
    inputs: torch.Tensor
    targets: torch.Tensor
    classes: tuple[Label, ...]
    kind: TaskKindName = Classification.name
    scale: TargetScale | None = None
    origin: Origin = field(default=Origin(), compare=False)
    weights: torch.Tensor | None = None
    held_out: Examples | None = field(default=None, compare=False, repr=False)

    @property
    def task_kind(self) -> TaskKind:
        """The kind of task, see `senpath.tasks`."""
        return task_kind(self.kind)

    @property
    def user_targets(self) -> torch.Tensor:
        """The targets as the user gave them, whatever the scale."""
        return self.targets if self.scale is None else self.scale.to_numbers(self.targets)

    def scaled(self, scale: TargetScale | None) -> Examples:
        """The same with targets in these units; None for those of the user."""
        if scale == self.scale:
            return self
        numbers = self.user_targets
        held_out = None if self.held_out is None else self.held_out.scaled(scale)
        return replace(self, targets=numbers if scale is None else scale.to_outputs(numbers), scale=scale, held_out=held_out)

    def __len__(self) -> int:
        return len(self.targets)

    def subset(self, index: torch.Tensor) -> Examples:
        """The examples at `index` (int64 or bool, one axis), with the same classes, and nothing held out beside them."""
        weights = None if self.weights is None else self.weights[index]
        return replace(self, inputs=self.inputs[index], targets=self.targets[index], weights=weights, held_out=None)
