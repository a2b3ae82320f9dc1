"""Small models of real kinds, on disk as the Hugging Face hub has them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn


class Counting(nn.Module):
    """A linear map of whatever comes, that counts the inputs that it has seen."""

    def __init__(self, inputs: int, outputs: int = 12, seed: int = 0) -> None:
        super().__init__()
        self.seen = 0
        self.map = nn.Linear(inputs, outputs)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.map.weight.copy_(torch.randn(outputs, inputs, generator=generator))
            self.map.bias.zero_()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.seen += len(inputs)
        answer: torch.Tensor = self.map(inputs.flatten(1))
        return answer


class Letters(nn.Module):
    """Counts of the letters a to z in texts; it takes strings, as an encoder of texts does."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(26))

    def forward(self, texts: list[str]) -> torch.Tensor:
        counts = [[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]
        return torch.tensor(counts, dtype=torch.float32) * self.scale


@pytest.fixture(scope="session")
def colours() -> tuple[np.ndarray, np.ndarray]:
    """60 noisy pictures 16×20 that are red, green or blue: uint8, and their names."""
    random = np.random.default_rng(0)
    names = np.array(["blue", "green", "red"])[np.arange(60) % 3]
    pictures = random.integers(0, 90, (60, 16, 20, 3))
    pictures[np.arange(60), :, :, 2 - np.arange(60) % 3] += 150
    return pictures.astype(np.uint8), names


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with text/, image/ and audio/: models of a few thousand random weights, in the files that transformers writes."""
    transformers = pytest.importorskip("transformers", reason="needs the extra [text]")
    folder = tmp_path_factory.mktemp("hub")
    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz", *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")]
    (folder / "text").mkdir()
    (folder / "text" / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizer(str(folder / "text" / "vocab.txt")).save_pretrained(folder / "text")
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    transformers.BertModel(transformers.BertConfig(vocab_size=len(words), **small)).save_pretrained(folder / "text")
    transformers.ViTModel(transformers.ViTConfig(image_size=32, patch_size=8, **small)).save_pretrained(folder / "image")
    way = {
        "image_processor_type": "ViTImageProcessor",
        "size": {"height": 32, "width": 32},
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    (folder / "image" / "preprocessor_config.json").write_text(json.dumps(way))
    waves = {"conv_dim": (16, 16), "conv_kernel": (10, 8), "conv_stride": (5, 4), "num_feat_extract_layers": 2}
    config = transformers.Wav2Vec2Config(num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, **small, **waves)
    transformers.Wav2Vec2Model(config).save_pretrained(folder / "audio")
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=8000).save_pretrained(folder / "audio")
    return folder
