// UMAP for the worker that arranges neighbours on a map of clips.
import { UMAP } from "umap-js";

globalThis.UMAP = UMAP;
