"use strict";
// A sound, what every strategy hides of it as sliders move, and how the rest sounds.
{
  const { element, data, draw, serve, spectrogram } = otomask, $ = id => document.getElementById(id);
  const { sets, runs, strategies, mostBytes } = data($("masks").dataset.masks);
  const MostRecorded = 30, MadeUpRate = 16000;
  let sound = null, view = null, picture = null, masks = {}, asked = null, prediction = null;

  document.querySelector(".scale i").style.background = spectrogram.scale;
  for (const name of sets) $("set").append(element("option", "", name));
  for (const { id, name, what } of runs) $("run").append(Object.assign(element("option", "", `${name} (${what})`), { value: id }));
  for (const { name } of strategies) $("compare").append(element("option", "", name));
  $("from-set").hidden = sets.length === 0;

  // What is asked for.
  const viewQuery = () => ({ sound: sound.id, from: $("from").value, patch: $("patch").value, run: $("run").value });
  const maskQuery = () => ({ ratio: $("ratio").value, hint: $("hint").value, seed: $("seed").value });
  const bitsOf = name => masks[name]?.bits ? spectrogram.bytes(masks[name].bits) : null;

  // A tile for each strategy.
  const tiles = strategies.map(({ name, summary, reads }) => {
    const tile = element("figure", "tile"), canvas = element("canvas"), caption = element("figcaption"), count = element("span", "count"), line = element("span", "buttons");
    const hear = serve.playButton("hear", `hear what ${name} leaves`, () => ["/api/hear/visible", { ...viewQuery(), ...maskQuery(), masking: name }]);
    const predict = Object.assign(element("button", "small", "predict"), { type: "button", hidden: true });
    predict.setAttribute("aria-label", `what the model predicts behind the mask of ${name}`);
    predict.addEventListener("click", () => serve.tryTo(() => showPrediction(name)));
    const badge = element("span", "badge"), cost = element("span", "cost");
    line.append(hear, predict, badge);
    caption.append(count, element("b", "", name), line, `${summary}.`, cost);
    canvas.setAttribute("role", "img");
    tile.append(canvas, caption);
    $("tiles").append(tile);
    return { name, reads, canvas, count, hear, predict, badge, cost };
  });

  // The whole sound.
  const buttons = [
    serve.playButton("play", "play the sound", () => ["/api/hear/whole", viewQuery()]),
    serve.playButton("as the model hears it", "play what the log-mel keeps of the sound", () => ["/api/hear/logmel", viewQuery()]),
  ];
  $("hear").append(...buttons);
  const cursor = element("div", "cursor");
  cursor.hidden = true;
  serve.player.listen(playing => {
    cursor.hidden = !playing || !view;
    if (!cursor.hidden) cursor.style.left = `${100 * Math.min(1, playing.place / view.seconds)}%`;
  });

  function showTiles() {
    const other = $("compare").value, theirs = bitsOf(other), patches = view.rows * view.columns;
    $("difference-key").hidden = !theirs;
    for (const { name, reads, canvas, count, hear, predict, badge, cost } of tiles) {
      const bits = bitsOf(name), ids = [...Array(bits && theirs && name !== other ? patches : 0).keys()], { isMasked } = spectrogram;
      picture.draw(canvas, bits);
      const here = ids.filter(id => isMasked(bits, id) && !isMasked(theirs, id)), there = ids.filter(id => !isMasked(bits, id) && isMasked(theirs, id));
      picture.mark(canvas, here, otomask.colour("--data-2"), true);
      picture.mark(canvas, there, otomask.colour("--data-6"), false);
      count.textContent = !bits ? masks[name]?.why ?? "" : here.length + there.length > 0 ? `${here.length} hidden here alone, ${there.length} there` : `${masks[name].masked} of ${patches} masked`;
      hear.hidden = !bits;
      predict.hidden = !bits || !view.reconstructs;
      badge.textContent = `reads ${reads}${reads.includes("features") && !$("run").value ? " (here: the patches)" : ""}`;
      cost.textContent = bits ? ` Drawn in ${serve.number(masks[name].milliseconds, 2)} ms.` : "";
      canvas.setAttribute("aria-label", `Mask of ${name}: ${count.textContent}`);
    }
  }

  function showAll() {
    if (!picture) return;
    picture.draw($("spectrogram").querySelector("canvas"), null);
    showTiles();
    if (!prediction) return;
    const [whole, masked, predicted] = $("prediction").querySelectorAll("canvas");
    picture.draw(whole, null);
    picture.draw(masked, prediction.bits);
    prediction.picture.draw(predicted, null);
  }

  /** What the model predicts is of one mask: it goes when that changes. */
  function dropPrediction() {
    prediction = null;
    $("prediction").hidden = true;
  }

  async function showPrediction(name) {
    const query = { ...viewQuery(), ...maskQuery(), masking: name };
    const image = await serve.json("/api/reconstruction", query);
    prediction = { bits: bitsOf(name), picture: new spectrogram.Picture(image) };
    $("prediction").hidden = false;
    $("prediction-title").textContent = `What the model predicts behind the mask of ${name}`;
    for (const old of $("prediction").querySelectorAll("button")) old.remove();
    [["original", "logmel"], ["what the encoder saw", "visible"], ["reconstruction", "reconstruction"]].forEach(([text, what], i) =>
      $("prediction").querySelectorAll("figcaption")[i].append(" ", serve.playButton("hear", `hear ${text}`, () => [`/api/hear/${what}`, query])));
    showAll();
    $("prediction").scrollIntoView({ block: "nearest" });
  }

  /** Asks for the masks as the sliders stand; an older question is not waited for. */
  async function askMasks() {
    for (const id of ["ratio", "hint"]) $(id).previousElementSibling.value = Number($(id).value).toFixed(2);
    for (const id of ["seed", "from"]) $(id).previousElementSibling.value = $(id).value;
    if (!view) return;
    asked?.abort();
    asked = new AbortController();
    dropPrediction();
    masks = await serve.json("/api/masks", { ...viewQuery(), ...maskQuery() }, { signal: asked.signal });
    showTiles();
  }

  async function askView() {
    if (!sound) return;
    serve.player.stop();
    view = await serve.json("/api/view", viewQuery());
    picture = new spectrogram.Picture(view);
    $("spectrogram").replaceChildren();
    const canvas = spectrogram.withAxes($("spectrogram"), view.seconds, view.hertz);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Spectrogram of ${view.name}`);
    canvas.parentElement.append(cursor);
    $("name").textContent = view.name;
    $("about").textContent = `${view.seconds.toFixed(2)} s of ${view.whole.toFixed(2)} s · ${view.rows} × ${view.columns} patches of ${view.patch.replace("x", " bands × ")} frames`
      + (view.pieceColumns < view.columns ? `, each ${view.pieceColumns} columns masked by themselves, as the run's inputs` : "");
    $("from").max = Math.max(0, view.whole - 1).toFixed(1);
    $("from-label").hidden = view.whole <= view.seconds + .2 && Number($("from").value) === 0;
    $("patch").disabled = $("run").value !== "";
    await askMasks();
    showAll();
  }

  async function open(told) {
    sound = await told.json();
    $("from").value = 0;
    await askView();
  }
  const send = (name, body) => serve.tryTo(async () => {
    if ((body.size ?? body.byteLength) > mostBytes) throw new Error(`${name} is larger than ${Math.round(mostBytes / 2 ** 20)} MB; cut it, or have it among --data`);
    await open(await serve.post("/api/sounds", { name }, body));
  });

  // Where sounds come from.
  $("file").addEventListener("change", () => { if ($("file").files.length) send($("file").files[0].name, $("file").files[0]); });
  for (const name of ["dragover", "drop"]) addEventListener(name, event => event.preventDefault()); // anywhere: else the browser leaves the page
  addEventListener("dragover", () => $("drop").classList.add("over"));
  for (const name of ["dragleave", "drop"]) addEventListener(name, () => $("drop").classList.remove("over"));
  addEventListener("drop", event => { if (event.dataTransfer.files.length) send(event.dataTransfer.files[0].name, event.dataTransfer.files[0]); });

  let known = [];
  const find = () => serve.tryTo(async () => {
    const { names, all } = await serve.json("/api/clips", { set: $("set").value, find: $("find").value });
    known = names;
    $("names").replaceChildren(...names.map(name => Object.assign(element("option"), { value: name })));
    $("matches").value = `${all.toLocaleString("en")} clips`;
  });
  const take = clip => serve.tryTo(async () => open(await serve.post("/api/sounds/of", { set: $("set").value, clip })));
  $("set").addEventListener("change", async () => { $("find").value = ""; await find(); if (known.length) take(known[0]); });
  $("find").addEventListener("input", async () => { if (known.includes($("find").value)) take($("find").value); else await find(); });
  $("find").addEventListener("change", () => { if (!known.includes($("find").value) && known.length) take(known[0]); });

  /** 16-bit WAV of samples in -1..1. */
  function wav(samples, rate) {
    const bytes = new DataView(new ArrayBuffer(44 + 2 * samples.length));
    const text = (at, word) => [...word].forEach((letter, i) => bytes.setUint8(at + i, letter.charCodeAt(0)));
    text(0, "RIFF"); bytes.setUint32(4, 36 + 2 * samples.length, true); text(8, "WAVEfmt "); bytes.setUint32(16, 16, true);
    bytes.setUint16(20, 1, true); bytes.setUint16(22, 1, true); bytes.setUint32(24, rate, true); bytes.setUint32(28, 2 * rate, true);
    bytes.setUint16(32, 2, true); bytes.setUint16(34, 16, true); text(36, "data"); bytes.setUint32(40, 2 * samples.length, true);
    samples.forEach((value, i) => bytes.setInt16(44 + 2 * i, Math.round(32767 * Math.max(-1, Math.min(1, value))), true));
    return bytes.buffer;
  }

  let recorder = null;
  $("record").addEventListener("click", () => serve.tryTo(async () => {
    if (recorder) { recorder.stop(); return; }
    if (!navigator.mediaDevices) throw new Error("the browser gives the microphone to pages of this machine alone; open the page as http://localhost, through a tunnel where the server is elsewhere");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
    } catch (error) {
      throw new Error(`no microphone: ${error.message}`, { cause: error });
    }
    const pieces = [];
    recorder = new MediaRecorder(stream);
    recorder.addEventListener("dataavailable", ({ data: piece }) => pieces.push(piece));
    recorder.addEventListener("stop", () => serve.tryTo(async () => {
      stream.getTracks().forEach(track => track.stop());
      clearTimeout(end);
      recorder = null;
      $("record").textContent = "Record";
      $("record").setAttribute("aria-pressed", "false");
      const context = new AudioContext(), heard = await context.decodeAudioData(await new Blob(pieces).arrayBuffer());
      await context.close();
      await send("recording", wav(heard.getChannelData(0), heard.sampleRate));
    }));
    recorder.start();
    const end = setTimeout(() => recorder?.stop(), 1000 * MostRecorded);
    $("record").textContent = "Stop recording";
    $("record").setAttribute("aria-pressed", "true");
  }));

  /** Gliding harmonics, clicks and a burst of noise, the same every time. */
  function madeUp() {
    const samples = new Float32Array(6.08 * MadeUpRate);
    let phase = 0, noise = 1;
    samples.forEach((_, i) => {
      const time = i / MadeUpRate;
      phase += 2 * Math.PI * (220 + 120 * Math.sin(1.7 * time)) / MadeUpRate;
      noise = (noise * 48271) % 2147483647;
      const voice = time % 2 < 1.4 ? [1, 2, 3, 5, 8].reduce((sum, order) => sum + Math.sin(order * phase) / order, 0) : 0;
      const click = Math.exp(-((time % .76) * 90)) * Math.sin(2 * Math.PI * 2600 * time), hiss = time > 3.2 && time < 4.4 ? noise / 2147483647 - .5 : 0;
      samples[i] = .22 * voice + .5 * click + .3 * hiss;
    });
    return send("a made-up sound", wav(samples, MadeUpRate));
  }
  $("made-up").addEventListener("click", madeUp);

  for (const id of ["ratio", "hint", "seed"]) $(id).addEventListener("input", () => serve.tryTo(askMasks));
  for (const id of ["patch", "run"]) $(id).addEventListener("change", () => serve.tryTo(askView));
  $("from").addEventListener("change", () => serve.tryTo(askView));
  $("from").addEventListener("input", () => { $("from").previousElementSibling.value = $("from").value; });
  $("compare").addEventListener("change", () => { if (picture) showTiles(); });
  new ResizeObserver(showAll).observe($("tiles"));
  draw(() => { picture?.repaint(); prediction?.picture.repaint(); showAll(); });

  // A page that shows something at once.
  addEventListener("DOMContentLoaded", async () => {
    await serve.tryTo(askMasks);
    if (sets.length) await find();
    if (known.length) await take(known[0]);
    if (!sound) await madeUp();
  });
}
