// The page of `senpath serve`: ask one network, teach it, correct it, look at it. It speaks to the server that it came from and to no
// other, and puts nothing into the document but as text.

// ---------------------------------------------------------------- the document

const $ = (id) => document.getElementById(id);
const PROPERTIES = new Set(["value", "checked", "htmlFor", "disabled", "multiple", "src", "alt", "controls", "max"]);

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name) && name in node) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);
const svg = (tag, properties, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
const button = (words, act, kind = "", more = {}) => h("button", { type: "button", class: kind, onclick: once(act), ...more }, words);

/** An act that is not begun again while it is at work: whoever clicks twice wants it once. */
function once(act) {
  let busy = false;
  return async (...given) => {
    if (busy) return;
    busy = true;
    try {
      await act(...given);
    } finally {
      busy = false;
    }
  };
}

/** Whether a key is Enter, and not the one that takes what an input method offers (229 is what Safari says of that). */
const isEnter = (event) => event.key === "Enter" && !event.isComposing && event.keyCode !== 229;
const say = (words) => ($("said").textContent = words);

let ids = 0;
function field(words, control, hint) {
  control.id ||= `field-${++ids}`;
  const about = hint && h("span", { class: "hint", id: `${control.id}-hint` }, hint);
  if (about) control.setAttribute("aria-describedby", about.id);
  return h("div", { class: "field" }, h("label", { htmlFor: control.id }, words), control, about);
}

function meter(share) {
  const bar = h("i");
  bar.style.width = `${Math.max(0, Math.min(1, share ?? 0)) * 100}%`;
  return h("span", { class: "meter", "aria-hidden": "true" }, bar);
}

const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
const words = (label) => (Array.isArray(label) ? label.map(words).join(", ") || "none of them" : typeof label === "number" && !Number.isInteger(label) ? `${+label.toPrecision(6)}` : `${label}`);
/** What JSON says, with whole numbers as they are: labels beyond 2^53 would be rounded. Browsers before 2025 do not tell how a number was written. */
function exact(text) {
  if (!/[[{,:\s]-?\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text, (name, value, from) => (typeof value === "number" && /^-?\d{16,}$/.test(from?.source) ? whole(from.source) : value));
}
const whole = (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text));
const json = (value) => JSON.stringify(value, (name, part) => (typeof part === "bigint" ? JSON.rawJSON(`${part}`) : part));
const base64 = (buffer) => new Uint8Array(buffer).reduce((text, byte) => text + String.fromCharCode(byte), "");

function percent(share) {
  if (share === null || share === undefined) return "–";
  const whole = Math.round(share * 100);
  return share < 1 && whole === 100 ? "> 99 %" : share > 0 && whole === 0 ? "< 1 %" : `${whole} %`;
}

function ago(time) {
  if (!time) return "";
  const seconds = Math.max(0, (Date.now() - new Date(time)) / 1000);
  if (Number.isNaN(seconds)) return "";
  if (seconds < 60) return "just now";
  const [size, unit] = seconds < 3600 ? [60, "minute"] : seconds < 86_400 ? [3600, "hour"] : [86_400, "day"];
  return `${count(Math.floor(seconds / size), unit)} ago`;
}

function wait(words) {
  return h("p", { class: "wait" }, words);
}

// ---------------------------------------------------------------- the server

const state = { session: {}, tasks: [], network: null, versions: [], version: null };

class Refused extends Error {
  constructor(error, status = 0) {
    super(error.message || error.what || "Something went wrong");
    Object.assign(this, { what: this.message }, error, { status });
  }
}

async function call(path, method = "GET", body = undefined, again = true) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-Senpath-Token"] = state.session.token ?? "";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const text = body === undefined ? undefined : json(body), most = state.session.limits?.body;
  if (text?.length > most) throw new Refused({ what: "This is more than the server takes", expected: `at most ${Math.floor(most / 1e6)} MB`, got: `${Math.ceil(text.length / 1e6)} MB` });
  let response;
  try {
    response = await fetch(path, { method, headers, body: text });
  } catch {
    throw new Refused({ what: "The server cannot be reached", do: "See whether it still runs, then try again" });
  }
  if (response.ok) return response.status === 204 ? null : exact(await response.text());
  const error = (await response.json().catch(() => null))?.error ?? { what: `The server answered ${response.status}` };
  if (response.status === 401 && path !== "session") askForKey();
  if (response.status === 403 && method !== "GET" && again) {
    const before = state.session.token; // a server that was started anew has another token
    state.session = await call("session");
    if (state.session.token !== before) return call(path, method, body, false);
  }
  throw new Refused(error, response.status);
}

/** Items in parts that the server takes, each of a few megabytes at most: a dozen photographs are more than one request may have. */
function inParts(items, sizeOf) {
  const parts = [], most = Math.min(2 ** 24, (state.session.limits?.body ?? Infinity) / 2);
  let room = 0;
  for (const item of items) {
    const size = sizeOf(item);
    if (!parts.length || size > room) parts.push([]), (room = most);
    parts.at(-1).push(item);
    room -= size;
  }
  return parts;
}

function trouble(error) {
  const lines = [["Expected", error.expected], ["Got", error.got], ["What to do", error.do]].filter(([, text]) => text);
  if (!(error instanceof Refused)) console.error(error);
  const what = `${error.what ?? error.message ?? error}`;
  return h("div", { class: "trouble", role: "alert" },
    h("p", { class: "what" }, what.charAt(0).toUpperCase() + what.slice(1)),
    lines.length > 0 && h("dl", {}, lines.map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])));
}

/** Do something, and show in `place` what went wrong, if anything. */
async function trying(place, act) {
  place.replaceChildren();
  try {
    return await act();
  } catch (error) {
    place.replaceChildren(trouble(error));
    place.scrollIntoView?.({ block: "nearest" });
    return undefined;
  }
}

const ENDED = ["done", "failed", "cancelled"], PATIENCE = 60_000, PAUSE = 1_000;

/** Wait until a job has ended; `onstep` is called with it meanwhile. For a minute it does not matter that the server cannot be reached. */
function ended(job, onstep = () => {}) {
  return new Promise((resolve, reject) => {
    const at = `jobs/${encodeURIComponent(job.id)}`, events = new EventSource(`${at}/events`);
    let over = false, lost = 0, waiting;
    const stop = () => (clearTimeout(waiting), events.close(), (over = true));
    const end = (last) => {
      stop();
      if (last.state === "done") resolve(last);
      else reject(new Refused(last.error ?? { what: last.state === "cancelled" ? "Stopped; the network is as it was" : "The work failed" }));
    };
    const look = (last) => over || (ENDED.includes(last.state) ? end(last) : onstep(last));
    for (const name of ["progress", ...ENDED]) events.addEventListener(name, (event) => look(exact(event.data)));
    const later = () => (clearTimeout(waiting), over || (waiting = setTimeout(again, PAUSE)));
    const again = () => call(at).then((last) => {
      lost = 0;
      look(last);
      if (events.readyState === EventSource.CLOSED) later(); // it was refused, by a proxy or a server that is being started anew, and does not begin again by itself
    }, (error) => {
      lost ||= Date.now();
      if (over || (error.status < 500 && error.status > 0) || Date.now() - lost > PATIENCE) stop(), reject(error);
      else later();
    });
    events.onerror = again;
    look(job);
  });
}

const can = (role) => ["read", "teach", "own"].indexOf(state.session.role) >= ["read", "teach", "own"].indexOf(role) && (role === "read" || !state.session.read_only);
/** A label as a task has it: one that it knows, else a number where its labels are numbers. */
function labelOf(task, text) {
  const known = task?.classes.find((label) => words(label) === text);
  const numbers = task?.kind === "regression" || (task?.classes.length > 0 && task.classes.every((label) => ["number", "bigint"].includes(typeof label)));
  if (known !== undefined || !numbers || text === "" || !Number.isFinite(Number(text))) return known ?? text;
  return task.kind !== "regression" && /^-?\d+$/.test(text) ? whole(text) : Number(text);
}
const taskOf = (name) => state.tasks.find((task) => task.name === name);
const modalityOf = (task) => task.modality ?? task.type?.modality;

// ---------------------------------------------------------------- things: what can be shown to the network

/** Each is {modality, input: as the server reads it, thumb: () => Node, words}. */
const things = {
  array(rows) {
    const canvas = h("canvas", { width: rows[0].length, height: rows.length });
    const image = new ImageData(rows[0].length, rows.length);
    rows.flat().forEach((value, place) => {
      const [red, green, blue] = Array.isArray(value) ? value : [value, value, value];
      image.data.set([red, green, blue, 255], place * 4);
    });
    canvas.getContext("2d").putImageData(image, 0, 0);
    const url = canvas.toDataURL();
    return { modality: "image", input: { array: rows }, words: "drawing", thumb: () => h("img", { src: url, alt: "drawing", class: "tiny" }) };
  },
  async picture(blob) {
    const url = URL.createObjectURL(blob);
    const size = await new Promise((resolve) => {
      const image = new Image();
      image.onload = () => resolve(Math.max(image.naturalWidth, image.naturalHeight));
      image.onerror = () => resolve(0); // such as TIFF: the server may read what the browser cannot show
      image.src = url;
    });
    const words = blob.name ?? "picture";
    const thumb = () => (size ? h("img", { src: url, alt: words, class: size < 100 ? "tiny" : "" }) : h("span", { class: "small" }, words));
    return { modality: "image", input: { image: btoa(base64(await blob.arrayBuffer())) }, words, thumb };
  },
  async sound(blob) {
    const { samples, rate } = await samplesOf(blob);
    const wav = wavOf(samples, rate);
    const url = URL.createObjectURL(wav);
    const words = blob.name ?? `sound, ${(samples.length / rate).toFixed(1)} s`;
    return { modality: "audio", input: { audio: btoa(base64(await wav.arrayBuffer())) }, words, url, thumb: () => wave(samples, words) };
  },
  async clip(blob) {
    const url = URL.createObjectURL(blob), words = blob.name ?? "clip";
    const moving = { src: url, preload: "auto", muted: true, loop: true, playsinline: true, "aria-label": words };
    const thumb = () => (blob.type === "image/gif" ? h("img", { src: url, alt: words }) : h("video", moving));
    return { modality: "video", input: { video: btoa(base64(await blob.arrayBuffer())) }, words, thumb };
  },
  /** A clip as numbers: its first frame, the one in the middle and the last. */
  frames(frames) {
    const pictures = frames.map((rows) => things.array(rows).thumb());
    const thumb = () => h("span", { class: "frames", role: "img", "aria-label": "clip" }, [...new Set([0, Math.floor(pictures.length / 2), pictures.length - 1])].map((place) => pictures[place].cloneNode()));
    return { modality: "video", input: { video: frames }, words: "clip", thumb };
  },
  text: (text) => ({ modality: "text", input: { text }, words: text, thumb: () => h("span", {}, text) }),
  row(row) {
    const words = Object.entries(row).map(([name, value]) => `${name} ${value ?? "missing"}`).join(", ");
    return { modality: "table", input: { row }, words, thumb: () => h("span", {}, words) };
  },
  async file(file) {
    if (file.type.startsWith("video/") || /\.(mp4|m4v|mov|webm|mkv|avi)$/i.test(file.name ?? "")) return things.clip(file);
    if (file.type.startsWith("audio/") || /\.(wav|flac|ogg|oga|mp3|m4a|opus)$/i.test(file.name ?? "")) return things.sound(file);
    if (file.type.startsWith("text/") || /\.(txt|md)$/i.test(file.name ?? "")) return things.text((await file.text()).trim());
    if (file.type.startsWith("image/") || /\.(png|jpe?g|gif|bmp|tiff?|webp)$/i.test(file.name ?? "")) return things.picture(file);
    throw new Refused({ what: `The file ${file.name}`, expected: "a picture, a sound, a clip or a text", got: file.type || "another kind of file" });
  },
  /** What the server kept, as it came. */
  async kept(path) {
    const response = await fetch(path);
    if (!response.ok) throw new Refused({ what: "An example that is gone" }, response.status);
    const type = response.headers.get("Content-Type") ?? "";
    if (!type.includes("json")) return type.startsWith("text/") ? things.text(await response.text()) : things.file(await response.blob());
    const value = exact(await response.text());
    if (value.video) return things.frames(value.video);
    const inner = value.array ?? value.row ?? value;
    if (typeof inner === "string" || value.text) return things.text(value.text ?? inner);
    return Array.isArray(inner) && Array.isArray(inner[0]) ? things.array(inner) : things.row(inner);
  },
};

async function samplesOf(blob) {
  const context = new AudioContext();
  try {
    const heard = await context.decodeAudioData(await blob.arrayBuffer());
    const rate = 16_000; // the highest that a network listens at
    const offline = new OfflineAudioContext(1, Math.max(1, Math.ceil(Math.min(heard.duration, 30) * rate)), rate);
    const source = offline.createBufferSource();
    source.buffer = heard;
    source.connect(offline.destination);
    source.start();
    return { samples: quietEndsOff((await offline.startRendering()).getChannelData(0), rate), rate };
  } catch {
    throw new Refused({ what: "This sound cannot be read", expected: "a sound file such as wav, flac, ogg or mp3", do: "Record it anew, or save it as wav" });
  } finally {
    context.close();
  }
}

/** Without the silence before and after: what is within 40 dB of the loudest stays, and a twentieth of a second around it. */
function quietEndsOff(samples, rate) {
  const floor = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 100;
  const first = samples.findIndex((value) => Math.abs(value) > floor);
  const last = samples.findLastIndex((value) => Math.abs(value) > floor);
  return first < 0 ? samples : samples.slice(Math.max(0, first - rate / 20), last + rate / 20);
}

/** A mono WAV file of 16 bits. */
function wavOf(samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const put = (place, text) => [...text].forEach((letter, index) => view.setUint8(place + index, letter.charCodeAt(0)));
  put(0, "RIFF"); put(8, "WAVEfmt "); put(36, "data");
  view.setUint32(4, 36 + 2 * samples.length, true);
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // one channel
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, index) => view.setInt16(44 + 2 * index, Math.max(-1, Math.min(1, value)) * 32_767, true));
  return new Blob([view], { type: "audio/wav" });
}

function wave(samples, words) {
  const bars = 48, size = Math.max(1, Math.floor(samples.length / bars));
  const peaks = Array.from({ length: bars }, (_, bar) => samples.subarray(bar * size, (bar + 1) * size).reduce((most, value) => Math.max(most, Math.abs(value)), 0));
  const loudest = Math.max(...peaks, 1e-6);
  const path = peaks.map((peak, bar) => `M${bar * 4 + 2} ${32 - 29 * (peak / loudest) - 1}V${32 + 29 * (peak / loudest) + 1}`).join("");
  return svg("svg", { viewBox: "0 0 192 64", class: "wave", role: "img", "aria-label": words },
    svg("path", { d: path, stroke: "currentColor", "stroke-width": 2.4, "stroke-linecap": "round" }));
}

// ---------------------------------------------------------------- drawing by hand

/** The picture type of the network, as far as a drawing has to know it. */
function pictureType() {
  const type = state.tasks.find((task) => modalityOf(task) === "image")?.type;
  const shape = type?.shape ?? [1, 28, 28];
  return shape.length === 3 ? { height: shape[1], width: shape[2] } : { height: 224, width: 224 };
}

/** What a browser keeps; null where it was told to keep nothing. */
function stored(act) {
  try {
    return act() ?? null;
  } catch {
    return null;
  }
}

/** Whether strokes are light on dark: what a network was taught shows in which of the two it knows better; asked once, and remembered. */
const ground = {
  get place() { return `senpath.ground.${state.session.name ?? ""}`; },
  get known() { return this.here ?? stored(() => localStorage.getItem(this.place)); },
  set(value) {
    this.here = value;
    stored(() => localStorage.setItem(this.place, value));
  },
  async find(sketch) {
    if (this.known) return this.known;
    if (sketch.empty || !state.tasks.some((task) => modalityOf(task) === "image")) return "dark";
    const [dark, light] = await Promise.all(["dark", "light"].map(async (name) => {
      const answer = (await call("explain", "POST", { input: { array: sketch.pixels(name) } })).answer;
      return answer.ood_score ?? Infinity;
    }));
    const better = light < dark ? "light" : "dark";
    if (Math.min(dark, light) <= 1) this.set(better);
    return better;
  },
};

class Sketch {
  constructor(onchange) {
    this.strokes = [];
    this.onchange = onchange;
    this.canvas = h("canvas", { role: "img", "aria-label": "Sheet to draw on with a mouse, a pen or a finger. With a keyboard, choose Picture." });
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => this.end());
    this.canvas.addEventListener("mousedown", (event) => event.preventDefault()); // leaves the focus on the button beside it
    new ResizeObserver(() => this.show()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.show());
  }

  get empty() { return this.strokes.length === 0; }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  begin(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.stroke = [this.place(event)];
    this.strokes.push(this.stroke);
    this.show();
  }

  go(event) {
    if (!this.stroke) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const one of passed.length ? passed : [event]) this.stroke.push(this.place(one));
    this.show();
  }

  end() {
    if (!this.stroke) return;
    this.stroke = null;
    this.onchange();
  }

  undo() { this.strokes.pop(); this.show(); this.onchange(); }

  clear() { this.strokes = []; this.show(); this.onchange(); }

  show() {
    const scale = Math.min(3, devicePixelRatio || 1), box = this.canvas.getBoundingClientRect();
    const width = Math.round(box.width * scale), height = Math.round(box.height * scale);
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    trace(pen, this.strokes, getComputedStyle(this.canvas).color, 0.045 * width, ([x, y]) => [x * width, y * height]);
    this.canvas.parentNode?.querySelector("p")?.toggleAttribute("hidden", !this.empty);
  }

  /** Whole numbers 0 … 255 (height, width) of the network's size: centred, as large as handwritten digits and letters are in data sets. */
  pixels(groundName) {
    const { height, width } = pictureType(), side = Math.min(height, width);
    const points = this.strokes.flat(), [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const zoom = (0.64 * side) / Math.max(right - left, bottom - top, 0.12);
    const fit = ([x, y]) => [(x - (left + right) / 2) * zoom + width / 2, (y - (top + bottom) / 2) * zoom + height / 2];
    const [paper, ink] = groundName === "light" ? ["#fff", "#000"] : ["#000", "#fff"];
    const finer = side < 100 ? 4 : 1; // averaged afterwards, which is smoother than what a canvas does at this size
    const pen = h("canvas", { width: width * finer, height: height * finer }).getContext("2d", { willReadFrequently: true });
    pen.fillStyle = paper;
    pen.fillRect(0, 0, width * finer, height * finer);
    trace(pen, this.strokes, ink, 0.085 * side * finer, (point) => fit(point).map((value) => value * finer));
    const { data } = pen.getImageData(0, 0, width * finer, height * finer);
    const mean = (x, y) => {
      let sum = 0;
      for (let dy = 0; dy < finer; dy++) for (let dx = 0; dx < finer; dx++) sum += data[4 * ((y * finer + dy) * width * finer + x * finer + dx)];
      return Math.round(sum / finer ** 2);
    };
    return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (__, x) => mean(x, y)));
  }
}

function trace(pen, strokes, colour, width, fit) {
  Object.assign(pen, { strokeStyle: colour, fillStyle: colour, lineWidth: width, lineCap: "round", lineJoin: "round" });
  for (const stroke of strokes) {
    const points = stroke.map(fit);
    pen.beginPath();
    if (points.length === 1) {
      pen.arc(...points[0], width / 2, 0, 2 * Math.PI);
      pen.fill();
      continue;
    }
    pen.moveTo(...points[0]);
    for (let i = 1; i < points.length - 1; i++) {
      pen.quadraticCurveTo(...points[i], (points[i][0] + points[i + 1][0]) / 2, (points[i][1] + points[i + 1][1]) / 2);
    }
    pen.lineTo(...points.at(-1));
    pen.stroke();
  }
}

// ---------------------------------------------------------------- the composer: where a person shows something

const SORTS = { image: ["a picture", "pictures"], audio: ["a sound", "sounds"], video: ["a clip", "clips"], text: ["a text", "texts"], table: ["a row", "rows"] };
const MODES = { draw: ["Draw", "image"], picture: ["Picture", "image"], sound: ["Sound", "audio"], clip: ["Clip", "video"], text: ["Text", "text"], row: ["Row", "table"] };

class Composer {
  /**
   * @param verb words of the button, a function.
   * @param live called with a drawing whenever its pen rests; absent where nothing is to happen by itself.
   * @param take called with a thing, or several in turn, that the person wants taken.
   * @param lasting whether what was shown stays after it was taken.
   */
  constructor(host, { name, verb, live, take, lasting, cleared = () => {}, columns = null }) {
    Object.assign(this, { name, verb, live, take, lasting, cleared, columns, thing: null });
    this.sketch = new Sketch(() => this.drawn());
    this.modes = h("fieldset", { class: "modes" });
    this.panels = h("div");
    this.trouble = h("div");
    this.go = button("", () => { this.press(); }, "main"); // not awaited: another thing may be asked about before the answer comes
    host.append(this.modes, this.panels, this.trouble, h("p", { class: "actions" }, this.go));
    for (const name of ["dragenter", "dragover"]) host.addEventListener(name, (event) => (event.preventDefault(), host.classList.add("over")));
    for (const name of ["dragleave", "drop"]) host.addEventListener(name, () => host.classList.remove("over"));
    host.addEventListener("drop", (event) => (event.preventDefault(), this.files([...event.dataTransfer.files])));
    document.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length && host.offsetParent) this.files([...event.clipboardData.files]);
    });
  }

  offer(names) {
    const key = names.join();
    if (this.offered !== key) {
      this.offered = key;
      const radios = names.map((mode) => h("label", {},
        h("input", { type: "radio", name: `${this.name}-mode`, value: mode, onchange: () => (this.choose(mode), this.sketch.empty || mode !== "draw" ? this.cleared() : this.drawn()) }), h("span", {}, MODES[mode][0])));
      this.modes.replaceChildren(h("legend", { class: "unseen" }, "What do you have?"), ...radios);
      this.choose(names.includes(this.mode) ? this.mode : names[0]);
    }
    this.words();
  }

  words() {
    this.go.textContent = this.verb();
  }

  choose(mode) {
    if (!mode) return;
    this.mode = mode;
    this.thing = null;
    const radio = this.modes.querySelector(`[value="${mode}"]`);
    if (radio) radio.checked = true;
    this.trouble.replaceChildren();
    this.panels.replaceChildren(this[`${mode}Panel`]());
    this.words();
  }

  drawPanel() {
    this.small = h("canvas", { width: 28, height: 28, role: "img", "aria-label": "The drawing as the network sees it" });
    const swap = button("Swap", async () => {
      ground.set((await ground.find(this.sketch)) === "dark" ? "light" : "dark");
      this.drawn();
    }, "plain small", { "aria-label": "Swap black and white in what the network sees", title: "Swap black and white" });
    return h("div", {},
      h("div", { class: "sheet" }, this.sketch.canvas, h("p", { hidden: !this.sketch.empty }, "Draw here")),
      h("div", { class: "under" },
        button("Undo stroke", () => this.sketch.undo(), "small"), button("Clear", () => this.sketch.clear(), "small"),
        h("span", { class: "seen" }, h("span", { class: "words" }, "the network sees"), this.small, swap)));
  }

  async drawn() {
    clearTimeout(this.resting);
    if (this.sketch.empty) {
      this.small?.getContext("2d").clearRect(0, 0, this.small.width, this.small.height);
      this.cleared();
      return;
    }
    const thing = await trying(this.trouble, () => this.drawing());
    if (thing && this.live) this.resting = setTimeout(() => this.live(thing), 350);
  }

  async drawing() {
    const rows = this.sketch.pixels(await ground.find(this.sketch));
    Object.assign(this.small, { width: rows[0].length, height: rows.length });
    const image = new ImageData(rows[0].length, rows.length);
    rows.flat().forEach((value, place) => image.data.set([value, value, value, 255], 4 * place));
    this.small.getContext("2d").putImageData(image, 0, 0);
    return things.array(rows);
  }

  chooser(words, accept) {
    const input = h("input", { type: "file", accept, multiple: !this.lasting, "aria-label": words, onchange: () => (this.files([...input.files]), (input.value = "")) });
    return h("span", { class: "button file" }, words, input);
  }

  picturePanel() {
    this.shown = h("div", { class: "shown" });
    return h("div", { class: "drop" }, this.shown, this.chooser(this.lasting ? "Choose a picture" : "Choose pictures", "image/*"), h("p", { class: "hint" }, "or drop it here, or paste it"));
  }

  soundPanel() {
    this.shown = h("div", { class: "shown" });
    const record = button("Record", () => this.record(record), "record", { "aria-pressed": "false" });
    return h("div", { class: "drop" }, this.shown, record, this.chooser(this.lasting ? "Choose a sound" : "Choose sounds", "audio/*"), h("p", { class: "hint" }, "or drop it here; silence at both ends is cut off"));
  }

  clipPanel() {
    this.shown = h("div", { class: "shown" });
    return h("div", { class: "drop" }, this.shown, this.chooser(this.lasting ? "Choose a clip" : "Choose clips", "video/*,image/gif"), h("p", { class: "hint" }, "or drop it here; some seconds are enough"));
  }

  textPanel() {
    this.text = h("textarea", {
      rows: 6,
      onkeydown: (event) => { if (isEnter(event) && (event.ctrlKey || event.metaKey || !this.lasting) && !event.shiftKey) { event.preventDefault(); this.press(); } },
    });
    return field("Text", this.text, this.lasting ? "Ctrl and Enter asks." : "Enter adds it; Shift and Enter starts a new line.");
  }

  rowPanel() {
    const tables = [...new Map(state.tasks.filter((task) => modalityOf(task) === "table" && task.type?.columns).map((task) => [task.type.key, task])).values()];
    this.inputs = new Map();
    const fields = h("div", { class: "fields" });
    const show = (columns) => {
      this.inputs.clear();
      fields.replaceChildren(...columns.map(({ name, form, values, mean }) => {
        const control = values
          ? h("select", {}, h("option", { value: "" }, "choose"), values.map((value) => h("option", { value }, value)))
          : h("input", { type: "text", inputmode: form === "numbers" ? "decimal" : "text", autocomplete: "off", placeholder: mean === null || mean === undefined ? "" : `about ${+mean.toPrecision(3)}` });
        control.addEventListener("keydown", (event) => isEnter(event) && this.press());
        this.inputs.set(name, control);
        return field(name, control);
      }));
    };
    const parts = [];
    if (this.lasting && tables.length > 1) {
      const chosen = h("select", { onchange: () => show(tables[chosen.selectedIndex].type.columns) }, tables.map((task) => h("option", {}, `as in ${task.name}`)));
      parts.push(field("Which table", chosen));
    }
    if (!this.lasting) {
      const split = () => names.value.split(",").map((name) => name.trim()).filter(Boolean);
      const names = h("input", { type: "text", autocomplete: "off", placeholder: "height, width, colour", onchange: () => show(split().map((name) => tables.flatMap((task) => task.type.columns).find((column) => column.name === name) ?? { name })) });
      names.value = (tables[0]?.type.columns ?? []).map((column) => column.name).join(", ");
      parts.push(field("Columns", names, "Their names, with commas between."));
    }
    if (tables[0]) show(tables[0].type.columns);
    return h("div", { class: "kinds" }, parts, fields);
  }

  row() {
    const values = [...this.inputs].map(([name, { value }]) => [name, value.trim()]);
    if (values.every(([, value]) => value === "")) throw new Refused({ what: values.length ? "All fields are empty" : "There are no columns yet", expected: "at least one value; what is not known may stay empty" });
    return things.row(Object.fromEntries(values.map(([name, value]) => [name, value === "" ? null : value]))); // numbers are read there as those of a file are, and 007 stays a word
  }

  async files(files) {
    await trying(this.trouble, async () => {
      for (const file of files) {
        const thing = await (this.mode === "clip" && file.type === "image/gif" ? things.clip(file) : things.file(file));
        const mode = { image: "picture", audio: "sound", video: "clip", text: "text" }[thing.modality];
        if (!this.offered.split(",").includes(mode)) {
          throw new Refused({ what: `The network reads no ${mode} yet`, expected: `${this.offered.split(",").map((name) => MODES[name][0].toLowerCase()).join(", ")}`, got: file.name });
        }
        if (this.mode !== mode) this.choose(mode);
        await this.received(thing);
      }
    });
  }

  /** A picture or a sound came: it is asked about, or added, at once. */
  async received(thing) {
    if (this.lasting) {
      this.thing = thing;
      if (thing.modality === "text") this.text.value = thing.words;
      else this.shown.replaceChildren(fill(thing.thumb(), { controls: thing.modality === "video" }, []), thing.url ? h("audio", { controls: true, src: thing.url }) : "");
    }
    await this.take(thing);
  }

  async record(control) {
    if (this.recorder) return this.recorder.stop();
    return trying(this.trouble, async () => {
      let stream;
      try {
        stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      } catch {
        throw new Refused({ what: "The microphone cannot be used", do: "Allow it in the browser (it needs https, or this very machine), or choose a sound file" });
      }
      const pieces = [], recorder = (this.recorder = new MediaRecorder(stream)), begun = Date.now();
      const tell = () => (control.textContent = `Stop (${Math.round((Date.now() - begun) / 1000)} s)`);
      const clock = setInterval(() => (tell(), Date.now() - begun > 10_000 && recorder.stop()), 250);
      control.setAttribute("aria-pressed", "true");
      tell();
      recorder.ondataavailable = (event) => pieces.push(event.data);
      recorder.onstop = () => {
        clearInterval(clock);
        stream.getTracks().forEach((track) => track.stop());
        this.recorder = null;
        control.textContent = "Record";
        control.setAttribute("aria-pressed", "false");
        trying(this.trouble, async () => this.received(await things.sound(new Blob(pieces, { type: recorder.mimeType }))));
      };
      recorder.start();
    });
  }

  async press() {
    await trying(this.trouble, async () => {
      const thing = await this.current();
      await this.take(thing);
      if (this.lasting) return;
      if (this.mode === "draw") this.sketch.clear();
      if (this.mode === "text") (this.text.value = ""), this.text.focus();
      if (this.mode === "row") for (const control of this.inputs.values()) control.value = "";
      if (this.mode === "row") this.inputs.values().next().value?.focus();
    });
  }

  async current() {
    if (this.mode === "draw" && !this.sketch.empty) {
      clearTimeout(this.resting);
      return this.drawing();
    }
    if (this.mode === "text" && this.text.value.trim()) return things.text(this.text.value.trim());
    if (this.mode === "row") return this.row();
    if (this.thing && this.mode !== "text") return this.thing;
    const wanted = { draw: "Draw something first", text: "Type something first", picture: "Choose a picture first", clip: "Choose a clip first", sound: "Record or choose a sound first" };
    throw new Refused({ what: wanted[this.mode] ?? "There is nothing yet" });
  }
}

// ---------------------------------------------------------------- the network, drawn

/** Lanes to show: those that ran, what they borrow from, then others of the same sort, then the latest; in the order of learning. */
function lanesOf(pathways, ran, most) {
  const wanted = new Set(ran), sort = modalityOf(taskOf(ran[0]) ?? {});
  for (const path of pathways) if (ran.includes(path.task)) path.links.forEach((link) => wanted.add(link.from));
  const same = (path) => modalityOf(taskOf(path.task) ?? {}) === sort;
  for (const path of [...pathways.filter((path) => !same(path)), ...pathways.filter(same)].reverse()) if (wanted.size < most) wanted.add(path.task);
  return pathways.filter((path) => wanted.has(path.task));
}

/**
 * Draw the tasks' pathways: the dispatcher at the left, components as dots (of one size for each tenfold of weights), links dashed.
 *
 * @param answer what lights up: the pathway of its task, another candidate's and what they borrow from more faintly.
 */
function drawNetwork(host, answer = null, most = 8, legend = answer ? { lit: "ran and answered", near: "ran besides", link: "borrows" } : { link: "borrows" }) {
  const graph = state.network?.graph;
  if (!graph?.pathways.length) return host.replaceChildren(h("p", { class: "soft" }, "There is no task yet, so nothing to go through."));
  const ran = answer?.ran?.tasks ?? [], sources = answer?.ran?.sources ?? [], lanes = lanesOf(graph.pathways, [...ran, ...sources], most);
  const rank = (task) => (task === answer?.task ? "lit" : ran.includes(task) || sources.includes(task) ? "near" : "");
  const width = Math.max(280, host.clientWidth), narrow = width < 640, step = narrow ? 36 : 44;
  const names = width < 420 ? 116 : narrow ? 144 : 210, left = narrow ? 34 : 70, right = width - names, height = lanes.length * step + 12;
  const depth = Math.max(...lanes.map((path) => path.components.length));
  const x = (place) => left + ((place + 1) * (right - 26 - left)) / (depth + 0.35);
  const laneY = new Map(lanes.map((path, lane) => [path.task, lane * step + step / 2 + 6]));
  const weights = new Map(graph.components.map((component) => [component.id, component.weights]));
  const users = new Map(), column = new Map();
  lanes.forEach((path) => path.components.forEach((id, place) => {
    users.set(id, [...(users.get(id) ?? []), laneY.get(path.task)]);
    column.set(id, Math.max(place, column.get(id) ?? 0));
  }));
  const y = (id) => users.get(id).reduce((sum, value) => sum + value, 0) / users.get(id).length;
  const start = [narrow ? 10 : 16, height / 2];
  const curve = ([ax, ay], [bx, by]) => `M${ax} ${ay}C${(ax + bx) / 2} ${ay} ${(ax + bx) / 2} ${by} ${bx} ${by}`;
  const lines = [], links = [], dots = new Map(), texts = [];
  const light = (id, kind) => (kind === "lit" || !dots.get(id)) && dots.set(id, kind);
  for (const path of lanes) {
    const kind = rank(path.task), end = [right - 12, laneY.get(path.task)];
    const stops = [start, ...path.components.map((id) => [x(column.get(id)), y(id)]), end];
    const upTo = (place) => stops.slice(1, place).map((stop, before) => curve(stops[before], stop)).join("");
    // Of a task that is only borrowed from, no more runs than what is read of it.
    const read = Math.max(0, ...lanes.filter((other) => ran.includes(other.task)).flatMap((other) => other.links.filter((link) => link.from === path.task))
      .flatMap((link) => link.reads.map((id) => path.components.indexOf(id) + 1)));
    const whole = ran.includes(path.task) || kind === "lit", reach = whole ? stops.length : read ? read + 1 : 0;
    lines.push(["", svg("path", { d: upTo(stops.length) })]);
    if (reach) lines.push([kind || "near", svg("path", { d: upTo(reach), class: kind === "lit" ? "lit run" : "near", pathLength: kind === "lit" ? 1 : undefined })]);
    path.components.forEach((id, place) => light(id, place + 1 < reach ? kind || "near" : ""));
    for (const link of new Map(path.links.map((link) => [link.from, link])).values()) {
      const from = link.reads.filter((id) => column.has(id)).at(-1);
      if (from) links.push([kind, svg("path", { d: curve([x(column.get(from)), y(from)], end), class: `link ${whole ? kind : ""}` })]);
    }
    const likely = answer && answer.task !== null && ran.includes(path.task) ? share(answer, path.task) : null;
    const most = Math.floor((names - (likely === null ? 4 : 52)) / 8);
    const short = path.task.length > most ? `${path.task.slice(0, most - 1)}…` : path.task;
    texts.push(svg("text", { x: right, y: end[1] + 5, class: kind }, svg("title", {}, path.task), likely === null ? short : `${short}  ${percent(likely)}`));
  }
  const order = (entries) => entries.sort((a, b) => ["", "near", "lit"].indexOf(a[0]) - ["", "near", "lit"].indexOf(b[0])).map(([, node]) => node);
  const size = (id) => Math.max(4, Math.min(8, 1.2 * Math.log10(Math.max(10, weights.get(id) ?? 10))));
  const circles = [...dots].map(([id, kind]) => [kind, svg("circle", { cx: x(column.get(id)), cy: y(id), r: size(id), class: kind })]);
  const begin = [svg("circle", { cx: start[0], cy: start[1], r: 13, class: "halo" }), svg("circle", { cx: start[0], cy: start[1], r: 6.5, class: answer ? "lit" : "" })];
  const hidden = graph.pathways.length - lanes.length;
  const about = answer ? told(answer) : `${count(graph.pathways.length, "task")}: ${lanes.map((path) => path.task).join(", ")}`;
  host.replaceChildren(
    svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": about }, order(links), order(lines), order(circles), begin, texts),
    h("ul", { class: "key" },
      Object.entries(legend).filter(([kind]) => kind !== "link" || links.length).map(([kind, text]) => h("li", {}, svg("svg", { viewBox: "0 0 30 8", "aria-hidden": "true" }, svg("path", { d: "M2 4H28", class: kind })), text)),
      hidden > 0 && h("li", {}, `and ${count(hidden, "more task", "more tasks")}`)));
  return undefined;
}

/** How likely a task is, from the probabilities of its labels. */
function share(answer, task) {
  const known = answer.top.filter((entry) => entry.task === task);
  return known.length ? Math.min(1, known.reduce((sum, entry) => sum + entry.probability, 0)) : null;
}

function told(answer) {
  const ran = answer.ran ?? { tasks: [], sources: [], weights: 0, of: 0 };
  const path = answer.task === null ? "Nothing fits, so no pathway answered." : `The pathway of ${answer.task} answered.`;
  const besides = ran.tasks.filter((task) => task !== answer.task);
  return [path, besides.length && `${besides.join(", ")} ran besides.`, ran.sources.length && `Borrowed from ${ran.sources.join(", ")}.`].filter(Boolean).join(" ");
}

// ---------------------------------------------------------------- 1. ask, and 3. correct

const ask = {
  turn: 0,

  start() {
    this.composer = new Composer($("ask-composer"), {
      name: "ask", lasting: true, verb: () => "Ask",
      live: (thing) => this.of(thing, true),
      take: (thing) => this.of(thing, false),
      cleared: () => this.clear(),
    });
    new ResizeObserver(() => this.current !== undefined && this.graph()).observe($("ask-graph"));
  },

  show() {
    const modalities = new Set(state.tasks.map(modalityOf));
    const modes = Object.keys(MODES).filter((mode) => modalities.has(MODES[mode][1]));
    this.composer.offer(modes.length ? modes : Object.keys(MODES));
    if (!this.current) this.clear();
    this.graph();
  },

  clear() {
    this.turn++;
    this.current = null;
    $("answer-more").replaceChildren();
    const empty = state.tasks.length === 0;
    $("answer-body").replaceChildren(empty
      ? h("div", { class: "wait" }, h("p", {}, "The network has learned nothing yet. ", h("a", { href: "#teach" }, "Teach it a first task.")))
      : wait("The answer comes here."));
    this.graph();
  },

  /** Ask; what is still being drawn is only explained, so that half a letter is neither counted nor kept. */
  async of(thing, live) {
    const turn = ++this.turn;
    $("answer-body").classList.add("busy");
    if (!this.current) $("answer-body").replaceChildren(wait("Looking …"));
    try {
      const told = live ? await call("explain", "POST", { input: thing.input }) : await call("predict", "POST", { input: thing.input });
      if (turn !== this.turn) return;
      const kept = live && this.current?.thing.modality === thing.modality;
      this.current = { thing, answer: told.answer ?? told.answers[0], version: told.version, explained: live ? told : null };
      this.render(null, kept);
      this.graph();
      if (!live) $("answer").scrollIntoView({ block: "nearest" });
    } catch (error) {
      if (turn !== this.turn) return;
      this.current = null;
      $("answer-more").replaceChildren();
      error.what = error.what?.replace(/^(\w+ )?input 0/, "this input"); // the only one
      $("answer-body").replaceChildren(trouble(error));
    } finally {
      if (turn === this.turn) $("answer-body").classList.remove("busy");
    }
  },

  graph() {
    if (!$("ask").hidden) drawNetwork($("ask-graph"), this.current?.answer ?? null, 7);
  },

  /** @param kept whether a correction that is being filled in stays: an answer that comes late takes nothing away. */
  render(note = null, kept = false) {
    const { answer, version } = this.current, at = `version ${version}`;
    const body = answer.task === null ? this.none(answer) : this.some(answer);
    $("answer-body").replaceChildren(...[note && h("p", { class: "note" }, note), ...body].filter(Boolean));
    if (kept && $("answer-more").querySelector(".fix")) {
      $("answer-more").querySelector(".actions > span").textContent = at;
      return;
    }
    const more = h("div");
    const why = button("Why?", () => this.why(more, why), "", { "aria-expanded": "false" });
    const fix = can("teach") && button(answer.task === null ? "It should know this" : "Not right?", () => this.correct(more, fix), "", { "aria-expanded": "false" });
    $("answer-more").replaceChildren(h("p", { class: "actions" }, why, fix, h("span", { class: "soft small" }, at)), more);
  },

  some(answer) {
    const label = words(answer.label), number = answer.confidence, of = taskOf(answer.task)?.kind === "regression" ? " of the task" : "";
    const said = new Set([answer.label, label].flat().map(words));
    const others = answer.top.filter((entry) => entry.task !== answer.task || !said.has(words(entry.label))).filter((entry) => entry.probability >= 0.005).slice(0, 4);
    return [
      h("p", { class: label.length > 40 ? "said longer" : label.length > 6 ? "said long" : "said" }, h("bdi", {}, label)),
      h("p", { class: "from" }, "from ", h("strong", {}, answer.task)),
      this.missing(answer),
      h("div", { class: "sure" }, h("p", {}, h("span", {}, (number >= 0.9 ? "Sure" : number >= 0.6 ? "Fairly sure" : "Not sure") + of), h("b", {}, percent(number))), meter(number)),
      others.length > 0 && h("ul", { class: "others", "aria-label": "Also possible" }, others.map((entry) => h("li", {},
        h("span", { class: "words" }, h("b", {}, words(entry.label)), h("span", { class: "soft" }, ` ${entry.task}`)), meter(entry.probability), h("span", {}, percent(entry.probability))))),
    ];
  },

  none(answer) {
    const times = answer.ood_score, far = Number.isFinite(times) && times > 1, [guess] = answer.top;
    return [
      h("p", { class: "said long" }, "Nothing fits"),
      h("p", { class: "from words" }, far
        ? `It is ${times >= 10 ? Math.round(times) : times.toFixed(1)} times as far from what the network has learned as it accepts, so it does not guess.`
        : answer.reason ?? "The network would rather say nothing than guess."),
      this.missing(answer),
      guess && h("p", { class: "guess" }, "Had it to guess: ", h("strong", {}, words(guess.label)), h("span", { class: "soft" }, ` from ${guess.task}`)),
    ];
  },

  missing({ gaps }) {
    return gaps && h("p", { class: "soft small words" }, `Nothing was given for ${gaps.join(", ")}: a usual value stood in.`);
  },

  async why(place, control) {
    if (!this.toggle(place, control)) return;
    await trying(place, async () => {
      const asked = this.current;
      asked.explained ??= await call("explain", "POST", { input: asked.thing.input });
      if (asked !== this.current) return;
      const { tasks, links, text, answer } = asked.explained, ran = answer.ran ?? asked.answer.ran;
      const likely = tasks.filter((task) => task.probability !== null).sort((a, b) => b.probability - a.probability).slice(0, 5);
      const borrowed = links.map((link) => this.borrowed(link));
      place.replaceChildren(h("div", { class: "why" },
        likely.length > 0 && h("div", {}, h("h3", {}, "Which task it looks like"), h("ul", {}, likely.map((task) => h("li", {}, h("bdi", {}, task.task), meter(task.probability), h("span", { class: "num" }, percent(task.probability)))))),
        borrowed.length > 0 && h("div", {}, h("h3", {}, "What it borrowed"), h("ul", { class: "plainly" }, borrowed.map((line) => h("li", {}, line)))),
        ran && h("p", { class: "soft" }, `${told(asked.answer)} ${ran.weights.toLocaleString("en")} of ${ran.of.toLocaleString("en")} weights ran, ${percent(ran.weights / Math.max(1, ran.of))}.`),
        text && h("details", {}, h("summary", {}, "In full"), h("pre", { tabindex: "0", role: "region", "aria-label": "The whole explanation" }, text))));
    });
  },

  borrowed({ from, label, output, added }) {
    const known = label === null ? `What ${from} knows` : `What ${from} knows of “${words(label)}”`;
    return `${known} speaks ${added >= 0 ? "for" : "against"} “${words(output)}”${added === null ? "" : `, by ${Math.abs(added).toFixed(2)}`}.`;
  },

  toggle(place, control) {
    const open = control.getAttribute("aria-expanded") !== "true";
    for (const other of $("answer-more").querySelectorAll("[aria-expanded]")) other.setAttribute("aria-expanded", "false");
    control.setAttribute("aria-expanded", `${open}`);
    place.replaceChildren();
    return open;
  },

  correct(place, control) {
    if (!this.toggle(place, control)) return;
    const { answer, thing } = this.current;
    const fitting = state.tasks.filter((task) => modalityOf(task) === thing.modality && (thing.modality !== "table" || this.fitsTable(task, thing)));
    const choices = h("div"), out = h("div");
    const chosen = h("select", { onchange: () => this.labels(choices, out, chosen.value) },
      fitting.map((task) => h("option", { value: task.name, selected: task.name === answer.task }, task.name)), h("option", { value: "" }, "none of these: something new"));
    place.replaceChildren(h("div", { class: "fix" }, h("h3", {}, "What is right?"), field("Task", chosen), choices, out));
    this.labels(choices, out, chosen.value);
    chosen.focus();
  },

  fitsTable: (task, thing) => task.type?.columns?.every((column) => Object.hasOwn(thing.input.row, column.name)) ?? false,

  /** The labels that can be right: those of a task, one that it does not have yet, or a name for a new task. */
  labels(place, out, name) {
    const task = taskOf(name), { answer } = this.current;
    if (!task) return this.somethingNew(place, out);
    const send = (label) => this.send(out, name, label);
    const other = h("input", { type: "text", autocomplete: "off" });
    const given = () => {
      const text = other.value.trim();
      if (!text) return other.focus();
      const labels = text.split(",").map((one) => labelOf(task, one.trim()));
      if (task.kind === "multilabel") return send(labels);
      return send(task.kind === "regression" && labels.length > 1 ? labels : labelOf(task, text));
    };
    other.addEventListener("keydown", (event) => isEnter(event) && given());
    const several = task.kind !== "classification";
    const buttons = several ? [] : task.classes.slice(0, 60).map((label) => button(words(label), () => send(label), "", { "aria-current": name === answer.task && words(label) === words(answer.label) ? "true" : undefined }));
    const asked = { regression: "The right number", multilabel: "The right labels, with commas between" }[task.kind] ?? "Or another label";
    place.replaceChildren(
      buttons.length > 0 && h("div", { class: "choices", role: "group", "aria-label": "The right label" }, buttons),
      field(asked, other), h("p", { class: "actions" }, button("Learn it so", given, "main")));
    return undefined;
  },

  async send(out, task, label) {
    const asked = this.current, { thing } = asked;
    if (asked.sent) return; // the second of two clicks
    asked.sent = true;
    await trying(out, async () => {
      out.replaceChildren(h("p", { class: "soft", role: "status" }, "Learning …"), h("progress", { "aria-label": "Learning" }));
      const { job } = await call(`tasks/${encodeURIComponent(task)}`, "PATCH", { examples: [{ input: thing.input, label }] });
      const last = await ended(job);
      await refresh(last.result?.version);
      out.replaceChildren();
      if (this.current !== asked) return say(`Learned as an example of ${words(label)}`); // something else is asked about by now
      await this.of(thing, true);
      if (!this.current) return undefined;
      const now = this.current.answer, right = now.task === task && words(now.label) === words(label);
      const but = taskOf(task)?.kind === "regression" ? "" : "; one is not enough to change the answer yet";
      const note = right ? `Learned: this is ${words(label)} now` : `Learned as an example of ${words(label)}${but}`;
      this.render(last.result?.changed === false ? "The network found that this example changes nothing" : note);
      return say(note);
    });
    asked.sent = false;
  },

  async somethingNew(place, out) {
    const name = h("input", { type: "text", autocomplete: "off" }), label = h("input", { type: "text", autocomplete: "off" });
    const drafts = await call("drafts").then((list) => list.drafts, () => []);
    const known = h("datalist", { id: `drafts-${++ids}` }, drafts.map((draft) => h("option", { value: draft.task })));
    name.setAttribute("list", known.id);
    const keep = async () => trying(out, async () => {
      if (!name.value.trim() || !label.value.trim()) throw new Refused({ what: "A name is missing", expected: "what the new task is called, and what this is" });
      const draft = drafts.find((one) => one.task === name.value.trim()) ?? (await call("drafts", "POST", { task: name.value.trim() }));
      await call(`drafts/${encodeURIComponent(draft.id)}/examples`, "POST", { examples: [{ input: this.current.thing.input, label: label.value.trim() }] });
      out.replaceChildren(h("p", { role: "status" }, "Kept as an example of a new task. ", h("a", { href: "#teach", onclick: () => teach.open(draft.id) }, "Go on teaching it")));
    });
    place.replaceChildren(known, field("Name of the new task", name, "Examples are collected until there are enough to learn from."), field("What it is", label), h("p", { class: "actions" }, button("Keep it", keep, "main")));
  },
};

// ---------------------------------------------------------------- 2. teach

const ENOUGH = 5;

const teach = {
  kinds: [],
  draft: null,
  queue: Promise.resolve(),

  start() {
    const body = $("teach-body");
    this.name = h("input", { type: "text", autocomplete: "off", placeholder: "for example: my signs", onchange: () => this.changed() });
    this.earlier = h("div");
    this.list = h("div", { class: "kinds", role: "radiogroup", "aria-label": "Kinds to tell apart" });
    this.score = h("div", { "aria-live": "polite" });
    this.out = h("div");
    const left = h("div", { class: "card" }, h("h2", {}, "Show an example"), h("p", { class: "soft small below" }, "Let each be a little different, as they will be later: the network takes these for all there is."));
    this.learnButton = button("Learn it", () => this.learn(), "main");
    this.form = h("div", {},
      h("div", { class: "card" }, field("What is the new task called?", this.name), this.earlier),
      h("div", { class: "stack" },
        h("div", { class: "steps" }, left,
          h("div", {}, this.list, h("p", { class: "actions" }, button("Add another kind", () => this.add().input.focus()), button("Start over", () => this.over(), "plain")))),
        h("div", { class: "card" }, h("h2", {}, "How well would it do?"), this.score, h("p", { class: "actions" }, this.learnButton)),
        this.out));
    this.composer = new Composer(left, { name: "teach", lasting: false, verb: () => `Add to “${this.labelOf(this.here)}”`, take: (thing) => this.take(thing) });
    body.append(this.form);
    this.form.children[1].classList.add("after");
    this.reset();
  },

  show() {
    const closed = !can("teach");
    this.form.hidden = closed;
    $("teach-body").querySelector(".closed")?.remove();
    if (closed) {
      const why = state.session.read_only ? "The server was started to answer only; whoever runs it can change that." : "Your key lets you ask, not teach. Whoever runs the server can give you one that does.";
      $("teach-body").append(h("div", { class: "card empty closed" }, h("h2", {}, "Teaching is closed"), h("p", {}, why)));
      return;
    }
    const modes = Object.keys(MODES);
    this.composer.offer(modes);
    this.tell();
    this.showEarlier();
  },

  reset() {
    Object.assign(this, { draft: null, kinds: [], gone: [] });
    this.list.replaceChildren();
    this.out.replaceChildren();
    this.name.value = "";
    this.add();
    this.add();
    this.choose(this.kinds[0]);
    this.composer.words();
    this.checked = null;
    this.tell();
  },

  async over() {
    const { draft } = this;
    this.reset();
    if (draft) await call(`drafts/${encodeURIComponent(draft.id)}`, "DELETE").catch(() => null);
    this.showEarlier();
    this.name.focus();
  },

  async showEarlier() {
    const drafts = await call("drafts").then((list) => list.drafts, () => []);
    const others = drafts.filter((draft) => draft.id !== this.draft?.id);
    this.earlier.replaceChildren(others.length ? h("p", { class: "actions" }, h("span", { class: "soft small" }, "Begun earlier:"), others.slice(0, 6).map((draft) => button(draft.task, () => this.open(draft.id), "small"))) : "");
  },

  async open(id) {
    await trying(this.out, async () => {
      const draft = await call(`drafts/${encodeURIComponent(id)}`);
      this.reset();
      this.list.replaceChildren();
      this.kinds = [];
      this.draft = { id: draft.id, task: draft.task };
      this.name.value = draft.task;
      for (const example of draft.examples) {
        const name = words(example.label), kind = this.kinds.find((one) => one.input.value === name) ?? this.add(name);
        kind.examples.push({ n: example.n, thing: await things.kept(`drafts/${encodeURIComponent(id)}/examples/${example.n}`) });
      }
      while (this.kinds.length < 2) this.add();
      this.kinds.forEach((kind) => kind.refresh());
      this.choose(this.kinds[0]);
      const last = this.kinds.flatMap((kind) => kind.examples).at(-1)?.thing.modality;
      this.composer.choose({ image: "draw", audio: "sound", video: "clip", text: "text", table: "row" }[last] ?? "draw");
      this.changed();
      this.showEarlier();
    });
  },

  labelOf(kind) {
    return kind?.input.value.trim() || `kind ${this.kinds.indexOf(kind) + 1}`;
  },

  add(name = "") {
    const kind = { examples: [], label: null };
    kind.input = h("input", { type: "text", value: name, autocomplete: "off", placeholder: `kind ${this.kinds.length + 1}`, oninput: () => this.choose(kind), onchange: () => this.renamed(kind) });
    kind.radio = h("input", { type: "radio", name: "teach-kind", onchange: () => this.choose(kind) });
    kind.list = h("ul", { class: "examples" });
    kind.told = h("span");
    const drop = button("Remove", () => this.remove(kind), "plain small");
    kind.node = h("div", { class: "kind", onpointerdown: () => this.choose(kind) },
      h("header", {}, field("Name of this kind", kind.input), h("label", { class: "pick" }, kind.radio, "add here")),
      kind.list, h("footer", {}, kind.told, drop));
    kind.refresh = () => this.refreshKind(kind, drop);
    for (const event of ["dragenter", "dragover"]) kind.node.addEventListener(event, (drag) => (drag.preventDefault(), kind.node.classList.add("over")));
    for (const event of ["dragleave", "drop"]) kind.node.addEventListener(event, () => kind.node.classList.remove("over"));
    kind.node.addEventListener("drop", (drag) => (drag.preventDefault(), this.choose(kind), this.composer.files([...drag.dataTransfer.files])));
    this.kinds.push(kind);
    this.list.append(kind.node);
    this.choose(kind);
    this.kinds.forEach((one) => one.refresh());
    return kind;
  },

  refreshKind(kind, drop) {
    const name = this.labelOf(kind), n = kind.examples.length;
    const free = Math.max(0, ENOUGH - n);
    const plain = kind.examples.every((example) => ["image", "audio", "video"].includes(example.thing.modality));
    kind.list.replaceChildren(...kind.examples.map((example, place) => {
      const written = !["image", "audio", "video"].includes(example.thing.modality);
      return h("li", {}, h("span", { class: written ? "thumb text" : "thumb" }, example.thing.thumb()),
        button("×", () => this.takeOff(kind, example), "off", { "aria-label": `Remove example ${place + 1} of ${name}` }));
    }), ...(plain ? Array.from({ length: free }, () => h("li", { class: "free", "aria-hidden": "true" })) : []));
    kind.told.textContent = n >= ENOUGH ? count(n, "example") : `${n} of ${ENOUGH} examples`;
    kind.radio.setAttribute("aria-label", `Add examples to ${name}`);
    drop.setAttribute("aria-label", `Remove ${name}`);
    drop.hidden = this.kinds.length <= 2;
  },

  choose(kind) {
    this.here = kind;
    for (const one of this.kinds) {
      one.node.classList.toggle("here", one === kind);
      one.radio.checked = one === kind;
    }
    if (this.composer?.mode) this.composer.words();
  },

  take(thing) {
    const used = this.kinds.flatMap((kind) => kind.examples)[0]?.thing.modality;
    if (used && used !== thing.modality) throw new Refused({ what: "The examples of one task are all of one sort", expected: SORTS[used][1], got: SORTS[thing.modality][0] });
    const example = { thing, n: null };
    this.here.examples.push(example);
    this.here.refresh();
    say(`${this.labelOf(this.here)}: ${count(this.here.examples.length, "example")}`);
    this.changed();
  },

  takeOff(kind, example) {
    kind.examples = kind.examples.filter((one) => one !== example);
    if (example.n !== null) this.gone.push(example.n);
    kind.refresh();
    kind.input.focus();
    this.changed();
  },

  remove(kind) {
    for (const example of kind.examples) this.takeOff(kind, example);
    this.kinds = this.kinds.filter((one) => one !== kind);
    kind.node.remove();
    this.kinds.forEach((one) => one.refresh());
    this.choose(this.kinds[0]);
    this.kinds[0].input.focus();
    this.changed();
  },

  renamed(kind) {
    kind.refresh();
    this.composer.words();
    this.changed();
  },

  /** Bring the draft on the server to what is on the page, then ask how well it would do. */
  changed() {
    this.checked = null;
    this.tell();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.queue = this.queue.then(() => this.sync())), 300);
  },

  async sync() {
    await trying(this.out, async () => {
      const examples = this.kinds.flatMap((kind) => kind.examples.map((example) => ({ example, label: this.labelOf(kind) })));
      if (!examples.length && !this.draft) return;
      const task = this.name.value.trim() || this.draft?.task || "new task", old = this.draft?.task === task ? null : this.draft;
      if (this.draft === null || old) {
        this.draft = { id: (await call("drafts", "POST", { task })).id, task };
        examples.forEach(({ example }) => (example.n = null)); // of a draft by another name, all go into this one
        this.gone = [];
      }
      const at = `drafts/${encodeURIComponent(this.draft.id)}/examples`;
      for (const { example, label } of examples) {
        if (example.n !== null && example.label !== undefined && example.label !== label) {
          this.gone.push(example.n);
          example.n = null;
        }
        example.label = label;
      }
      const fresh = examples.filter(({ example }) => example.n === null);
      for (const part of inParts(fresh, ({ example }) => json(example.thing.input).length)) {
        const { added } = await call(at, "POST", { examples: part.map(({ example, label }) => ({ input: example.thing.input, label })) });
        part.forEach(({ example }, place) => (example.n = added[place]));
      }
      while (this.gone.length) await call(`${at}/${this.gone.pop()}`, "DELETE");
      if (old) await call(`drafts/${encodeURIComponent(old.id)}`, "DELETE").catch(() => null);
      if (this.missing()) return;
      this.checked = await call(`drafts/${encodeURIComponent(this.draft.id)}/check`, "POST", {});
    });
    this.tell();
  },

  missing() {
    const counts = new Map(); // two kinds of one name are one
    for (const kind of this.kinds) counts.set(this.labelOf(kind), (counts.get(this.labelOf(kind)) ?? 0) + kind.examples.length);
    const ready = [...counts.values()].filter((n) => n >= 2).length;
    if (ready >= 2) return null;
    return "Give at least two kinds two examples each, better five. Then it says here how well it would tell them apart.";
  },

  tell() {
    const missing = this.missing(), check = this.checked;
    this.learnButton.setAttribute("aria-disabled", missing ? "true" : "false");
    if (missing) return this.score.replaceChildren(h("p", { class: "soft" }, missing));
    if (!check) return this.score.replaceChildren(h("p", { class: "soft" }, "Trying it out …"));
    if (check.accuracy === null) return this.score.replaceChildren(h("p", { class: "soft" }, check.reason ?? "It cannot be said yet."));
    const each = Object.entries(check.per_class ?? {}), guessing = each.length > 0 && check.accuracy <= 1 / each.length;
    this.score.replaceChildren(
      h("p", { class: "score" }, h("strong", {}, percent(check.accuracy)), h("span", {}, `right, when each of the ${check.examples} examples is left out in turn and told from the others.`)),
      each.length > 0 && h("ul", { class: "others broad" }, each.map(([label, value]) => h("li", {}, h("b", { class: "words" }, label), meter(value), h("span", {}, percent(value))))),
      h("p", { class: "soft small words" }, [guessing && "That is no better than guessing: the examples of a kind have too little in common yet. More of them may help.", nearest(check), check.reason].filter(Boolean).join(" ")));
    return undefined;
  },

  async learn() {
    await trying(this.out, async () => {
      if (this.missing()) throw new Refused({ what: "Too few examples", expected: "two kinds with two examples each, better five" });
      const name = this.name.value.trim();
      if (!name) {
        this.name.focus();
        throw new Refused({ what: "The task has no name", do: "Write at the top what it is called" });
      }
      clearTimeout(this.timer);
      await (this.queue = this.queue.then(() => this.sync()));
      if (this.out.childNodes.length) return;
      const stage = h("p", { class: "soft", role: "status" }, "Beginning …"), bar = h("progress", { "aria-label": `Learning ${name}` });
      const { job } = await call(`tasks/${encodeURIComponent(name)}`, "POST", { draft: this.draft.id });
      const stop = button("Stop", () => call(`jobs/${encodeURIComponent(job.id)}`, "DELETE").catch(() => null), "small");
      this.out.replaceChildren(h("div", { class: "card" }, h("h2", {}, `Learning “${name}”`), stage, bar, h("p", { class: "actions" }, stop)));
      const last = await ended(job, ({ state: now, progress }) => {
        stage.textContent = now === "queued" ? "Waiting for its turn …" : progress?.stage ? `${progress.stage} …` : "Learning …";
        if (progress?.total) Object.assign(bar, { max: progress.total, value: progress.done });
        else bar.removeAttribute("value");
      });
      await refresh(last.result.version);
      this.succeeded(name, last.result);
    });
  },

  succeeded(name, result) {
    const links = result.links ?? [];
    const borrowed = links.slice(0, 24).map(({ from, label, to }) => h("li", { class: "tag" }, `${words(to)} from ${from} “${words(label)}”`));
    const graph = h("div", { class: "graph" });
    const undoing = h("div");
    const panel = h("div", { class: "card done" },
      h("h2", { tabindex: "-1" }, `Learned “${name}”`),
      h("p", { class: "soft" }, [result.seconds !== undefined && `in ${result.seconds.toFixed(1)} s`, result.weights && `${count(result.weights, "weight")} of its own`, `version ${result.version ?? state.version}`].filter(Boolean).join(" · ")),
      result.read_as && h("p", { class: "soft" }, `Its examples: ${result.read_as}.`),
      result.warning && h("p", {}, result.warning),
      borrowed.length ? [h("h3", {}, "What it borrowed"), h("ul", { class: "borrowed" }, borrowed, links.length > 24 && h("li", { class: "tag" }, `and ${links.length - 24} more`))] : h("p", {}, "It borrowed from no earlier task: none helped."),
      graph,
      h("p", { class: "actions" },
        h("a", { class: "button", href: "#ask" }, "Ask it something"),
        can("teach") && button("Undo", () => trying(undoing, async () => {
          if (await undo(result.before ?? result.version - 1, result.version, `“${name}”`)) panel.replaceWith(h("p", { class: "card", role: "status" }, `“${name}” is gone again; its examples are still here.`));
        })),
        button("Teach something else", () => (this.reset(), this.showEarlier(), this.name.focus()), "plain")),
      undoing);
    this.out.replaceChildren(panel);
    drawNetwork(graph, { task: name, top: [], ran: { tasks: [name], sources: [...new Set(links.map((link) => link.from))] } }, 6, { lit: "its pathway", link: "borrows" });
    panel.querySelector("h2").focus();
    say(`Learned ${name}`);
    // The draft went into the task. What is on the page can be changed and learned anew under another name.
    this.draft = null;
    this.kinds.flatMap((kind) => kind.examples).forEach((example) => (example.n = null));
    this.gone = [];
  },
};

/** What a draft's examples have to do with what the network knows. */
function nearest({ nearest_task: task, nearest_share: share }) {
  if (!task) return null;
  return share > 0.5 ? `Beware: ${percent(share)} of the examples could belong to ${task}, which the network knows already.` : `The earlier task most like it is ${task}.`;
}

// ---------------------------------------------------------------- 4. the inbox

const inbox = {
  start() {},

  async show(note = null) {
    const body = $("inbox-body"), told = note ?? this.told; // what was done last stays until something else is
    this.told = told;
    const inside = body.contains(document.activeElement);
    await this.fill(body);
    if (inside) $("inbox-title").focus({ preventScroll: true });
    if (told) body.prepend(h("div", { class: "card note" }, told));
  },

  async fill(body) {
    if (!can("teach")) return body.replaceChildren(h("div", { class: "card empty" }, h("h2", {}, "The inbox is closed"), h("p", {}, "Looking at it takes a key that may teach, on a server that is not read-only.")));
    return trying(body, async () => {
      const kept = await call("inbox");
      badge(kept.count ?? 0);
      if (!kept.on) return body.replaceChildren(h("div", { class: "card empty" }, h("h2", {}, "The inbox is off"), h("p", {}, "Nothing that people ask is kept. Whoever runs the server can turn it on with --inbox; then inputs that fit nothing wait here, as they came.")));
      if (!kept.groups.length) return body.replaceChildren(h("div", { class: "card empty" }, h("h2", {}, "Nothing waits"), h("p", {}, "Whatever the network cannot place will be kept here, as it came.")));
      const full = `${count(kept.count, "input")} of at most ${kept.limit.inputs.toLocaleString("en")}, kept as they came, unencrypted`;
      return body.replaceChildren(
        h("p", { class: "actions" }, h("span", { class: "soft small" }, full), button("Empty the inbox", () => this.empty(), "plain small")),
        h("div", { class: "groups" }, kept.groups.map((group) => this.group(group))));
    });
  },

  async empty() {
    if (!(await confirmed("Empty the inbox?", "Everything in it is deleted. What the network has learned stays.", "Empty it"))) return;
    await trying($("inbox-body"), () => call("inbox", "DELETE"));
    await this.show();
  },

  group(group) {
    const examples = h("ul", { class: "examples" }), out = h("div");
    for (const id of group.examples) {
      const item = h("li", {}, h("span", { class: "thumb" }));
      examples.append(item);
      things.kept(`inbox/${encodeURIComponent(id)}`).then((thing) => {
        const written = ["text", "table"].includes(thing.modality);
        const off = button("×", () => trying(out, async () => (await call(`inbox/${id}`, "DELETE"), this.show())), "off", { "aria-label": `Delete ${thing.words.slice(0, 40)}`, title: "Delete it" });
        item.replaceChildren(h("span", { class: written ? "thumb text" : "thumb" }, thing.thumb()), off);
        if (thing.url) item.append(h("audio", { controls: true, src: thing.url, "aria-label": "Listen" }));
      }, () => item.remove());
    }
    const near = group.nearest.map((one) => one.task), one = group.size === 1;
    const why = near.length > 1 ? `Between ${near[0]} and ${near[1]}.` : near.length ? `Fits nothing; ${near[0]} is the nearest.` : "Fits nothing.";
    const label = h("input", { type: "text", autocomplete: "off" });
    const fitting = state.tasks.filter((task) => modalityOf(task) === group.modality);
    const into = h("select", { onchange: () => (naming.hidden = into.value !== "") }, h("option", { value: "" }, "a new task"), fitting.map((task) => h("option", { value: task.name }, task.name)));
    const name = h("input", { type: "text", autocomplete: "off" }), naming = field("Name of the new task", name);
    const send = once(() => trying(out, async () => {
      if (!label.value.trim() || (!into.value && !name.value.trim())) throw new Refused({ what: "A name is missing", expected: "what these are, and which task they go to" });
      const body = { name: into.value || name.value.trim(), label: labelOf(taskOf(into.value), label.value.trim()), into: into.value || null };
      const made = await call(`inbox/groups/${encodeURIComponent(group.id)}`, "POST", body);
      await this.sent(out, made, body);
    }));
    return h("form", { class: "card group", onsubmit: (event) => (event.preventDefault(), send()) },
      h("h2", {}, count(group.size, "input"), group.size > 1 ? " alike" : ""),
      h("p", { class: "soft small words" }, why),
      examples,
      h("div", { class: "kinds" }, field(one ? "What is it?" : "What are they?", label), field(one ? "It goes to" : "They go to", into), naming),
      h("p", { class: "actions" }, h("button", { class: "main", type: "submit" }, one ? "Name it" : "Name the group")), out);
  },

  async sent(out, { job, draft }, { name, label, into }) {
    if (job) {
      out.replaceChildren(h("p", { class: "soft", role: "status" }, "Learning …"), h("progress", { "aria-label": "Learning" }));
      await refresh((await ended(job)).result.version);
    }
    const told = job
      ? h("p", { role: "status" }, `${into} has these as “${words(label)}” now.`)
      : h("p", { role: "status" }, `Begun: “${name}”, with these as “${words(label)}”. It needs a second kind. `, h("a", { href: "#teach", onclick: () => teach.open(draft.id) }, "Go on teaching it"));
    await this.show(told);
    say(told.textContent);
  },
};

function badge(waiting) {
  $("inbox-count").hidden = !waiting;
  $("inbox-count").textContent = waiting;
  $("inbox-count").setAttribute("aria-label", `, ${count(waiting, "input")} waiting`);
}

// ---------------------------------------------------------------- 5. the network

const overview = {
  start() {
    this.graph = h("div", { class: "graph" });
    new ResizeObserver(() => !$("network").hidden && drawNetwork(this.graph, null, 24)).observe(this.graph);
  },

  async show() {
    const body = $("network-body");
    const activity = await call("activity").catch(() => null);
    const { network, tasks } = state;
    if (!network) return;
    const total = network.weights?.total ?? 0;
    $("network-lede").textContent = tasks.length ? "Each task has a pathway of its own. What was learned once is never changed by what comes later." : "It has learned nothing yet.";
    const measured = tasks.filter((task) => task.accuracy !== null && task.accuracy !== undefined);
    const answered = activity ? Object.values(activity.answers).reduce((sum, n) => sum + n, 0) : null;
    keepFocus(body, "network-title", () => body.replaceChildren(
      h("dl", { class: "card stats" }, [
        ["Version", state.version], ["Tasks", tasks.length], ["Weights", total.toLocaleString("en")],
        ["Mean accuracy", measured.length ? percent(measured.reduce((sum, task) => sum + task.accuracy, 0) / measured.length) : "–"],
        activity && ["Answers", answered.toLocaleString("en")],
        activity?.milliseconds && ["Half within", `${Math.max(1, Math.round(activity.milliseconds.p50))} ms`],
      ].filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, `${value}`)))),
      h("div", { class: "stack after" },
        tasks.length > 0 && h("div", { class: "card" }, h("h2", { class: "quiet" }, "Pathways"), this.graph),
        tasks.length > 0 && this.tasks(activity),
        activity && answered > 0 && this.activity(activity, answered),
        activity && this.drift(activity),
        this.versions(),
        h("p", {}, h("a", { class: "button", href: "report", target: "_blank", rel: "noopener" }, "Open the whole report")))));
    drawNetwork(this.graph, null, 24);
  },

  tasks(activity) {
    const columns = ["Task", "Reads", "Labels", "Examples", "Accuracy", "Borrows from", activity && "Answers", can("teach") && ""].filter((name) => name !== null && name !== false && name !== undefined);
    const out = h("div");
    const rows = state.tasks.map((task) => {
      const labels = task.classes ?? [];
      const reads = SORTS[modalityOf(task)]?.[1] ?? modalityOf(task);
      const few = labels.slice(0, 8).map(words).join(", ") + (labels.length > 8 ? ` … (${labels.length})` : "");
      const cells = [["Reads", reads], ["Labels", task.kind === "regression" ? "a number" : few, "labels"], ["Examples", task.examples?.toLocaleString("en") ?? "–", "num"], ["Accuracy", task.accuracy === null || task.accuracy === undefined ? "not measured" : percent(task.accuracy), "num"], ["Borrows from", (task.links ?? []).join(", ") || "–"]];
      if (activity) cells.push(["Answers", (Object.hasOwn(activity.answers, task.name) ? activity.answers[task.name] : 0).toLocaleString("en"), "num"]);
      const acts = can("teach") && h("td", { class: "acts" },
        button("Edit", () => this.edit(task, out), "plain small", { "aria-label": `Edit ${task.name}` }),
        can("own") && button("Remove", () => this.remove(task.name, out), "plain small", { "aria-label": `Remove ${task.name}` }));
      return h("tr", {}, h("th", { scope: "row" }, h("bdi", {}, task.name), task.description && h("p", { class: "soft about" }, task.description)), cells.map(([name, text, kind]) => h("td", { class: kind, "data-name": name }, text)), acts);
    });
    return h("div", { class: "card" }, h("h2", { class: "quiet", id: "tasks-title" }, "Tasks"), out,
      h("div", { class: "scroll" }, h("table", { class: "stacking", "aria-labelledby": "tasks-title" },
        h("thead", {}, h("tr", {}, columns.map((name) => (name ? h("th", { scope: "col", class: ["Examples", "Accuracy", "Answers"].includes(name) ? "num" : "" }, name) : h("td"))))), h("tbody", {}, rows))));
  },

  /** Another name, which an owner gives, and words on what the task is for. */
  async edit(task, out) {
    const said = await edited(task, can("own"));
    if (said === null) return;
    await trying(out, async () => {
      const at = `tasks/${encodeURIComponent(task.name)}`;
      if (said.description !== task.description) await call(`${at}/description`, "PUT", { description: said.description });
      if (said.name !== task.name) await call(`${at}/name`, "PUT", { name: said.name });
      await refresh();
    });
  },

  async remove(name, out) {
    if (!(await confirmed(`Remove “${name}”?`, "Its answers go; tasks that borrow from it keep what they borrowed. Undo brings it back while the version before is kept.", "Remove it"))) return;
    await trying(out, async () => {
      await call(`tasks/${encodeURIComponent(name)}`, "DELETE");
      await refresh();
    });
  },

  activity(activity, answered) {
    const entries = Object.entries(activity.answers).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]).slice(0, 12);
    return h("div", { class: "card" }, h("h2", { class: "quiet" }, `What it answered since the server started, ${ago(activity.since)}`),
      h("ul", { class: "others broad" }, entries.map(([name, n]) => h("li", {}, h("b", { class: "words" }, name || "nothing fitted"), meter(n / answered), h("span", {}, n.toLocaleString("en"))))));
  },

  drift(activity) {
    const { limits, tasks } = activity.ood ?? { limits: [], tasks: {} };
    const entries = Object.entries(tasks).map(([name, counts]) => [name, counts, counts.reduce((sum, n) => sum + n, 0)]).filter(([, , all]) => all > 0).sort((a, b) => b[2] - a[2]).slice(0, 12);
    const edge = limits.indexOf(1) + 1;
    return h("div", { class: "card" }, h("h2", { class: "quiet" }, "Drift"),
      h("p", {}, "How far inputs are from what each task was learned from. What lies beyond the line fits nothing; if that grows, the world has changed and the task needs new examples."),
      entries.length ? h("div", { class: "histories" }, entries.map(([name, counts, all]) => this.history(name, counts, all, edge))) : h("p", { class: "soft" }, "Nothing was asked since the server started."));
  },

  history(name, counts, all, edge) {
    const most = Math.max(...counts), wide = 200 / counts.length, beyond = counts.slice(edge).reduce((sum, n) => sum + n, 0) / all;
    const bars = counts.map((n, place) => svg("rect", { x: place * wide + 1, y: 76 - (72 * n) / most, width: wide - 2, height: Math.max(n ? 2 : 0, (72 * n) / most), rx: 2, class: place >= edge ? "beyond" : "" }));
    const told = `${percent(beyond)} of ${count(all, "input")} beyond`;
    return h("figure", {}, h("h3", {}, h("bdi", {}, name)),
      svg("svg", { viewBox: "0 0 200 76", preserveAspectRatio: "none", role: "img", "aria-label": `${name}: ${told}` }, bars, svg("line", { x1: edge * wide, x2: edge * wide, y1: 0, y2: 76 })),
      h("figcaption", { class: "soft small" }, told));
  },

  versions() {
    const out = h("div"), kept = new Set(state.network.versions ?? []);
    const rows = state.versions.slice(0, 12).map(({ version, time, what }) => h("li", {}, h("b", {}, `Version ${version}`), h("span", {}, what), h("span", { class: "soft small" }, ago(time)),
      version === state.version ? h("em", { class: "tag" }, "now") : can("own") && (kept.has(version) || !kept.size) && button("Go back", () => trying(out, () => this.back(version)), "small", { "aria-label": `Go back to version ${version}` })));
    return h("div", { class: "card" }, h("h2", { class: "quiet" }, "Versions"), out, h("ul", { class: "versions" }, rows));
  },

  async back(version) {
    const later = state.versions.filter((entry) => entry.version > version && entry.version <= state.version);
    if (later.length > 1 && !(await confirmed(`Go back to version ${version}?`, `This takes back ${count(later.length, "change")}: ${later.map((entry) => entry.what).join("; ")}. They can be had again from the versions below while these are kept.`, "Go back"))) return;
    await call("rollback", "POST", { version });
    await refresh();
  },
};

// ---------------------------------------------------------------- taking back

/** Return to version `before`, which `made` followed; asks first where later changes would go too. True if it did. */
async function undo(before, made, what) {
  await refresh();
  if (state.version !== made) {
    const later = state.versions.filter((entry) => entry.version > made && entry.version <= state.version);
    const more = later.length ? later.map((entry) => entry.what).join("; ") : "later changes";
    if (!(await confirmed(`Undo ${what}, and what came after it?`, `This also takes back: ${more}.`, "Undo all of it"))) return false;
  }
  await call("rollback", "POST", { version: before });
  await refresh();
  say(`Undone: ${what}`);
  return true;
}

/** What a commit did, for who does not know methods by name. */
function plainly(what) {
  const [, method, tasks] = /^([\w-]+): (.*)$/s.exec(what) ?? [];
  const verbs = { extend: "added examples to", review: "looked anew what helps", prune: "made smaller", import: "brought in" };
  return method ? `${verbs[method] ?? "learned"} ${tasks}` : { made: "the empty network" }[what] ?? what;
}

function showLastChange() {
  const bar = $("last-change"), focused = bar.contains(document.activeElement), last = state.versions.find((entry) => entry.version === state.version);
  const before = [...(state.network?.versions ?? state.versions.map((entry) => entry.version))].filter((version) => version < state.version).sort((a, b) => b - a)[0];
  bar.hidden = !last || !can("own") || before === undefined;
  if (bar.hidden) return;
  bar.replaceChildren(h("span", { class: "words" }, `Version ${last.version}: ${last.what}`, h("span", { class: "when" }, last.time ? `, ${ago(last.time)}` : "")),
    button("Undo", () => trying($("trouble"), () => undo(before, last.version, last.what)), "small"));
  if (focused) bar.querySelector("button").focus();
}

/** Keep the focus in a view whose content was made anew. */
function keepFocus(body, title, change) {
  const inside = body.contains(document.activeElement);
  change();
  if (inside && !body.contains(document.activeElement)) $(title).focus({ preventScroll: true });
}

function confirmed(title, text, yes) {
  const dialog = $("confirm-dialog");
  $("confirm-title").textContent = title;
  $("confirm-text").textContent = text;
  $("confirm-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

/** The name and description that a person gives a task; null if they stay as they are. */
function edited(task, naming) {
  const dialog = $("edit-dialog");
  $("edit-name").value = task.name;
  $("edit-name").disabled = !naming;
  $("edit-text").value = task.description;
  $("edit-no").onclick = () => dialog.close("no");
  dialog.returnValue = "no";
  dialog.showModal();
  const read = () => ({ name: $("edit-name").value.trim() || task.name, description: $("edit-text").value.trim() });
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? read() : null), { once: true }));
}

// ---------------------------------------------------------------- the frame

const VIEWS = { ask, teach, inbox, network: overview };

function askForKey() {
  if (!$("key-dialog").open) $("key-dialog").showModal();
}

/** Read what the network is now; `version` waits for it to be live, which takes a moment after it was made. */
async function refresh(version = 0) {
  const live = () => call("session").then((session) => session.version, (error) => (error.status ? Promise.reject(error) : -1)); // not reached
  for (let tries = 0, now; tries < 40 && (now = await live()) < version; tries++) await new Promise((go) => setTimeout(go, now < 0 ? PAUSE : 100));
  const [tasks, network, versions] = await Promise.all([call("tasks"), call("network"), call("versions")]);
  const listed = versions.versions.map((entry) => ({ ...entry, what: plainly(entry.what) })).sort((a, b) => b.version - a.version);
  Object.assign(state, { tasks: tasks.tasks, network, version: network.version, versions: listed });
  showLastChange();
  const name = here();
  if (name !== "teach") await VIEWS[name].show();
}

const here = () => (Object.hasOwn(VIEWS, location.hash.slice(1)) ? location.hash.slice(1) : "ask");

function route(moved) {
  if (location.hash === "#main") return;
  const name = here();
  if (moved) inbox.told = null;
  for (const view of Object.keys(VIEWS)) $(view).hidden = view !== name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const title = document.querySelector(`nav a[href="#${name}"]`).firstChild.textContent;
  document.title = `${title} · ${state.session.name ?? "senpath"}`;
  VIEWS[name].show();
  if (moved) {
    scrollTo(0, 0);
    $(`${name}-title`).focus({ preventScroll: true });
  }
}

/** Hear of what happens, as long as somebody looks: browsers open six connections to a server, for all of its pages together. */
const hearing = {
  begin() {
    this.end();
    if (document.hidden) return;
    const events = (this.events = new EventSource("events"));
    const later = () => (clearTimeout(this.reading), (this.reading = setTimeout(() => refresh().catch(() => null), 150)));
    events.addEventListener("version", (event) => {
      if (JSON.parse(event.data).version !== state.version) later();
    });
    events.addEventListener("inbox", (event) => {
      badge(JSON.parse(event.data).count);
      if (here() === "inbox" && !$("inbox-body").contains(document.activeElement)) inbox.show();
    });
    events.onerror = () => events.readyState === EventSource.CLOSED && (this.waiting = setTimeout(() => this.begin(), 10 * PAUSE));
  },

  end() {
    clearTimeout(this.waiting);
    this.events?.close();
  },
};
document.addEventListener("visibilitychange", () => document.body.dataset.ready && hearing.begin());

async function open() {
  await trying($("trouble"), async () => {
    state.session = await call("session");
    if (!state.session.role) return askForKey();
    $("network-name").textContent = state.session.name ?? "senpath";
    document.querySelector('nav a[href="#inbox"]').hidden = !state.session.inbox && !can("teach");
    for (const view of Object.values(VIEWS)) if (!view.started) view.start(), (view.started = true);
    await refresh();
    if (state.session.inbox && can("teach")) call("inbox").then((kept) => badge(kept.count), () => null);
    route(false);
    hearing.begin();
    document.body.dataset.ready = "yes";
    return undefined;
  });
}

$("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  await trying($("key-trouble"), async () => {
    const given = await call("session", "POST", { key: $("key").value }, false);
    $("key").value = "";
    state.session = given ?? {};
    $("key-dialog").close();
    await open();
  });
});
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
addEventListener("hashchange", () => route(true));
open();
