from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from data_files import idx_bytes, write_idx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from senpath.data import read_idx
from senpath.errors import InputError

ARRAYS = arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=4, max_side=6))
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DAMAGED = "is not an idx file of bytes|does not hold what its header says|ends in its header"


@QUICK
@given(array=ARRAYS, packed=st.booleans())
def test_what_is_written_is_read(tmp_path: Path, array: np.ndarray, packed: bool) -> None:
    file = tmp_path / "file"
    file.write_bytes(gzip.compress(idx_bytes(array)) if packed else idx_bytes(array))
    back = read_idx(file)
    assert back.dtype == np.uint8
    assert back.shape == array.shape
    assert (back == array).all()


@QUICK
@given(array=ARRAYS, data=st.data())
def test_a_flipped_bit_of_the_header_is_found(tmp_path: Path, array: np.ndarray, data: st.DataObject) -> None:
    content = bytearray(idx_bytes(array))
    bit = data.draw(st.integers(0, 8 * (4 + 4 * array.ndim) - 1))
    content[bit // 8] ^= 1 << bit % 8
    (tmp_path / "file").write_bytes(content)
    # The first two bytes alone would make the file look gzipped; that is damage too.
    with pytest.raises(InputError, match=f"{DAMAGED}|cannot be read"):
        read_idx(tmp_path / "file")


@QUICK
@given(array=ARRAYS, data=st.data(), packed=st.booleans())
def test_a_truncated_file_is_found(tmp_path: Path, array: np.ndarray, data: st.DataObject, packed: bool) -> None:
    content = gzip.compress(idx_bytes(array)) if packed else idx_bytes(array)
    (tmp_path / "file").write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(InputError, match=f"{DAMAGED}|cannot be read"):
        read_idx(tmp_path / "file")


def test_trailing_bytes_are_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(idx_bytes(np.ones((2, 3))) + b"x")
    with pytest.raises(InputError, match=r"does not hold what its header says: expected 6 bytes for \(2, 3\), got 7"):
        read_idx(tmp_path / "file")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: expected a file, got nothing of that name"):
        read_idx(tmp_path / "nowhere")


def test_another_data_type_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes([0, 0, 0x0D, 1, 0, 0, 0, 1]) + bytes(4))
    with pytest.raises(InputError, match=r"expected 00 00 08 and 1 to 4 axes .unsigned bytes., got 00 00 0d 01"):
        read_idx(tmp_path / "file")


def test_a_path_may_be_a_string(tmp_path: Path) -> None:
    write_idx(tmp_path / "a.gz", np.arange(4))
    assert read_idx(str(tmp_path / "a.gz")).tolist() == [0, 1, 2, 3]
