"use strict";
// What every report page has: its data, its colours, the light/dark button and the line of contents.
const otomask = (() => {
  const listeners = [];
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const probe = document.body.appendChild(Object.assign(document.createElement("span"), { hidden: true }));

  /** The JSON embedded under this id. */
  const data = id => JSON.parse(document.getElementById(id).textContent);

  /** A CSS colour variable as the current face of the page shows it: "rgb(r, g, b)". */
  const colour = name => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };

  /** Draws now, and again whenever the page changes between light and dark or is printed. */
  const draw = drawing => {
    listeners.push(drawing);
    drawing();
  };
  const redraw = () => listeners.forEach(drawing => drawing());

  const element = (tag, className, text) =>
    Object.assign(document.createElement(tag), className ? { className } : {}, text === undefined ? {} : { textContent: text });

  const root = document.documentElement;
  const isDark = () => root.style.colorScheme ? root.style.colorScheme === "dark" : systemDark.matches;
  const button = document.getElementById("theme");
  const label = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to the ${isDark() ? "light" : "dark"} face`);
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.style.colorScheme = isDark() ? "light" : "dark";
    label();
    redraw();
  });
  systemDark.addEventListener("change", () => { label(); redraw(); });
  label();

  let beforePrint = "";
  addEventListener("beforeprint", () => { beforePrint = root.style.colorScheme; root.style.colorScheme = "light"; redraw(); });
  addEventListener("afterprint", () => { root.style.colorScheme = beforePrint; redraw(); });

  const sections = [...document.querySelectorAll("[data-section]")];
  if (sections.length > 2) {
    const contents = document.getElementById("contents");
    contents.hidden = false;
    contents.append(...sections.map(section =>
      Object.assign(element("a", "", section.dataset.section), { href: `#${section.id}` })));
  }

  const csv = rows => rows.map(row => row.map(cell =>
    typeof cell === "string" && /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell ?? "").join(",") + "\n").join("");

  const fileName = (name, kind) => `${name.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.${kind}`;

  /** A link that saves rows as CSV; they are made when it is pressed. */
  const download = (name, rows) => {
    const link = Object.assign(element("a", "download", "CSV"), { href: "#", download: fileName(name, "csv") });
    link.setAttribute("aria-label", `${name} as CSV`);
    link.addEventListener("click", () => { link.href = `data:text/csv;charset=utf-8,${encodeURIComponent(csv(rows()))}`; });
    return link;
  };
  for (const place of document.querySelectorAll("[data-csv]")) place.append(download(place.dataset.name, () => data(place.dataset.csv)));

  return { data, colour, draw, element, download, fileName };
})();
