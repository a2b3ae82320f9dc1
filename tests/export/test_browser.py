"""A network in a browser page: opened from its folder, without a server or another host, it answers as it does here."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import senpath as sp
from senpath.testing import tiny_network, tiny_task

try:
    from playwright.sync_api import Page, sync_playwright
except ImportError:
    pytest.skip("the exported page's tests need Playwright: pip install playwright", allow_module_level=True)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("the exported page's tests need Chromium: apt-get install chromium", allow_module_level=True)

pytestmark = pytest.mark.slow("fetches 33 MB of onnxruntime-web, and runs a browser")
RUNTIME = "onnxruntime-web@1.30.0"
RUN = """
async ([key, values, dims]) => {
    const { about, model } = MODELS.find((model) => model.about.data_type.modality === key);
    const session = await ort.InferenceSession.create(bytes(model), { executionProviders: ["wasm"] });
    const { name, dtype } = about.input;
    const array = dtype === "uint8" ? Uint8Array.from(values) : Float64Array.from(values);
    const answers = await session.run({ [name]: new ort.Tensor(dtype, array, dims) });
    return Object.fromEntries(["task", "label", "confidence", "ood_score"].map((name) => [name, Array.from(answers[name].data, Number)]));
}
"""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package onnxruntime-web, as npm has it. Skips if it cannot be fetched."""
    folder = tmp_path_factory.mktemp("npm")
    try:
        subprocess.run(["npm", "pack", RUNTIME], cwd=folder, capture_output=True, check=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"{RUNTIME} cannot be fetched from the npm registry: {type(error).__name__}")
    (packed,) = folder.glob("*.tgz")
    shutil.unpack_archive(packed, folder, filter="data")
    return folder / "package"


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> sp.Network:
    return tiny_network(tmp_path_factory.mktemp("page") / "net.sen", tasks=("low", "high", "iris"))


@pytest.fixture(scope="module")
def site(net: sp.Network, runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    tiny_network(tasks=["iris"]).export_all(folder, page=runtime)
    written = net.export_all(folder, page=runtime, overwrite=True)
    assert {file.name for file in written} == {"index.html", "page.js", "models.js", "runtime.js"}
    return folder


@pytest.fixture
def page(site: Path) -> Iterator[Page]:
    """The page, opened from its folder; in the end it has asked nobody for anything, and said nothing of errors."""
    asked: list[str] = []
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((site / "index.html").as_uri())
        page.wait_for_selector("body[data-ready]", timeout=60_000)
        yield page
        browser.close()
    assert not [url for url in asked if not url.startswith((site.as_uri(), "blob:", "data:"))]
    assert not errors


def assert_same(answers: dict[str, list[float]], expected: sp.Prediction, tasks: list[str]) -> None:
    named = [tasks[int(place)] if place >= 0 else None for place in answers["task"]]
    assert named == expected.task.tolist()
    np.testing.assert_allclose(answers["confidence"], expected.confidence, atol=1e-4)
    np.testing.assert_allclose(answers["ood_score"], expected.ood_score, rtol=1e-4)


def test_answers_in_the_browser(page: Page, net: sp.Network) -> None:
    parts = [tiny_task("low")[0][:30], tiny_task("high")[0][:30], np.random.default_rng(0).random((10, 8, 8))]
    raw = (np.concatenate(parts) * 255).round().astype(np.uint8)
    expected = net.predict(raw)
    assert {*expected.task.tolist()} == {"low", "high", None}
    assert_same(page.evaluate(RUN, ["image", raw.ravel().tolist(), [*raw.shape, 1]]), expected, ["low", "high"])
    rows = np.concatenate([tiny_task("iris")[0][:30], [[1e6, 0, 0, 0]]])
    assert_same(page.evaluate(RUN, ["table", rows.ravel().tolist(), [*rows.shape]]), net.predict(rows), ["iris"])


def test_a_row_and_a_picture_of_a_user(page: Page, net: sp.Network, tmp_path: Path) -> None:
    rows, pictures = page.locator("section", has_text="Rows"), page.locator("section", has_text="Pictures")
    row = tiny_task("iris")[0][0]
    for field, cell in zip(rows.locator("input").all(), row.tolist(), strict=True):
        field.fill(str(cell))
    rows.get_by_role("button", name="Ask").click()
    assert rows.locator("output strong").inner_text() == f"iris: {net.predict(row[None]).label[0]}"
    buffer = io.BytesIO()
    drawn = (tiny_task("low")[0][0] * 255).round().astype(np.uint8)
    Image.fromarray(drawn).save(buffer, "PNG")
    pictures.locator("input[type=file]").set_input_files({"name": "digit.png", "mimeType": "image/png", "buffer": buffer.getvalue()})
    answer = net.predict(drawn[None])
    assert pictures.locator("output strong").inner_text() == f"{answer.task[0]}: {answer.label[0]}"
    rows.locator("input").first.fill("1000000")
    rows.get_by_role("button", name="Ask").click()
    rows.get_by_text("nothing fits", exact=True).wait_for()
    rows.locator("input").first.clear()
    rows.locator("input").first.press_sequentially("1e")
    rows.get_by_role("button", name="Ask").click()
    rows.get_by_text("x0: a number is wanted, or nothing where it is missing").wait_for()


def test_columns_that_are_called_as_something_of_every_object(page: Page) -> None:
    form = """() => [...rowForm(JSON.parse('{"columns": ["constructor", "__proto__"], "categories": {"__proto__": ["a", "b"]}}'))
        .form.querySelectorAll("input, select")].map((field) => field.localName)"""
    assert page.evaluate(form) == ["input", "select"]


def test_what_a_page_needs(net: sp.Network, runtime: Path, tmp_path: Path) -> None:
    with pytest.raises(sp.InputError, match=r"onnxruntime-web in .*: expected its file dist/ort.wasm.min.js, got none. npm install"):
        net.export_all(tmp_path / "site", page=tmp_path)
    with pytest.raises(sp.InputError, match="path of a page: expected a folder, got the file"):
        net.export_all(tmp_path / "all.onnx", page=runtime)
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(sp.InputError, match="expected a page that senpath wrote, to be replaced, got something else"):
        net.export_all(tmp_path, page=runtime, overwrite=True)
    assert [file.name for file in tmp_path.iterdir()] == ["index.html"]
