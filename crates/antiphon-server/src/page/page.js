// What the page does: it looks at `v1/antiphon/status` each second, and asks models as any client does.
//
// Whatever comes from the server or the user becomes a text node, never markup. Addresses are relative, so that
// the page works below a path of a proxy's. Nothing is kept but the key, and that until the tab is closed.

const STATUS = "v1/antiphon/status";
const MODELS = "v1/models";
const CHAT = "v1/chat/completions";

/** Milliseconds from one look to the next, and after one that failed. */
const PAUSE = 1000;
const PAUSE_AFTER_FAILURE = 3000;

/** How long the lines of the totals are, in looks. */
const LINE = 60;

const $ = (id) => document.getElementById(id);

/** An element with a class and children; strings become text. */
function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function show(id, text) {
  const node = $(id);
  // What has not changed is not touched: it may be selected.
  if (node.textContent !== text) node.textContent = text;
}

// Keys.

const KEY = "antiphon-key";

// Where the browser keeps nothing, this page does, while it is open.
let key = "";
try {
  key = sessionStorage.getItem(KEY) ?? "";
} catch {}

function keep(value) {
  key = value;
  try {
    if (value) sessionStorage.setItem(KEY, value);
    else sessionStorage.removeItem(KEY);
  } catch {}
  $("forget-key").hidden = !value;
}

class Refused extends Error {
  constructor(response, message) {
    super(message);
    this.status = response.status;
    this.requestId = response.headers.get("x-request-id");
  }
}

/** Fetches with the key. An answer that is an error is thrown, in the server's words. */
async function ask(path, options = {}) {
  const headers = { ...options.headers };
  // A header takes bytes, and so the key is sent as what it is in UTF-8.
  if (key) headers["x-api-key"] = String.fromCharCode(...new TextEncoder().encode(key));
  const response = await fetch(path, { ...options, headers, cache: "no-store" });
  if (response.ok) return response;
  const text = await response.text();
  throw new Refused(response, errorMessage(text) ?? `${response.status} ${text}`.trim());
}

function errorMessage(text) {
  try {
    const message = JSON.parse(text).error.message;
    return typeof message === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}

function askForKey(message) {
  stopLooking();
  stopAnswer();
  $("board").hidden = true;
  $("key-panel").hidden = false;
  // Who has sent none has done nothing wrong yet.
  show("key-error", key ? message : "");
  keep("");
  connection("waiting", "key needed");
  notice("");
  $("key").value = "";
  $("key").focus();
}

$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keep($("key").value.trim());
  look();
});

$("forget-key").addEventListener("click", () => {
  keep("");
  look();
});

// Figures.

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en");
const fine = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

const count = (value) => (value < 100_000 ? whole.format(value) : compact.format(value));

const rate = (value) => (value < 10 ? value.toFixed(1) : whole.format(Math.round(value)));

const optional = (value, format) => (value === null || value === undefined ? "–" : format(value));

function seconds(value) {
  if (value < 0.01) return `${(value * 1000).toFixed(1)} ms`;
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  return value < 100 ? `${value.toFixed(value < 10 ? 2 : 1)} s` : `${Math.round(value)} s`;
}

function dollars(value) {
  if (value === 0) return "$0";
  if (value >= 1) return `$${value.toFixed(2)}`;
  return value < 0.000001 ? "< $0.000001" : `$${fine.format(value)}`;
}

function duration(value) {
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = Math.max(0, parts.findIndex(([size]) => value >= size));
  let rest = Math.floor(value);
  const shown = parts.slice(first < 0 ? 3 : first, first + 2).map(([size, unit]) => {
    const n = Math.floor(rest / size);
    rest -= n * size;
    return `${n} ${unit}`;
  });
  return value < 1 ? "0 s" : shown.join(" ");
}

const sum = (errors) => Object.values(errors).reduce((all, n) => all + n, 0);

// Status.

let looking;
let lookTimer;
let last;
const paces = { requests: Array(LINE).fill(0), tokens: Array(LINE).fill(0) };

function stopLooking() {
  looking?.abort();
  looking = undefined;
  clearTimeout(lookTimer);
}

/** Looks now, and again and again. */
async function look() {
  stopLooking();
  if (document.hidden) return;
  const mine = (looking = new AbortController());
  let pause = PAUSE;
  try {
    const signal = AbortSignal.any([mine.signal, AbortSignal.timeout(10_000)]);
    const status = await (await ask(STATUS, { signal })).json();
    if (mine !== looking) return;
    opened();
    render(status);
    connection("live", "live");
    notice("");
  } catch (error) {
    if (mine !== looking) return;
    if (error.status === 401) return askForKey(error.message);
    connection("lost", "not connected");
    notice(error.status ? error.message : "There is no answer from the server. It is tried again.");
    pause = PAUSE_AFTER_FAILURE;
  }
  lookTimer = setTimeout(look, pause);
}

document.addEventListener("visibilitychange", () => {
  // A page that nobody sees asks for nothing, and does not count the gap as a second.
  last = undefined;
  if (document.hidden) stopLooking();
  else if ($("key-panel").hidden) look();
});

function connection(state, text) {
  $("connection").dataset.state = state;
  show("connection", text);
}

/** What keeps the page from its numbers, in so many words. */
function notice(text) {
  $("notice").hidden = !text;
  show("notice", text);
}

/** The server has answered: the key, if one is needed, is good. */
function opened() {
  if (!$("board").hidden) return;
  const hadPanel = !$("key-panel").hidden;
  $("key-panel").hidden = true;
  $("board").hidden = false;
  $("forget-key").hidden = !key;
  loadModels();
  if (hadPanel) $("prompt").focus();
}

function render(status) {
  const { totals } = status;
  show("version", status.version);
  show("uptime", duration(status.uptime_seconds));
  show("in-flight", optional(status.in_flight, count));
  const errors = sum(totals.errors);
  show("requests", count(totals.requests));
  show("errors", count(errors));
  $("errors").classList.toggle("bad", errors > 0);
  const cancelled = totals.cancelled ? `, ${count(totals.cancelled)} cancelled` : "";
  const share = totals.requests ? (100 * errors) / totals.requests : 0;
  show("error-share", `${share.toFixed(share < 10 && share > 0 ? 1 : 0)} %${cancelled}`);
  show("tokens", `${compact.format(totals.input_tokens)} / ${compact.format(totals.output_tokens)}`);
  show("cost", optional(totals.cost_dollars, dollars));
  show("cost-note", totals.cost_dollars === null ? "no price known" : "of priced calls");
  quantiles("latency", totals.latency_seconds);
  quantiles("first-token", totals.time_to_first_token_seconds);
  renderPaces(status);
  renderModels(status.models);
  renderRecent(status.recent);
}

function quantiles(id, value) {
  show(id, optional(value?.p50, seconds));
  show(`${id}-tail`, `p95 ${optional(value?.p95, seconds)}`);
}

/** How many requests and tokens came in a second, since the last look. */
function renderPaces(status) {
  const now = { uptime: status.uptime_seconds, requests: status.totals.requests, tokens: status.totals.output_tokens };
  // A server that was started anew counts from nothing.
  if (last && now.uptime > last.uptime) {
    for (const name of ["requests", "tokens"]) {
      paces[name].push(Math.max(0, now[name] - last[name]) / (now.uptime - last.uptime));
      paces[name].shift();
    }
  }
  last = now;
  const pace = (values) => (values.at(-1) === 0 ? "0" : rate(values.at(-1)));
  show("pace", `${pace(paces.requests)} a second`);
  show("token-pace", `${pace(paces.tokens)} out a second`);
  drawLine("pace-line", paces.requests);
  drawLine("token-line", paces.tokens);
}

function drawLine(id, values) {
  const top = Math.max(1, ...values);
  const points = values.map((value, n) => `${n},${(15 - (14 * value) / top).toFixed(2)}`);
  $(id).firstElementChild.setAttribute("points", points.join(" "));
}

let served = [];
let rowsSeen = [];
let modelsShown = "";

function renderModels(rows) {
  rowsSeen = rows;
  const asked = new Set(rows.map((row) => row.model));
  const own = served.filter((model) => isOwn(model) && !asked.has(model.id));
  const now = JSON.stringify([rows, own]);
  if (now === modelsShown) return;
  modelsShown = now;
  const busiest = rows.toSorted((a, b) => b.requests - a.requests);
  $("models").replaceChildren(...busiest.map(modelRow), ...own.map(idleRow));
  const hosted = served.filter((model) => !isOwn(model)).length;
  show("models-note", hosted ? `${count(hosted)} hosted models can be asked, too` : "since the start");
}

/** Aliases and models of this machine are few; of hosted ones there may be hundreds. */
const isOwn = (model) => model.owned_by === "antiphon" || model.owned_by === "local";

function modelRow(row) {
  const name = element("th", "name", row.model);
  name.scope = "row";
  const errors = Object.entries(row.errors).toSorted((a, b) => b[1] - a[1]);
  if (errors.length > 0) {
    const kinds = errors.flatMap(([kind, n], at) => [at ? ", " : "", `${count(n)} ×`, ...broken(kind)]);
    name.append(element("span", "kinds", ...kinds));
  }
  const failed = sum(row.errors);
  return element(
    "tr",
    "",
    name,
    element("td", "number", count(row.requests)),
    element("td", failed ? "number bad" : "number", count(failed)),
    element("td", "number wide", count(row.input_tokens)),
    element("td", "number wide", count(row.output_tokens)),
    element("td", "number wide", optional(row.cost_dollars, dollars)),
    element("td", "number", optional(row.latency_seconds?.p50, seconds)),
    element("td", "number wide", optional(row.latency_seconds?.p95, seconds)),
    element("td", "number wide", optional(row.time_to_first_token_seconds?.p50, seconds)),
  );
}

function idleRow(model) {
  const name = element("th", "name", model.id);
  name.scope = "row";
  const cells = ["number", "number", "number wide", "number wide", "number wide", "number", "number wide", "number wide"];
  return element("tr", "idle", name, ...cells.map((kind, n) => element("td", kind, n === 0 ? "0" : "–")));
}

let recentRows = new Map();

/** The rows of calls that were there already stay as they are. */
function renderRecent(calls) {
  const isFirst = recentRows.size === 0;
  const rows = new Map();
  let changed = calls.length !== recentRows.size;
  for (const call of calls) {
    const name = `${call.time} ${call.request_id}`;
    let row = recentRows.get(name);
    if (!row) {
      row = callRow(call);
      if (!isFirst) row.classList.add("new");
      changed = true;
    }
    rows.set(name, row);
  }
  recentRows = rows;
  $("no-calls").hidden = rows.size > 0;
  if (changed) $("recent").replaceChildren(...rows.values());
}

function callRow(call) {
  const time = element("time", "", clock.format(call.time * 1000));
  time.dateTime = new Date(call.time * 1000).toISOString();
  const request = element("td", "wide code id", call.request_id);
  request.title = call.request_id;
  const left = call.status === 499 && !call.error;
  const status = element("td", call.error ? "status bad" : left ? "warn" : "", left ? "cancelled" : call.status);
  const model = element("td", "name", call.model ?? "–");
  if (call.error) {
    status.append(element("span", "wide", ...broken(call.error)));
    // Where there is little room it stands below the model.
    model.append(element("span", "kinds narrow", ...broken(call.error)));
  }
  const face = element("td", "wide", call.face);
  face.title = call.route;
  return element(
    "tr",
    "",
    element("td", "", time),
    model,
    status,
    element("td", "number", seconds(call.latency_seconds)),
    element("td", "number wide", optional(call.time_to_first_token_seconds, seconds)),
    element("td", "number wide", optional(call.input_tokens, count)),
    element("td", "number wide", optional(call.output_tokens, count)),
    element("td", "number wide", optional(call.cost_dollars, dollars)),
    face,
    request,
  );
}

/** The words of a class, with places to break them at. */
function broken(error) {
  const words = error?.split(/(?=[A-Z])/) ?? [];
  return words.flatMap((word, n) => (n === 0 ? [" ", word] : [element("wbr"), word]));
}

// The playground.

const OTHER = "\0other";
const OWNERS = { antiphon: "Aliases", local: "Local" };

/** The conversation so far: what the next request sends. */
let history = [];
/** The answer under way. */
let running;

async function loadModels() {
  try {
    served = (await (await ask(MODELS)).json()).data;
  } catch (error) {
    if (error.status === 401) return askForKey(error.message);
    served = [];
  }
  renderModels(rowsSeen);
  const choice = $("model");
  const chosen = choice.value;
  const groups = Map.groupBy(served, (model) => OWNERS[model.owned_by] ?? model.owned_by);
  const option = (text, value) => {
    const made = element("option", "", text);
    made.value = value;
    return made;
  };
  const group = (owner, models) => {
    const made = element("optgroup", "", ...models.map((model) => option(model.id, model.id)));
    made.label = owner;
    return made;
  };
  // What is this server's own stands first.
  const own = Object.values(OWNERS).filter((owner) => groups.has(owner));
  const others = [...groups.keys()].filter((owner) => !own.includes(owner));
  const ordered = [...own, ...others].map((owner) => group(owner, groups.get(owner)));
  choice.replaceChildren(...ordered, option("Other…", OTHER));
  if ([...choice.options].some((there) => there.value === chosen)) choice.value = chosen;
  chooseModel();
}

function chooseModel() {
  $("other-model").hidden = $("model").value !== OTHER;
}

$("model").addEventListener("change", () => {
  chooseModel();
  if (!$("other-model").hidden) $("other-model").focus();
});

/** The request as it is sent; a field that is empty is the model's own default. */
function requestBody(messages) {
  const model = $("model").value === OTHER ? $("other-model").value.trim() : $("model").value;
  const system = $("system").value.trim();
  const body = {
    model,
    messages: system ? [{ role: "system", content: system }, ...messages] : messages,
    stream: true,
    stream_options: { include_usage: true },
  };
  if ($("temperature").value) body.temperature = Number($("temperature").value);
  if ($("max-tokens").value) body.max_tokens = Number($("max-tokens").value);
  return body;
}

async function send() {
  const prompt = $("prompt").value;
  if (running || !prompt.trim()) return;
  const question = { role: "user", content: prompt };
  const conversation = history;
  const body = requestBody([...conversation, question]);
  const mine = (running = new AbortController());
  $("prompt").value = "";
  addTurn("You", "user").text.append(prompt);
  const answer = new Answer(addTurn(body.model || "–", "assistant"));
  busy(true);
  try {
    await answer.read(body, mine.signal);
  } catch (error) {
    if (mine.signal.aborted) answer.stopped();
    else answer.failed(error);
    if (error.status === 401) askForKey(error.message);
  }
  if (running === mine) running = undefined;
  busy(false);
  if (answer.content) {
    conversation.push(question, { role: "assistant", content: answer.content });
  } else if (conversation === history && !$("prompt").value) {
    // Nothing came of it, so it is there to be sent again.
    $("prompt").value = prompt;
  }
}

function stopAnswer() {
  running?.abort();
}

function busy(isBusy) {
  $("log").setAttribute("aria-busy", String(isBusy));
  const hadFocus = document.activeElement === $("stop") || document.activeElement === $("send");
  $("send").disabled = isBusy;
  $("stop").disabled = !isBusy;
  // A button that is switched off loses the focus, and the keyboard its place.
  if (hadFocus) (isBusy ? $("stop") : $("prompt")).focus();
}

function addTurn(name, role) {
  $("log-empty").hidden = true;
  const text = element("div", "text");
  const turn = element("article", `turn ${role}`, element("h3", "", name), text);
  $("log").append(turn);
  $("log").scrollTop = $("log").scrollHeight;
  return { turn, text };
}

/** An answer while it comes, and what it took. */
class Answer {
  content = "";
  #turn;
  #text;
  #reasoning;
  #figures = element("p", "figures");
  #started = performance.now();
  #first;
  #usage;
  #finish;

  constructor({ turn, text }) {
    this.#turn = turn;
    this.#text = text.appendChild(document.createTextNode(""));
    turn.append(this.#figures);
  }

  async read(body, signal) {
    const headers = { "content-type": "application/json" };
    const response = await ask(CHAT, { method: "POST", headers, body: JSON.stringify(body), signal });
    for await (const data of events(response.body)) {
      if (data === "[DONE]") return this.#done();
      this.#take(JSON.parse(data));
    }
    throw new Error("the answer ended before it was whole");
  }

  #take(chunk) {
    if (chunk.error) throw new Error(chunk.error.message);
    this.#usage = chunk.usage ?? this.#usage;
    const choice = chunk.choices?.[0];
    if (!choice) return;
    this.#finish = choice.finish_reason ?? this.#finish;
    const { content, refusal, ...delta } = choice.delta ?? {};
    // Both names are in use.
    const reasoning = delta.reasoning_content ?? delta.reasoning;
    if (!content && !reasoning && !refusal) return;
    if (this.#first === undefined) {
      this.#first = performance.now();
      this.#tell();
    }
    const log = $("log");
    const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    if (reasoning) this.#thinking().appendData(reasoning);
    const text = (content ?? "") + (refusal ?? "");
    this.content += text;
    this.#text.appendData(text);
    if (follows) log.scrollTop = log.scrollHeight;
  }

  #thinking() {
    if (!this.#reasoning) {
      this.#reasoning = document.createTextNode("");
      this.#text.parentNode.before(element("div", "text reasoning", this.#reasoning));
    }
    return this.#reasoning;
  }

  #done() {
    this.#tell(this.#finish);
  }

  stopped() {
    this.#tell("stopped");
  }

  failed(error) {
    this.#tell();
    // What the browser says of a connection that broke is no help.
    const what = error.name === "TypeError" ? "the connection to the server broke" : error.message;
    this.#figures.before(element("p", "error", what));
    if (error.requestId) this.#figures.append(` request ${error.requestId}`);
    $("log").scrollTop = $("log").scrollHeight;
  }

  #tell(end) {
    const figures = [];
    const now = performance.now();
    if (this.#first !== undefined) {
      figures.push(`first token ${seconds((this.#first - this.#started) / 1000)}`);
    }
    if (this.#usage) {
      const { prompt_tokens: input, completion_tokens: output } = this.#usage;
      const took = (now - this.#first) / 1000;
      // The first token is what the time is counted from.
      if (output > 1 && took > 0) figures.push(`${rate((output - 1) / took)} tokens/s`);
      figures.push(`${count(input)} in / ${count(output)} out`);
    }
    if (end) figures.push(`${seconds((now - this.#started) / 1000)} in all`, end);
    this.#figures.textContent = figures.join(" · ");
  }
}

/** The data of the events of a stream. */
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith("data:")) yield line.slice(5).trim();
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});

$("stop").addEventListener("click", stopAnswer);

$("clear").addEventListener("click", () => {
  stopAnswer();
  history = [];
  $("log").replaceChildren($("log-empty"));
  $("log-empty").hidden = false;
  $("prompt").focus();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") stopAnswer();
  const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey);
  if (sends && !event.isComposing && $("ask").contains(event.target)) {
    event.preventDefault();
    send();
  }
});

look();
