"use strict";
// The mask gallery: under each clip one tile for each strategy; two sliders or lists choose which of its masks all of them show.
for (const gallery of document.querySelectorAll("[data-gallery]")) {
  const { element, spectrogram } = otomask;
  const { strategies, axes } = otomask.data(gallery.dataset.gallery);
  const sliders = axes.map(({ name }) => gallery.querySelector(`[data-slider="${name}"]`));
  gallery.querySelector(".scale i").style.background = spectrogram.scale;

  const clips = [...gallery.querySelectorAll("[data-clip]")].map(article => {
    const clip = otomask.data(article.dataset.clip), picture = new spectrogram.Picture(clip);
    const whole = spectrogram.withAxes(article, clip.seconds, clip.hertz);
    whole.setAttribute("role", "img");
    whole.setAttribute("aria-label", `Spectrogram of ${clip.name}`);
    const tiles = article.appendChild(element("div", "tiles"));
    return { clip, picture, whole, tiles: strategies.map(strategy => addTile(tiles, strategy)) };
  });

  function addTile(parent, { name, summary, reads }) {
    const tile = element("figure", "tile"), canvas = element("canvas"), caption = element("figcaption");
    const count = element("span", "count");
    caption.append(count, element("b", "", name), element("br"), element("span", "badge", `reads ${reads}`), summary);
    canvas.setAttribute("role", "img");
    tile.append(canvas, caption);
    parent.append(tile);
    return { name, canvas, count };
  }

  function show() {
    const [first, second] = sliders.map(({ value }) => Number(value));
    sliders.forEach((slider, i) => { slider.previousElementSibling.value = axes[i].steps[slider.value]; });
    for (const { clip, picture, whole, tiles } of clips) {
      picture.draw(whole, null);
      for (const { name, canvas, count } of tiles) {
        const drawable = clip.masks[name]?.[first] ?? [];
        // A step that changes nothing has no mask of its own.
        const drawn = drawable[second] ?? drawable[0];
        picture.draw(canvas, drawn ? spectrogram.bytes(drawn.bits) : null);
        count.textContent = drawn ? `${drawn.masked} of ${clip.rows * clip.columns} masked` : "no mask here";
        canvas.setAttribute("aria-label", `Mask of ${name} on ${clip.name}: ${count.textContent}`);
      }
    }
  }

  for (const slider of sliders) slider.addEventListener("input", show);
  new ResizeObserver(show).observe(gallery);
  otomask.draw(() => {
    clips.forEach(({ picture }) => picture.repaint());
    show();
  });
}

// Original, masked and reconstructed spectrogram side by side.
for (const trio of document.querySelectorAll("[data-trio]")) {
  const { original, reconstruction, mask } = otomask.data(trio.dataset.trio), { Picture, bytes } = otomask.spectrogram;
  const before = new Picture(original), after = new Picture(reconstruction), bits = bytes(mask);
  const [whole, masked, predicted] = trio.querySelectorAll("canvas");
  const show = () => {
    before.draw(whole, null);
    before.draw(masked, bits);
    after.draw(predicted, null);
  };
  new ResizeObserver(show).observe(trio);
  otomask.draw(() => { before.repaint(); show(); });
}
