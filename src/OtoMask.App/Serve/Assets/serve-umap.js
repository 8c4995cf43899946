"use strict";
// A worker: arranges points so that neighbours lie together (UMAP), while the page goes on.
importScripts("/assets/umap.min.js");

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
const numbers = seed => () => {
  seed = seed + 0x6d2b79f5 | 0;
  let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed);
  mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
  return ((mixed ^ mixed >>> 14) >>> 0) / 4294967296;
};

addEventListener("message", ({ data: { points, directions, seed } }) => {
  const rows = Array.from({ length: points.length / directions }, (_, i) => Array.from(points.subarray(i * directions, (i + 1) * directions)));
  const umap = new UMAP({ nComponents: 2, nNeighbors: Math.min(15, rows.length - 1), minDist: .1, random: numbers(seed) });
  const epochs = umap.initializeFit(rows);
  for (let epoch = 0; epoch < epochs; epoch++) {
    umap.step();
    if (epoch % 20 === 0) postMessage({ share: epoch / epochs });
  }
  postMessage({ places: umap.getEmbedding() });
});
