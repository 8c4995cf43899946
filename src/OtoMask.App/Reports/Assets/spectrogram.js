"use strict";
// Draws log-mel spectrograms and the patches that a mask hides.
otomask.spectrogram = (() => {
  // Sixteen steps of matplotlib's "magma" (Smith and van der Walt, 2015, CC0): lightness grows evenly with loudness.
  const magma = ["000004", "0b0924", "20114b", "3b0f70", "57157e", "721f81", "8c2981", "a8327d",
    "c43c75", "de4968", "f1605d", "fa7f5e", "fe9f6d", "febf84", "fddea0", "fcfdbf"].map(hex =>
    [0, 2, 4].map(i => parseInt(hex.slice(i, i + 2), 16)));

  /** 256 colours, evenly between the given stops: [[r, g, b], ...]. */
  const ramp = stops => Array.from({ length: 256 }, (_, level) => {
    const place = level / 255 * (stops.length - 1), low = Math.min(Math.floor(place), stops.length - 2), share = place - low;
    return stops[low].map((value, channel) => Math.round(value + (stops[low + 1][channel] - value) * share));
  });
  const loudness = ramp(magma);
  const rgb = css => css.match(/[\d.]+/g).slice(0, 3).map(Number);
  const bytes = base64 => Uint8Array.from(atob(base64), character => character.charCodeAt(0));

  /** One pixel for each value of levels [bands, frames] (band 0 = lowest = bottom row). */
  const paint = (levels, bands, frames, colours) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: frames, height: bands });
    const context = canvas.getContext("2d"), image = context.createImageData(frames, bands);
    for (let band = 0; band < bands; band++) {
      for (let frame = 0; frame < frames; frame++) {
        const at = 4 * ((bands - 1 - band) * frames + frame), [r, g, b] = colours[levels[band * frames + frame]];
        image.data[at] = r; image.data[at + 1] = g; image.data[at + 2] = b; image.data[at + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
    return canvas;
  };

  /** Sizes a canvas for the screen it is on; false while the page is not laid out. */
  const fit = canvas => {
    const { width, height } = canvas.getBoundingClientRect(), density = Math.max(devicePixelRatio, 1.5);
    if (!width || !height) return false;
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    return true;
  };

  /** True where the patch is masked; ids run along time, then up in frequency; least significant bit first. */
  const isMasked = (bits, id) => (bits[id >> 3] >> (id & 7) & 1) === 1;

  /** A clip's pictures, painted once for each face of the page. */
  class Picture {
    constructor({ bands, frames, rows, columns, levels }) {
      Object.assign(this, { bands, frames, rows, columns, levels: bytes(levels) });
      this.colour = paint(this.levels, bands, frames, loudness);
      this.repaint();
    }

    repaint() {
      this.veiled = paint(this.levels, this.bands, this.frames,
        ramp([rgb(otomask.colour("--veil-quiet")), rgb(otomask.colour("--veil-loud"))]));
    }

    /** The spectrogram, with the patches of `bits` (a Uint8Array, or null for none) greyed out. */
    draw(canvas, bits) {
      if (!fit(canvas)) return;
      const context = canvas.getContext("2d"), { width, height } = canvas;
      context.imageSmoothingQuality = "high";
      context.drawImage(this.colour, 0, 0, width, height);
      if (!bits) return;
      const x = column => Math.round(column * width / this.columns), y = row => Math.round(height - row * height / this.rows);
      context.beginPath();
      for (let id = 0; id < this.rows * this.columns; id++) {
        if (!isMasked(bits, id)) continue;
        const row = Math.floor(id / this.columns), column = id % this.columns;
        context.rect(x(column), y(row + 1), x(column + 1) - x(column), y(row) - y(row + 1));
      }
      context.save();
      context.clip();
      context.drawImage(this.veiled, 0, 0, width, height);
      context.restore();
    }

    /** Frames patches in a colour, with a stroke through each where `struck`: colour alone carries no meaning. */
    mark(canvas, ids, colour, struck) {
      const context = canvas.getContext("2d"), { width, height } = canvas, wide = width / this.columns, high = height / this.rows, line = Math.max(2, Math.min(wide, high) / 9);
      context.strokeStyle = colour;
      context.lineWidth = line;
      for (const id of ids) {
        const x = id % this.columns * wide, y = height - (Math.floor(id / this.columns) + 1) * high;
        context.strokeRect(x + line / 2, y + line / 2, wide - line, high - line);
        if (!struck) continue;
        context.beginPath();
        context.moveTo(x + line, y + high - line);
        context.lineTo(x + wide - line, y + line);
        context.stroke();
      }
    }
  }

  /** Ticks of the time axis: [{ at: share of the width, text }]. */
  const timeTicks = seconds => {
    const step = [.05, .1, .2, .5, 1, 2, 5, 10, 20, 60, 120, 300, 600].find(size => seconds / size <= 8) ?? 3600;
    return Array.from({ length: Math.floor(seconds / step + 1e-9) + 1 }, (_, i) =>
      ({ at: i * step / seconds, text: `${Number((i * step).toFixed(2))}` }));
  };

  /** Ticks of the frequency axis from the bands' centres in Hz. */
  const frequencyTicks = hertz => [100, 500, 1000, 2000, 4000, 8000, 16000].flatMap(tick => {
    const above = hertz.findIndex(centre => centre >= tick);
    if (above < 1) return [];
    const place = above - (hertz[above] - tick) / (hertz[above] - hertz[above - 1]);
    return [{ at: (place + .5) / hertz.length, text: tick < 1000 ? `${tick}` : `${tick / 1000}k` }];
  });

  /** Puts a canvas in a frame with ticks in seconds and hertz; returns the canvas. */
  const withAxes = (parent, seconds, hertz) => {
    const { element } = otomask, frame = element("div", "axes"), canvas = element("canvas");
    frame.append(canvas, element("span", "unit hz", "Hz"), element("span", "unit s", "seconds"));
    frame.append(...frequencyTicks(hertz).map(({ at, text }) =>
      Object.assign(element("span", "tick hz", text), { style: `bottom: ${100 * at}%` })));
    frame.append(...timeTicks(seconds).map(({ at, text }) =>
      Object.assign(element("span", "tick s", text), { style: `left: ${100 * at}%` })));
    parent.append(frame);
    return canvas;
  };

  return { Picture, bytes, isMasked, withAxes, scale: `linear-gradient(90deg, ${loudness.filter((_, i) => i % 15 === 0).map(c => `rgb(${c})`)})` };
})();
