from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from data_files import wav_bytes, write_idx, write_zip

from senpath.data import available, data_root, describe, load, speakers
from senpath.errors import InputError
from senpath.types import Audio


def write_mnist(root: Path, count: int = 3) -> None:
    for part in ("train", "t10k"):
        write_idx(root / f"mnist/{part}-images-idx3-ubyte.gz", np.zeros((count, 28, 28)))
        write_idx(root / f"mnist/{part}-labels-idx1-ubyte.gz", np.arange(count))


def write_emnist(root: Path) -> None:
    """ByClass holds digits 0-9, capitals 10-35 and small letters 36-61; its images lie on their side."""
    images = np.zeros((4, 28, 28))
    images[:, 3, 20] = 200
    for part in ("train", "test"):
        write_idx(root / f"emnist/emnist-byclass-{part}-images-idx3-ubyte.gz", images)
        write_idx(root / f"emnist/emnist-byclass-{part}-labels-idx1-ubyte.gz", np.array([9, 10, 61, 36]))


def write_letters(root: Path, labels: list[int]) -> None:
    for part in ("train", "test"):
        write_idx(root / f"letters/letters-lower-{part}-images-idx3-ubyte.gz", np.zeros((len(labels), 28, 28)))
        write_idx(root / f"letters/letters-lower-{part}-labels-idx1-ubyte.gz", np.array(labels))


def test_an_unknown_name_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="data set 'mnits': expected one of mnist, fashion, lower"):
        load("mnits", root=tmp_path)
    with pytest.raises(InputError, match="data set 'mnits'"):
        describe("mnits", tmp_path)


def test_an_unknown_split_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="split of data set 'omniglot': expected one of train, test, background, evaluation, got 'dev'"):
        load("omniglot", "dev", root=tmp_path)


def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"'mnist': expected the file .*train-images-idx3-ubyte.gz, got nothing .* Set SENPATH_DATA .*senpath data download",
    ):
        load("mnist", root=tmp_path)
    with pytest.raises(InputError, match=r"'speech': expected the file .*free-spoken-digit-dataset.zip, got nothing"):
        speakers(root=tmp_path)


def test_without_any_folder_the_remedy_is_named(home: Path) -> None:
    assert data_root() is None
    with pytest.raises(InputError, match=r"got neither a data folder that is set, nor one in .*. Set SENPATH_DATA"):
        load("mnist")
    assert not any(known.present for known in available())


def test_a_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: expected a folder, got nothing of that name"):
        load("mnist", root=tmp_path / "nowhere")


def test_where_data_is_looked_for(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "embedded").mkdir(parents=True)
    assert data_root() is None, "rendered data alone is no data root"
    (home / "mnist").mkdir()
    assert data_root() == home
    monkeypatch.setenv("SENPATH_DATA", str(tmp_path))
    assert data_root() == tmp_path
    monkeypatch.setenv("SENPATH_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"SENPATH_DATA is not a folder: expected a folder that exists, got .*nowhere"):
        data_root()


def test_available_says_what_is_there(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    found = {known.name: known for known in available(tmp_path)}
    assert [name for name, known in found.items() if known.present] == ["mnist"]
    assert found["mnist"].modality == "image"
    assert "LeCun" in found["mnist"].about


def test_images_and_labels_must_go_together(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    write_idx(tmp_path / "mnist/train-labels-idx1-ubyte.gz", np.arange(2))
    with pytest.raises(InputError, match=r"do not go together: expected \(n, h, w\) and \(n,\), got \(3, 28, 28\) and \(2,\)"):
        load("mnist", root=tmp_path)


def test_letters_are_characters(tmp_path: Path) -> None:
    write_letters(tmp_path, [0, 25, 1])
    x, y = load("lower", root=tmp_path)
    assert x.shape == (3, 28, 28)
    assert y.tolist() == ["a", "z", "b"]
    write_letters(tmp_path, [26])
    with pytest.raises(InputError, match=r"a label of letters-lower-train-labels-idx1-ubyte.gz is out of range: expected 0 to 25, got 26"):
        load("lower", root=tmp_path)


def test_emnist_is_filtered_and_stood_upright(tmp_path: Path) -> None:
    write_emnist(tmp_path)
    x, y = load("emnist-lower", "test", root=tmp_path)
    assert y.tolist() == ["z", "a"]
    assert x.shape == (2, 28, 28)
    assert (x[:, 20, 3] == 200).all()
    assert (x > 0).sum() == 2
    assert load("emnist-upper", root=tmp_path)[1].tolist() == ["A"]


def test_letters_fall_back_to_emnist_and_say_so(tmp_path: Path) -> None:
    write_emnist(tmp_path)
    assert load("lower", root=tmp_path)[1].tolist() == ["z", "a"]
    assert describe("lower", tmp_path).startswith("lower (read from emnist-lower)")
    assert "EMNIST ByClass" in describe("lower", tmp_path)
    write_letters(tmp_path, [7])
    assert load("lower", root=tmp_path)[1].tolist() == ["h"]
    assert "Chars74K" in describe("lower", tmp_path)


def test_spoken_digits_with_either_layout(tmp_path: Path) -> None:
    names = ["recordings/7_ann_0.wav", "recordings/7_ann_4.wav", "recordings/7_bob_5.wav", "recordings/8_ann_12.wav"]
    content = wav_bytes(np.array([0, 16384, -32768]))
    for top in ("", "free-spoken-digit-dataset-1.0.10/"):
        write_zip(tmp_path / "fsdd/free-spoken-digit-dataset.zip", {f"{top}{name}": content for name in [*names, "README.md"]})
        x, y = load("speech", "test", root=tmp_path)
        assert y.tolist() == [7, 7]
        assert isinstance(x[0], Audio)
        assert x[0].rate == 8000
        assert x[0].samples.tolist() == [0, 0.5, -1]
        assert load("speech", root=tmp_path)[1].tolist() == [7, 8]
        assert speakers(root=tmp_path).tolist() == ["bob", "ann"]
        assert len(load("speech", "all", root=tmp_path)[0]) == len(speakers("all", root=tmp_path)) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"RIFF", "0_a_0.wav cannot be read"),
        (wav_bytes(np.zeros(4), channels=2), "of another kind: expected 1 channel of 2 bytes, got 2 of 2"),
    ],
)
def test_a_bad_recording_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    write_zip(tmp_path / "fsdd/free-spoken-digit-dataset.zip", {"recordings/0_a_0.wav": content})
    with pytest.raises(InputError, match=message):
        load("speech", "test", root=tmp_path)


def test_damaged_archives_are_named(tmp_path: Path) -> None:
    for name, file, message in [
        ("speech", "fsdd/free-spoken-digit-dataset.zip", "dataset.zip cannot be read: expected a whole zip file"),
        ("trec", "text/text-tasks.tar.xz", "text-tasks.tar.xz cannot be read: expected a whole tar file"),
        ("semeion", "images/semeion.npz", "semeion.npz: expected a .npz with train_images and train_labels"),
    ]:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(b"something else entirely")
        with pytest.raises(InputError, match=message):
            load(name, root=tmp_path)


def test_a_pickled_object_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    np.savez(tmp_path / "images/semeion.npz", train_images=np.array([{}], dtype=object), train_labels=np.zeros(1))
    with pytest.raises(InputError, match=r"semeion.npz: expected .* no objects.*Object arrays cannot be loaded"):
        load("semeion", root=tmp_path)


def test_a_text_set_drops_what_stands_in_the_test_too(tmp_path: Path) -> None:
    parts = {"train": b"3 Who  was Galileo ?\n1 What fowl ?\n", "test": b"3 who was galileo ?\n5 How caf\xe9 far ?\n"}
    (tmp_path / "text").mkdir()
    with tarfile.open(tmp_path / "text/text-tasks.tar.xz", "w:xz") as archive:
        for split, content in parts.items():
            entry = tarfile.TarInfo(f"text/sent-conv/TREC.{split}.all")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    assert load("trec", root=tmp_path)[0] == ["What fowl ?"]
    x, y = load("trec", "test", root=tmp_path)
    assert x == ["who was galileo ?", "How café far ?"]
    assert y.tolist() == ["human", "number"]
    with pytest.raises(InputError, match=r"'cola' in .*: expected an entry 'CoLA/train.tsv', got none of that name"):
        load("cola", root=tmp_path)


def test_pictures_without_the_split_are_refused(tmp_path: Path) -> None:
    write_zip(tmp_path / "images/clothing96.zip", {"clothing96/test/hat/1.txt": b""})
    with pytest.raises(InputError, match=r"pictures of the split 'train' in .*, got none"):
        load("clothing", root=tmp_path)
    write_zip(tmp_path / "images/clothing96.zip", {"clothing96/train/hat/1.jpg": b"no picture"})
    with pytest.raises(InputError, match=r"hat/1.jpg cannot be read: expected a png or jpeg file"):
        load("clothing", root=tmp_path)
