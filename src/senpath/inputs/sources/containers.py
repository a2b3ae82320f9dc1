"""Data sets of torch and of Avalanche."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from senpath.arrays import as_array
from senpath.errors import InputError
from senpath.inputs.modalities.audio import RATES, mixed
from senpath.inputs.modalities.picture_types import is_wave
from senpath.types import Audio


def read_dataset(data: Any) -> tuple[list[Any], list[Any]]:
    """Read the inputs and labels of a Dataset of pairs; what follows the label, such as a task's number, is ignored.

    Those of torchaudio have a recording (channels, time), its rate, and then the label.
    """
    if not hasattr(data, "__len__"):
        raise InputError("torch Dataset", expected="one with a length", got=f"{type(data).__name__} without", do="Put it into a DataLoader")
    pairs = [_pair(data[index], f"item {index} of the Dataset") for index in range(len(data))]
    return [_input(x) for x, _ in pairs], [_label(y) for _, y in pairs]


def read_loader(loader: DataLoader[Any]) -> tuple[list[Any], list[Any]]:
    """Read the inputs and labels of a DataLoader of batches of pairs, or of one pair at a time.

    Raises:
        InputError: if a batch is no pair, or has another number of labels than inputs.
    """
    pairs = [pair for index, batch in enumerate(loader) for pair in _of_batch(loader, batch, f"batch {index} of the DataLoader")]
    return [_input(x) for x, _ in pairs], [_label(y) for _, y in pairs]


def _of_batch(loader: DataLoader[Any], batch: Any, what: str) -> list[tuple[Any, Any]]:
    """The pairs in a batch."""
    waves = _recordings(batch)
    x, y = (waves, batch[2]) if waves is not None else _pair(batch, what)
    if loader.batch_sampler is None and _is_pair(x, y, what):  # nothing is put together
        return [(_plain(x), y)]
    turned = loader.collate_fn is default_collate
    try:
        inputs, labels = _apart(x, turned=turned) if waves is None else waves, _apart(y, turned=turned)
    except (TypeError, ValueError) as error:  # no rows, or of several lengths
        raise InputError(what, expected="inputs and labels that are put together", got=str(error)) from error
    if len(inputs) != len(labels):
        raise InputError(what, expected="as many labels as inputs", got=f"{len(labels):,} labels of {len(inputs):,} inputs")
    return [*zip(inputs, labels, strict=True)]


def _recordings(batch: Any) -> list[Audio] | None:
    """The recordings in a batch as torchaudio's data sets have them, (waves, rates, labels, …); None where it is another."""
    if not isinstance(batch, list | tuple) or len(batch) < 3 or not all(isinstance(part, torch.Tensor) for part in batch[:2]):
        return None
    waves, rates = batch[:2]
    if waves.ndim != 3 or not is_wave(waves.shape[1:]) or rates.is_floating_point() or rates.ndim != 1 or len(rates) != len(waves):
        return None
    if not all(RATES[0] <= rate <= RATES[1] for rate in rates.tolist()):
        return None
    return [Audio(mixed(as_array(wave).T), rate) for wave, rate in zip(waves, rates.tolist(), strict=True)]


def _is_pair(x: Any, y: Any, what: str) -> bool:
    """Whether these are one input and its label, where a loader puts nothing together; its data set may make batches itself."""
    axes = getattr(x, "ndim", None)
    if not isinstance(y, list | tuple) and getattr(y, "ndim", 0) == 0:
        return True
    if axes == 1 or isinstance(x, str | Audio) or (isinstance(x, Mapping) and not any(getattr(value, "ndim", 0) for value in x.values())):
        return True
    if axes is None or not hasattr(y, "ndim"):
        return False
    if len(x) == len(y) and axes == 3 and isinstance(y, torch.Tensor) and y.is_floating_point():
        got = f"inputs of shape {tuple(x.shape)} and labels of {tuple(y.shape)}, which may be one picture or {len(x)}"
        raise InputError(what, expected="a batch", got=got, do="Give the DataLoader a batch_size")
    return len(x) != len(y)


def _apart(part: Any, *, turned: bool) -> list[Any]:
    """The items that were put together into a batch.

    Args:
        turned: whether of items that are lists a list of their first values was made, one of their second, …, as torch does it by default.
    """
    if isinstance(part, Mapping):
        columns = [_apart(values, turned=turned) for values in part.values()]
        return [_plain(dict(zip(part, row, strict=True))) for row in zip(*columns, strict=True)]
    if turned and isinstance(part, list | tuple) and not all(isinstance(item, str | bytes) for item in part):
        return [_plain([*row]) for row in zip(*(_apart(values, turned=True) for values in part), strict=True)]
    return [*part]


def _plain(value: Any) -> Any:
    """A row with numbers where there are tensors of one."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [*map(_plain, value)]
    return value.item() if isinstance(value, torch.Tensor) and value.ndim == 0 else value


def is_dataset(data: Any) -> bool:
    """Whether this is a Dataset of torch or of Avalanche; the latter are no subclasses of torch's."""
    return isinstance(data, Dataset) or all(hasattr(data, name) for name in ("__len__", "__getitem__", "collate_fn"))


def is_experience(data: Any) -> bool:
    """Whether this is one of a stream's experiences, as Avalanche has them."""
    return not isinstance(data, DataLoader) and not is_dataset(data) and is_dataset(getattr(data, "dataset", None))


def tasks_of(stream: Any, name: str = "experience") -> dict[str, Any]:
    """Make a task of each experience of an Avalanche stream, as `Network.learn_many` takes them.

    Args:
        stream: experiences with a `dataset` each; or a benchmark, whose `train_stream` is used.
        name: what the tasks are called: "experience 0", "experience 1", …

    Raises:
        InputError: if there are no experiences.

    Example:
        >>> from types import SimpleNamespace
        >>> from torch.utils.data import TensorDataset
        >>> import torch
        >>> data = TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
        >>> stream = [SimpleNamespace(dataset=data), SimpleNamespace(dataset=data)]  # as Avalanche makes them
        >>> list(sp.tasks_of(stream, "part"))
        ['part 0', 'part 1']
    """
    stream = getattr(stream, "train_stream", stream)
    try:
        experiences = list(stream)
    except TypeError as error:
        raise InputError("stream", expected="experiences with a dataset each", got=type(stream).__name__) from error
    for index, experience in enumerate(experiences):
        if not is_experience(experience):
            raise InputError(f"{name} {index}", expected="an experience with a dataset", got=type(experience).__name__)
    if not experiences:
        raise InputError("stream", expected="at least one experience", got="none")
    return {f"{name} {getattr(experience, 'current_experience', index)}": experience for index, experience in enumerate(experiences)}


def _pair(value: Any, what: str) -> tuple[Any, Any]:
    if not isinstance(value, list | tuple) or len(value) < 2:
        named = ", ".join(map(repr, value)) if isinstance(value, dict) else ""
        got = f"a dict of {named}" if named else f"a {type(value).__name__} without labels"
        do = "Give inputs and labels apart: learn(task, [item['…'] for item in data], [item['…'] for item in data])" if named else ""
        raise InputError(what, expected="inputs and labels, (x, y)", got=got, do=do)
    wave, rate = value[0], value[1]
    if len(value) > 2 and isinstance(wave, torch.Tensor) and is_wave(wave.shape) and type(rate) is int and RATES[0] <= rate <= RATES[1]:
        return Audio(mixed(as_array(wave).T), rate), value[2]
    return wave, rate


def _input(item: Any) -> Any:
    return as_array(item) if isinstance(item, torch.Tensor) and item.ndim == 1 else item


def _label(value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return value
    if value.ndim > 1:
        raise InputError("label", expected="one number, or a row of them", got=f"shape {tuple(value.shape)}")
    return as_array(value) if value.numel() != 1 else value.item()
