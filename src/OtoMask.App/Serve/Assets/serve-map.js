"use strict";
// Where an encoder puts clips: a map by label, the neighbours of a clip, and what a probe takes for what; all of it can be heard.
otomask.charts.kinds.points = (() => {
  const { common, colourOf, shapeOf, markLegend, styleOf } = otomask.charts;
  const outlineOf = style => {
    const { outline } = shapeOf(style);
    return outline ? `path://M${outline.map(point => point.join()).join("L")}Z` : "circle";
  };
  return {
    height: (_, width) => Math.max(320, Math.min(640, width * .62)),
    csv: ({ series }) => [["label", "clip", "x", "y"], ...series.flatMap(({ name, points }) => points.map(([x, y, clip]) => [name, clip, x, y]))],
    options(chart, look, width) {
      const base = common(chart, look, width), bare = { ...look.axis, type: "value", scale: true, axisLabel: { show: false }, axisTick: { show: false }, splitLine: { show: false }, axisLine: { ...look.axis.axisLine, onZero: false } };
      return {
        ...base,
        legend: { ...markLegend(chart, look, base), type: "scroll" },
        grid: { ...base.grid, left: 30, bottom: 52 },
        tooltip: { ...base.tooltip, formatter: ({ seriesName, data: [, , clip] }) => otomask.element("span", "", `${chart.names[clip]} (${seriesName})`) },
        xAxis: { ...bare, name: chart.xLabel, nameGap: 8 },
        yAxis: { ...bare, name: chart.yLabel, nameGap: 8 },
        dataZoom: [{ type: "inside", xAxisIndex: 0, zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, moveOnMouseMove: "shift" }, { type: "inside", yAxisIndex: 0, zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, moveOnMouseMove: "shift" }],
        series: chart.series.map((one, i) => {
          const style = styleOf(one, i), colour = colourOf(look, style), { hollow } = shapeOf(style);
          return {
            name: one.name, type: "scatter", data: one.points, symbol: outlineOf(style), cursor: "pointer",
            symbolSize: ([, , clip]) => clip === chart.chosen ? 18 : chart.near.includes(clip) ? 13 : 7,
            itemStyle: { color: hollow ? look.card : colour, borderColor: colour, borderWidth: hollow ? 1.5 : 0, opacity: chart.chosen === null ? .85 : .6 },
          };
        }),
      };
    },
  };
})();

{
  const { element, data, serve } = otomask, $ = id => document.getElementById(id);
  const { runs, sets } = data($("map").dataset.map);
  const seed = 42, MostListed = 300;
  let map = null, points = null, places = {}, chosen = null, near = [], drawn = null, matrix = null, worker = null;

  for (const { id, name, what } of runs) $("run").append(Object.assign(element("option", "", `${name} (${what})`), { value: id }));
  for (const { name, isTask } of sets) $("set").append(Object.assign(element("option", "", isTask ? `${name} (task)` : name), { value: name }));
  const lacking = [
    runs.length ? null : "There is no run yet: a map needs the encoder of one (otomask pretrain --out).",
    sets.length ? null : "There are no recordings: start the server with --data CLIPS, a folder or a CSV with labels, or fetch tasks (otomask data fetch drums).",
  ].filter(line => line !== null);
  $("nothing").hidden = lacking.length === 0;
  $("nothing").textContent = lacking.join(" ");
  $("make").disabled = lacking.length > 0;
  const asked = new URLSearchParams(location.search);
  for (const id of ["run", "set"]) if (asked.has(id)) $(id).value = asked.get(id);

  const soundOf = clip => ["/api/clips/sound", { set: map.set, clip: map.clips[clip].name }];
  const play = (button, clip) => serve.tryTo(() => serve.player.play(button, ...soundOf(clip)));

  function chart() {
    const which = $("which").value, only = $("label").value, words = $("find").value.toLowerCase();
    const isShown = ({ name, label, split, predicted }) => (which === "all" || (predicted !== undefined && (which === "test" || predicted !== label)) || (which === "test" && split === "test"))
      && (!only || label === only) && name.toLowerCase().includes(words);
    const at = places[$("arrangement").value] ?? places.pca, isUmap = at === places.umap;
    const direction = k => `principal direction${map.shares[k] === undefined ? "" : ` ${k + 1}: ${(100 * map.shares[k]).toFixed(0)} % of the variance`}`;
    return {
      kind: "points", title: `Map of ${map.set}`, chosen, near, names: map.clips.map(({ name }) => name),
      xLabel: isUmap ? "UMAP" : direction(0), yLabel: isUmap ? "" : direction(1),
      series: map.labels.map((name, style) => ({
        name, style, points: map.clips.flatMap((clip, i) => clip.label === name && isShown(clip) ? [[...at[i], i]] : []),
      })).filter(({ points: some }) => some.length > 0),
    };
  }

  /** The clips of the map once more, for whoever has no mouse or sees no map. */
  function list(shown) {
    const clips = shown.series.flatMap(({ points: some }) => some.map(([, , clip]) => clip)).sort((a, b) => a - b);
    $("clips-title").textContent = `The ${clips.length.toLocaleString("en")} clips shown${clips.length > MostListed ? `, the first ${MostListed}` : ""}`;
    if (!$("clips").open) return;
    $("clips").querySelector("ul").replaceChildren(...clips.slice(0, MostListed).map(clip => {
      const line = element("li"), go = Object.assign(element("button", "small", map.clips[clip].name), { type: "button" });
      go.addEventListener("click", () => serve.tryTo(() => choose(clip)));
      line.append(go, ` ${map.clips[clip].label}`);
      return line;
    }));
  }

  function show() {
    if (!map) return;
    const next = chart();
    list(next);
    if (drawn) drawn.update(next);
    else {
      drawn = otomask.charts.live($("points"), next);
      drawn.onPress(({ seriesType, data: pressed }) => { if (seriesType === "scatter") serve.tryTo(() => choose(pressed[2])); });
    }
  }

  /** Plays a clip and lists what lies next to it. */
  async function choose(clip) {
    chosen = clip;
    near = [];
    const { name, label, split, predicted } = map.clips[clip], title = $("clip").querySelector("h2"), body = $("clip").querySelector("tbody");
    const own = serve.playButton("play", `play ${name}`, () => soundOf(clip));
    title.textContent = name;
    title.append(" ", own);
    $("clip").querySelector("p").textContent = [label, split && `${split} clip`, predicted && (predicted === label ? "the probe says so, too" : `the probe takes it for ${predicted}`)].filter(Boolean).join(" · ");
    $("clip").hidden = false;
    play(own, clip);
    const neighbours = await serve.json(`/api/maps/${map.id}/nearest`, { clip });
    near = neighbours.map(({ clip: other }) => other);
    body.replaceChildren(...neighbours.map(({ clip: other, cosine }) => {
      const row = element("tr"), head = element("th");
      const go = Object.assign(element("button", "small", map.clips[other].name), { type: "button" });
      go.addEventListener("click", () => serve.tryTo(() => choose(other)));
      head.append(go);
      const heard = element("td");
      heard.append(serve.playButton("play", `play ${map.clips[other].name}`, () => soundOf(other)));
      row.append(head, element("td", "", map.clips[other].label), element("td", "number", cosine.toFixed(2)), heard);
      return row;
    }));
    show();
  }

  function showConfusions() {
    $("confusions").hidden = map.classes.length === 0;
    if (!map.classes.length) return;
    const size = map.classes.length, place = new Map(map.classes.map((name, i) => [name, i])), counts = Array(size * size).fill(0);
    for (const { label, predicted } of map.clips) if (predicted !== undefined) counts[place.get(label) * size + place.get(predicted)]++;
    const next = { kind: "confusion", title: `Confusions in ${map.set}`, classes: map.classes, counts };
    if (matrix) matrix.update(next);
    else {
      matrix = otomask.charts.live($("matrix"), next);
      matrix.onPress(({ data: [x, y] }) => showCell(map.classes[y], map.classes[x]));
    }
    const often = counts.flatMap((count, cell) => count > 0 && Math.floor(cell / size) !== cell % size ? [[count, cell]] : []).sort((a, b) => b[0] - a[0]);
    $("mistakes-title").textContent = often.length ? `The ${often.length.toLocaleString("en")} confusions, the most frequent first` : "No confusions";
    $("mistakes").querySelector("ul").replaceChildren(...often.map(([count, cell]) => {
      const [label, predicted] = [map.classes[Math.floor(cell / size)], map.classes[cell % size]], line = element("li");
      const go = Object.assign(element("button", "small", `${label} taken for ${predicted}: ${count}`), { type: "button" });
      go.addEventListener("click", () => showCell(label, predicted));
      line.append(go);
      return line;
    }));
    $("cell").replaceChildren();
  }

  function showCell(label, predicted) {
    const clips = map.clips.flatMap((clip, i) => clip.label === label && clip.predicted === predicted ? [i] : []), list = element("ul", "clips");
    list.append(...clips.map(clip => {
      const line = element("li");
      line.append(serve.playButton("play", `play ${map.clips[clip].name}`, () => soundOf(clip)), ` ${map.clips[clip].name}`);
      return line;
    }));
    $("cell").replaceChildren(element("h3", "", label === predicted ? `${label}, and told so: ${clips.length}` : `${label}, taken for ${predicted}: ${clips.length}`), list);
  }

  /** Neighbours are arranged when they are asked for, in a worker. */
  function arrange() {
    if ($("arrangement").value !== "umap" || places.umap || worker) return show();
    worker = new Worker("/assets/serve-umap.js");
    const mine = map;
    worker.addEventListener("message", ({ data: { share, places: found } }) => {
      if (map !== mine) return;
      $("progress").textContent = found ? "" : `arranging neighbours: ${Math.round(100 * share)} %`;
      if (!found) return;
      places.umap = found;
      worker.terminate();
      worker = null;
      show();
    });
    worker.addEventListener("error", ({ message }) => serve.tryTo(() => { throw new Error(`neighbours cannot be arranged: ${message}`); }));
    worker.postMessage({ points, directions: map.shares.length, seed });
    return show();
  }

  async function make() {
    const query = { run: $("run").value, set: $("set").value, untrained: $("untrained").checked };
    history.replaceState(null, "", `?${new URLSearchParams({ run: query.run, set: query.set })}`);
    serve.player.stop();
    let progress = await (await serve.post("/api/maps", query)).json();
    while (!progress.isReady) {
      $("progress").textContent = `${progress.what}: ${progress.done} of ${progress.all}`;
      await new Promise(wait => { setTimeout(wait, 300); });
      progress = await serve.json(`/api/maps/${progress.id}/progress`);
      if (progress.problem) { $("progress").textContent = ""; throw new Error(progress.problem); }
    }
    const found = await serve.json(`/api/maps/${progress.id}`);
    worker?.terminate();
    [map, worker, chosen, near] = [{ ...found, id: progress.id, labels: [...new Set(found.clips.map(({ label }) => label))].sort() }, null, null, []];
    points = new Float32Array(Uint8Array.from(atob(map.points), letter => letter.charCodeAt(0)).buffer);
    const directions = map.shares.length;
    places = { pca: map.clips.map((_, i) => [points[i * directions], directions > 1 ? points[i * directions + 1] : 0]) };
    $("progress").textContent = "";
    $("looks").hidden = $("result").hidden = false;
    $("clip").hidden = true;
    const { accuracy, notes, clips, set } = map;
    $("about").textContent = [`${clips.length.toLocaleString("en")} clips of ${set} by ${runs.find(({ id }) => id === query.run).name}${query.untrained ? " as it was before training" : ""}`,
      accuracy && `a linear probe tells ${accuracy.value.toFixed(1)} % of the test clips (${accuracy.low.toFixed(1)} to ${accuracy.high.toFixed(1)})`, ...notes].filter(Boolean).join("; ");
    $("label").replaceChildren(Object.assign(element("option", "", "every label"), { value: "" }), ...map.labels.map(label => element("option", "", label)));
    for (const option of $("which").options) option.disabled = option.value !== "all" && !clips.some(({ split, predicted }) => split === "test" || predicted !== undefined);
    $("which").value = "all";
    arrange();
    showConfusions();
  }

  $("make").addEventListener("click", async () => {
    $("make").disabled = true;
    await serve.tryTo(make);
    $("make").disabled = false;
  });
  $("clips").addEventListener("toggle", show);
  $("arrangement").addEventListener("change", arrange);
  for (const id of ["which", "label"]) $(id).addEventListener("change", show);
  $("find").addEventListener("input", show);
}
