"use strict";
// The list of runs and the curves of those that are chosen, kept up to date by the server's events.
{
  const { element, data, draw, serve } = otomask, root = document.getElementById("runs");
  const { lines: first, mostChosen, mayControl } = data(root.dataset.runs);
  const lines = new Map(first.map(line => [line.id, line])), rows = new Map(), curves = new Map(), notes = new Map();
  const $ = id => document.getElementById(id), body = $("list").tBodies[0];
  const chosen = new Set(new URLSearchParams(location.search).getAll("run").slice(0, mostChosen));
  let sort = { key: "changed", down: true };

  // Words and numbers of the list.
  const { number } = serve;
  const duration = seconds => seconds === undefined ? "–" : seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : seconds < 172800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86400).toFixed(1)} d`;
  const share = ({ done, all }) => all ? Math.min(1, done / all) : undefined;
  const ago = changed => changed ? `${duration(Math.max(0, Date.now() / 1000 - changed))} ago` : "–";
  const fileOf = (id, file) => `/files/${encodeURIComponent(file)}?run=${encodeURIComponent(id)}`;

  /** Asks the server to do something with a run; tells what it says where it refuses. */
  async function ask(path, id, button) {
    button.disabled = true;
    await serve.tryTo(() => serve.post(path, { run: id }));
    button.disabled = false;
  }

  function addRow(id) {
    const row = element("tr"), cell = (tag, name) => row.appendChild(element(tag, name));
    const box = Object.assign(element("input"), { type: "checkbox", checked: chosen.has(id) });
    cell("td").append(box);
    const name = cell("td", "name"), { name: called } = lines.get(id), bold = element("b", "", called), what = element("small"), links = element("div", "links");
    box.setAttribute("aria-label", `choose ${called}`);
    name.append(bold, what, links);
    for (const [text, file] of [["report", "report.html"], ["log", "log.jsonl"], ["configuration", "config.yaml"]]) links.append(Object.assign(element("a", "", text), { href: fileOf(id, file), target: "_blank", rel: "noopener" }));
    const state = cell("td").appendChild(element("span", "state")), progress = cell("td", "share"), bar = progress.appendChild(element("progress")), told = progress.appendChild(element("small"));
    bar.setAttribute("aria-label", `progress of ${called}`);
    const numbers = ["left", "speed", "loss", "rankMe", "knn", "hint"].map(() => cell("td", "number")), when = cell("td", "when");
    const button = mayControl ? links.appendChild(Object.assign(element("button", "small"), { type: "button" })) : null;
    button?.addEventListener("click", () => ask(lines.get(id).state === "running" ? "/api/stop" : "/api/resume", id, button));
    box.addEventListener("change", () => choose(id, box.checked));
    const show = line => {
      row.classList.toggle("chosen", chosen.has(id));
      box.disabled = line.kind === "study";
      what.textContent = `${line.kind}: ${line.what}`;
      state.textContent = line.state;
      state.className = `state ${line.state}`;
      bar.hidden = share(line) === undefined;
      bar.value = share(line) ?? 0;
      told.textContent = line.all ? `${number(line.done)} of ${number(line.all)}` : `${number(line.done)} steps`;
      [duration(line.secondsLeft), number(line.speed, 3), number(line.loss), number(line.rankMe, 3), number(line.knn, 3), number(line.hint, 2)].forEach((text, i) => { numbers[i].textContent = text; });
      when.textContent = ago(line.changed);
      links.children[0].hidden = !line.hasReport;
      links.children[1].hidden = links.children[2].hidden = line.kind === "study";
      if (!button) return;
      button.hidden = line.kind === "study" || !["running", "stopped", "dead"].includes(line.state);
      button.textContent = line.state === "running" ? "stop with a checkpoint" : "resume";
    };
    rows.set(id, { row, show, when });
  }

  const matches = ({ id, what, state, kind }) => $("filter").value.toLowerCase().split(/\s+/).every(word => `${id} ${kind} ${what} ${state}`.toLowerCase().includes(word));
  const valueOf = line => sort.key === "share" ? share(line) : line[sort.key];
  const compare = (a, b) => {
    const [x, y] = [valueOf(a), valueOf(b)];
    if (x === y || (x === undefined && y === undefined)) return a.id < b.id ? -1 : 1;
    if (x === undefined || y === undefined) return x === undefined ? 1 : -1;
    return (x < y ? -1 : 1) * (sort.down ? -1 : 1);
  };

  /** Brings rows in order, moving only those that are elsewhere. */
  function arrange() {
    const shown = [...lines.values()].filter(matches).sort(compare).map(({ id }) => rows.get(id).row);
    shown.forEach((row, i) => { if (body.children[i] !== row) body.insertBefore(row, body.children[i] ?? null); });
    while (body.children.length > shown.length) body.lastElementChild.remove();
    $("none").hidden = lines.size > 0;
  }

  function take(changed, ids) {
    for (const line of changed) {
      lines.set(line.id, line);
      if (!rows.has(line.id)) addRow(line.id);
      rows.get(line.id).show(line);
    }
    if (ids) for (const id of [...lines.keys()].filter(id => !ids.includes(id))) {
      lines.delete(id);
      rows.delete(id);
      if (chosen.has(id)) choose(id, false);
    }
    arrange();
  }

  // Sorting by the heads of the columns.
  for (const head of document.querySelectorAll("#list th[data-key]")) {
    const button = Object.assign(element("button", "", head.textContent), { type: "button" });
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      sort = { key: head.dataset.key, down: sort.key === head.dataset.key ? !sort.down : head.dataset.key !== "id" };
      for (const other of document.querySelectorAll("#list th[data-key]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
      arrange();
    });
  }
  $("filter").addEventListener("input", arrange);

  // The chosen runs: what differs, and a chart for every curve that any of them has.
  const figures = new Map(), waiting = new Set();
  const order = () => [...chosen].filter(id => lines.has(id));

  function choose(id, isChosen) {
    if (isChosen && chosen.size === mostChosen) {
      $("told").textContent = `${mostChosen} runs at a time: more colours nobody tells apart`;
      rows.get(id).row.querySelector("input").checked = false;
      return;
    }
    if (isChosen) chosen.add(id); else { chosen.delete(id); curves.delete(id); notes.delete(id); }
    const line = lines.get(id);
    if (line) rows.get(id).show(line);
    const query = new URLSearchParams(order().map(run => ["run", run]));
    history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
    follow();
    redraw();
    differ();
  }

  async function differ() {
    const ids = order();
    $("chosen").hidden = ids.length === 0;
    if (!ids.length) return;
    let settings;
    try {
      settings = await serve.json("/api/settings", ids.map(id => ["run", id]));
    } catch (error) {
      $("differences").replaceChildren(element("p", "note", error.message));
      return;
    }
    const known = ids.filter(id => settings[id]);
    $("differences-title").textContent = known.length === 1 ? "Configuration" : "What differs in their configurations";
    $("differences").closest("details").open = known.length > 1;
    const keys = [...new Set(known.flatMap(id => Object.keys(settings[id])))].filter(key => known.length === 1 || new Set(known.map(id => settings[id][key])).size > 1);
    if (!keys.length) { $("differences").replaceChildren(element("p", "note", "Nothing: all have the same configuration.")); return; }
    const table = element("table"), head = table.createTHead().insertRow(), rest = table.createTBody();
    head.append(element("th", "", "key"), ...known.map(id => element("th", "", id)));
    for (const key of keys) {
      const row = rest.insertRow(), name = element("th");
      name.append(element("code", "", key));
      row.append(name, ...known.map(id => element("td", "", settings[id][key] ?? "–")));
    }
    const frame = element("div", "table");
    frame.append(table);
    $("differences").replaceChildren(frame);
  }

  const places = ["Loss", "Validation", "k-NN", "RankMe", "CEV", "Gradient", "Hint", "Learning", "1 - tau", "Clips", "Waiting"];
  const placeOf = title => (places.findIndex(begin => title.startsWith(begin)) + places.length + 1) % (places.length + 1); // what nobody placed comes last

  function chartOf(title) {
    const ids = order();
    return {
      kind: "lines", title, xLabel: "step", smooth: /^(Loss|Gradient|Clips|Waiting)/.test(title), reach: Number($("smoothing").value) / 100,
      log: $("log-scale").checked && /[Ll]oss/.test(title), fromZero: /^(Learning|Hint|Waiting|1 - tau)/.test(title),
      series: ids.flatMap((name, style) => curves.get(name)?.has(title) ? [{ name, style, points: curves.get(name).get(title) }] : []),
    };
  }

  function redraw(titles) {
    const wanted = new Set(order().flatMap(id => [...curves.get(id)?.keys() ?? []]));
    for (const [title, { figure }] of figures) figure.hidden = !wanted.has(title); // kept: it is wanted again soon
    for (const title of wanted) {
      if (!figures.has(title)) {
        const figure = element("figure", "chart"), caption = element("figcaption", "", title);
        figure.append(caption, element("div", "plot"));
        figure.style.order = placeOf(title);
        $("curves").append(figure);
        const drawn = otomask.charts.live(figure, chartOf(title));
        figures.set(title, { figure, drawn });
        const save = Object.assign(element("a", "download png", "PNG"), { href: "#", download: otomask.fileName(title, "png") });
        save.setAttribute("aria-label", `${title} as PNG`);
        save.addEventListener("click", async event => {
          if (save.href.startsWith("data:")) return;
          event.preventDefault();
          save.href = await drawn.png();
          save.click();
          save.href = "#";
        });
        figure.append(save);
      } else if (!titles || titles.has(title)) figures.get(title).drawn.update(chartOf(title));
    }
    const told = order().flatMap(id => (notes.get(id) ?? []).map(note => element("li", "", `${id}: ${note}`)));
    const list = element("ul");
    list.append(...told);
    $("notes").replaceChildren(...told.length ? [list] : []);
  }

  /** Curves are drawn at most twice a second, whatever the number of runs that train. */
  let drawing = 0;
  function redrawSoon(titles) {
    titles.forEach(title => waiting.add(title));
    drawing ||= setTimeout(() => { drawing = 0; redraw(new Set(waiting)); waiting.clear(); }, 400);
  }

  $("smoothing").addEventListener("input", () => { $("smoothing-told").value = `${$("smoothing").value} %`; redraw(); });
  $("log-scale").addEventListener("change", () => redraw());
  $("smoothing-told").value = `${$("smoothing").value} %`;

  // The server's events.
  let source = null;
  function follow() {
    source?.close();
    source = new EventSource(`/api/live?${new URLSearchParams(order().map(id => ["run", id]))}`);
    const live = $("live");
    source.addEventListener("open", () => { live.className = "live on"; live.textContent = "live"; });
    source.addEventListener("error", () => { live.className = "live off"; live.textContent = "the server does not answer"; });
    source.addEventListener("runs", ({ data: text }) => { const { lines: changed, ids } = JSON.parse(text); take(changed, ids); });
    source.addEventListener("curves", ({ data: text }) => {
      const { id, curves: pieces, notes: told } = JSON.parse(text);
      if (!curves.has(id)) curves.set(id, new Map());
      for (const [title, { keep, points }] of Object.entries(pieces)) curves.get(id).set(title, [...(curves.get(id).get(title) ?? []).slice(0, keep), ...points]);
      if (told) notes.set(id, told);
      redrawSoon(Object.keys(pieces));
    });
  }

  take(first);
  draw(() => redraw());
  addEventListener("DOMContentLoaded", () => { follow(); differ(); });
  setInterval(() => { for (const [id, { when }] of rows) when.textContent = ago(lines.get(id)?.changed); }, 5000);
}
