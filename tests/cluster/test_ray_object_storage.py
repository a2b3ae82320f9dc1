"""Data in object storage, and a network there that workers on Ray learn for."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raising import raises_error
from ray_tasks import write_tasks

import senpath as sp
from benchmarks.cloud.service import SECRET, environment
from senpath.testing import ConstantMethod, tiny_task

pytestmark = pytest.mark.slow("starts an S3 interface, and Ray with its workers")


@pytest.fixture
def tasks(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Addresses of four tasks as objects, and of one as objects below a name for each class."""
    import obstore
    from obstore.store import from_url

    for name, value in environment(moto).items():
        monkeypatch.setenv(name, value)
    bucket, files = from_url("s3://bucket/data", client_options={"allow_http": True}), write_tasks(tmp_path / "data", 4)
    for path in files.values():
        obstore.put(bucket, path.name, path.read_bytes())
    for number, (picture, digit) in enumerate([*zip(*tiny_task("low"), strict=True)][:40]):
        content = io.BytesIO()
        Image.fromarray((picture * 255).astype(np.uint8)).save(content, "PNG")
        obstore.put(bucket, f"pictures/{digit}/{number}.png", content.getvalue())
    return {name: f"s3://bucket/data/{path.name}" for name, path in files.items()} | {"pictures": "s3://bucket/data/pictures/"}


def test_data_is_read_from_object_storage(tasks: dict[str, str]) -> None:
    pictures = sp.read(tasks["pictures"])
    assert (len(pictures), {*pictures.y.tolist()}) == (40, {*"01234"})
    net = sp.Network()
    net.learn("pictures", tasks["pictures"], method=ConstantMethod())
    assert net.tasks["pictures"].examples == 40
    for place, match in [
        ("s3://bucket/data/nowhere.csv", "data s3://bucket/data/nowhere.csv: expected an object, or objects below this name, got nothing"),
        (f"s3://key:{SECRET}@bucket/data", "address of data: expected a place alone"),
    ]:
        with pytest.raises(sp.InputError, match=match) as error:
            sp.read(place)
        assert SECRET not in str(error.value)


def test_tables_in_a_bucket_name_no_files_of_this_machine(tasks: dict[str, str], tmp_path: Path) -> None:
    import obstore
    from obstore.store import from_url

    own = tmp_path / "own.txt"
    own.write_text("nobody's business")
    bucket = from_url("s3://bucket/named", client_options={"allow_http": True})
    for number in range(4):
        obstore.put(bucket, f"{number}.txt", b"a text")
    rows = [f"{number}.txt,{'ab'[number % 2]}" for number in range(4)]
    obstore.put(bucket, "metadata.csv", "\n".join(["file_name,label", *rows]).encode())
    assert len(sp.read("s3://bucket/named")) == 4
    for outside in (str(own), "../" * 20 + str(own)[1:]):
        obstore.put(bucket, "metadata.csv", "\n".join(["file_name,label", *rows, f"{outside},a"]).encode())
        with raises_error(sp.InputError, expected="the name of a file", got="of which there is none"):
            sp.read("s3://bucket/named")
        with raises_error(sp.InputError, expected="the name of a file"):
            sp.Network().learn_many({"named": "s3://bucket/named"}, method=ConstantMethod())


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="senpath[ray] is not installed")
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_network_in_object_storage_is_learned_on_ray(tasks: dict[str, str], with_ray: Any, tmp_path: Path) -> None:
    here = sp.Network(tmp_path / "here")
    here.learn_many(tasks, method=ConstantMethod())
    there = sp.Network("s3://bucket/there.sen")
    there.learn_many(tasks, method=ConstantMethod(), engine="ray")
    assert {name: info.provenance for name, info in there.tasks.items()} == {name: info.provenance for name, info in here.tasks.items()}
    pictures = tiny_task("low")[0]
    answers = [net.predict(pictures) for net in (here, there)]
    assert answers[0].label.tolist() == answers[1].label.tolist()
    np.testing.assert_array_equal(answers[0].confidence, answers[1].confidence)
    _answers_no_file_of_this_machine(with_ray, here, tmp_path)


def _answers_no_file_of_this_machine(ray: Any, net: sp.Network, folder: Path) -> None:
    import obstore
    from obstore.store import from_url

    picture = folder / "own.png"
    Image.fromarray((tiny_task("low")[0][0] * 255).astype(np.uint8)).save(picture)
    (folder / "here.csv").write_text(f"file,note\n{picture},a\n")
    assert sp.predict_dataset(net, folder / "here.csv", errors="raise").take_all()[0]["predicted_task"] is not None
    obstore.put(from_url("s3://bucket/rows", client_options={"allow_http": True}), "there.csv", (folder / "here.csv").read_bytes())
    with pytest.raises((sp.InputError, ray.exceptions.RayError), match="expected the name of a file"):
        sp.predict_dataset(net, "s3://bucket/rows/there.csv", errors="raise").take_all()
