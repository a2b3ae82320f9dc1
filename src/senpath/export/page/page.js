"use strict";
// Runs a network's models with onnxruntime-web. Everything lies in files beside this one as scripts, so that the page also works where it
// is opened from a folder: there a browser reads no other files. It asks no other host for anything.

const SIDE = 280;
const TITLES = { image: "Pictures", table: "Rows", audio: "Sounds", video: "Clips", text: "Texts" };

/** The bytes that a text in base64 stands for. */
function bytes(text) {
  const raw = atob(text), array = new Uint8Array(raw.length);
  for (let place = 0; place < raw.length; place++) array[place] = raw.charCodeAt(place);
  return array;
}

/** An element with properties and children; texts are never read as HTML. */
function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function prepareRuntime() {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = bytes(RUNTIME.wasm).buffer;
  const loader = new Blob([bytes(RUNTIME.loader)], { type: "text/javascript" });
  ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(loader) };
}

/** What a model answers to one input, as plain values. */
async function ask(session, about, tensor) {
  const answers = await session.run({ [about.input.name]: tensor });
  const task = Number(answers.task.data[0]), score = answers.ood_score.data[0];
  if (task < 0) return { task: null, score };
  const { name, kind, classes } = about.tasks[task];
  const chances = classes.map((label, place) => [String(label), answers.probabilities.data[place]]);
  const told = { task: name, kind, score, confidence: answers.confidence.data[0] };
  if (kind === "regression") return { ...told, numbers: classes.map((label, place) => [String(label), answers.numbers.data[place]]) };
  if (kind === "multilabel") return { ...told, label: chances.filter(([, p]) => p > 0.5).map(([label]) => label).join(", ") || "none", chances };
  return { ...told, label: String(classes[Number(answers.label.data[0])]), chances };
}

function show(output, told) {
  const score = `ood score ${told.score.toPrecision(3)}; above 1 nothing fits`;
  if (told.task === null) {
    output.replaceChildren(make("strong", { textContent: "nothing fits" }), make("p", { className: "note", textContent: score }));
    return;
  }
  const label = told.numbers ? told.numbers.map(([name, value]) => (told.numbers.length > 1 ? `${name}: ${value}` : value)).join(", ") : told.label;
  const bars = (told.chances || []).slice().sort((one, other) => other[1] - one[1]).slice(0, 5).map(([name, p]) =>
    make("div", { className: "bar" }, make("span", { textContent: name }), make("meter", { value: p, max: 1 }), make("span", { textContent: p.toFixed(3) })));
  output.replaceChildren(
    make("strong", { textContent: `${told.task}: ${label}` }),
    make("p", { className: "note", textContent: `confidence ${told.confidence.toFixed(3)}, ${score}` }), ...bars);
}

/** A canvas to draw on, or to show a picture that was chosen; gives its pixels. */
function pictureForm(changed) {
  const canvas = make("canvas", { width: SIDE, height: SIDE }), pen = canvas.getContext("2d", { willReadFrequently: true });
  const paper = make("input", { type: "checkbox" }), file = make("input", { type: "file", accept: "image/*" });
  canvas.setAttribute("aria-label", "drawing");
  const wipe = () => {
    canvas.width = canvas.height = SIDE;
    pen.fillStyle = paper.checked ? "#fff" : "#000";
    pen.fillRect(0, 0, SIDE, SIDE);
  };
  let last = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => { last = place(event); canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (last === null) return;
    const next = place(event);
    Object.assign(pen, { strokeStyle: paper.checked ? "#000" : "#fff", lineWidth: SIDE / 12, lineCap: "round" });
    pen.beginPath(); pen.moveTo(...last); pen.lineTo(...next); pen.stroke();
    last = next;
  });
  canvas.addEventListener("pointerup", () => { last = null; changed(); });
  paper.addEventListener("change", wipe);
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    const picture = await createImageBitmap(file.files[0]);
    Object.assign(canvas, { width: picture.width, height: picture.height });
    pen.fillStyle = "#fff";  // what is transparent shows a white ground
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0);
    changed();
  });
  const clear = make("button", { type: "button", textContent: "Clear" });
  clear.addEventListener("click", () => { file.value = ""; wipe(); });
  wipe();
  canvas.style.width = canvas.style.maxWidth = `${SIDE}px`;
  const read = () => {
    const { width, height } = canvas, colours = pen.getImageData(0, 0, width, height).data;
    const pixels = new Uint8Array(width * height * 3);
    for (let place = 0; place < width * height; place++) pixels.set(colours.subarray(4 * place, 4 * place + 3), 3 * place);
    return new ort.Tensor("uint8", pixels, [1, height, width, 3]);
  };
  const form = make("div", {}, canvas, make("label", {}, paper, " dark ink on white"), make("label", {}, "or a picture: ", file));
  return { form, read, buttons: [clear] };
}

/** A field for each column of a table. */
function rowForm(input) {
  const fields = input.columns.map((column) => {
    const words = Object.hasOwn(input.categories, column) && input.categories[column];
    if (!words) return make("input", { type: "number", step: "any", placeholder: "missing", ariaLabel: column });
    const options = [["missing", NaN], ...words.map((word, place) => [word, place]), ["another word", -1]];
    return make("select", { ariaLabel: column }, ...options.map(([text, value]) => make("option", { textContent: text, value })));
  });
  const read = () => {
    const wrong = fields.findIndex((field) => field.validity.badInput);  // its value reads as if nothing had been entered
    if (wrong >= 0) throw new Error(`${input.columns[wrong]}: a number is wanted, or nothing where it is missing`);
    const values = fields.map((field) => (field.value === "" ? NaN : Number(field.value)));
    return new ort.Tensor("float64", Float64Array.from(values), [1, values.length]);
  };
  const cells = fields.map((field, place) => make("label", { className: "cell" }, input.columns[place], field));
  return { form: make("div", {}, ...cells), read };
}

/** A field for the numbers of one encoded input. */
function numbersForm(input) {
  const field = make("textarea", { rows: 4, placeholder: "numbers, with commas or blanks between them", ariaLabel: "numbers" });
  const shape = input.shape.slice(1).map(Number), wanted = shape.reduce((one, other) => one * other, 1);
  const read = () => {
    const values = field.value.split(/[\s,]+/).filter(Boolean).map(Number);
    if (values.length !== wanted || values.some(Number.isNaN)) throw new Error(`${wanted} numbers are wanted, ${values.length} given`);
    return new ort.Tensor("float32", Float32Array.from(values), [1, ...shape]);
  };
  return { form: make("div", {}, make("p", { className: "note", textContent: `This model reads encoded inputs: ${input.is}.` }), field), read };
}

async function present({ about, model }) {
  const section = make("section", {}, make("h2", { textContent: TITLES[about.data_type.modality] ?? about.data_type.modality }));
  const names = about.tasks.map((task) => task.name);
  const shown = names.slice(0, 20).join(", ") + (names.length > 20 ? `, … (${names.length} tasks)` : "");
  section.append(make("p", { className: "note", textContent: `Tasks: ${shown}` }));
  document.getElementById("models").append(section);
  const session = await ort.InferenceSession.create(bytes(model), { executionProviders: ["wasm"] });
  const output = make("output", { ariaLive: "polite" });
  const answer = async () => {
    try {
      show(output, await ask(session, about, read()));
    } catch (error) {
      output.textContent = error.message;
    }
  };
  const pictures = about.input.name === "pictures" && about.input.dtype === "uint8";
  const { form, read, buttons = [] } = pictures ? pictureForm(answer) : about.input.name === "rows" ? rowForm(about.input) : numbersForm(about.input);
  const button = make("button", { type: "button", textContent: "Ask" });
  button.addEventListener("click", answer);
  section.append(form, button, ...buttons, output);
}

async function start() {
  const about = document.getElementById("about");
  try {
    prepareRuntime();
    for (const model of MODELS) await present(model);
    about.textContent = `It runs here, in your browser: nothing that you enter leaves this page. Version ${MODELS[0].about.version}.`;
  } catch (error) {
    about.textContent = `It does not run: ${error.message}`;
  }
  document.body.dataset.ready = "true";
}

start();
