"use strict";
// Draws the charts of a report with Apache ECharts. Series differ by colour and by line or symbol, so that neither alone carries meaning.
// A kind of chart is a record { height, options, csv }; charts-*.js add kinds of their own to otomask.charts.kinds.
otomask.charts = (() => {
  const dashes = ["solid", [7, 4], [2, 3], [9, 3, 2, 3], [12, 5], [4, 2], [1, 4]];
  const symbols = ["circle", "rect", "triangle", "diamond", "roundRect", "pin", "arrow"];
  const short = value => {
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(1);
    if (size >= 1e4) return `${Number((value / 1000).toFixed(1))}k`;
    return `${Number(value.toPrecision(4))}`;
  };

  const theme = () => {
    const soft = otomask.colour("--soft"), line = otomask.colour("--line");
    const font = { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12, color: soft };
    return {
      colours: [1, 2, 3, 4, 5, 6, 7].map(i => otomask.colour(`--data-${i}`)),
      ink: otomask.colour("--ink"), card: otomask.colour("--card"), sunken: otomask.colour("--sunken"), soft, line, font,
      axis: {
        nameTextStyle: font, axisLabel: { ...font, hideOverlap: true }, nameLocation: "middle",
        axisLine: { lineStyle: { color: line } }, axisTick: { lineStyle: { color: line } }, splitLine: { lineStyle: { color: line } },
      },
    };
  };

  /** Every series keeps its look on all charts of a page where the data gives it a number; else its place decides. */
  const styleOf = (series, place) => series.style ?? place;
  const colourOf = (look, style) => look.colours[style % look.colours.length];

  /** The series that the legend names: thin members of a curve go by the curve's name. */
  const named = ({ series }) => series.filter(({ member }) => !member);

  /** Height of the legend: its entries wrap, and the plot has to make room for the rows. Lines have wider icons than marks. */
  const legendHeight = (chart, width) => named(chart).length < 2 ? 0
    : 10 + 20 * Math.ceil(named(chart).reduce((sum, { name }) => sum + (chart.kind === "lines" ? 46 : 31) + 6.6 * name.length, 0) / width);

  const common = (chart, { font, card, line, ink, colours }, width) => ({
    animation: false,
    color: colours,
    textStyle: font,
    aria: { enabled: true, label: { description: chart.title } },
    tooltip: { confine: true, backgroundColor: card, borderColor: line, textStyle: { ...font, color: ink } },
    legend: { show: named(chart).length > 1, bottom: 0, textStyle: font, itemWidth: 26, itemHeight: 9 },
    grid: { left: 8, right: 18, top: 14, bottom: 4 + legendHeight(chart, width), outerBoundsMode: "same" },
  });

  const valueAxis = (look, name) => ({ ...look.axis, type: "value", name, scale: true, axisLabel: { ...look.axis.axisLabel, formatter: short } });

  /** Means over a share of the points. */
  const runningMean = (points, share = 1 / 30) => {
    const reach = Math.max(1, Math.round(points.length * share / 2));
    return points.map(([x], i) => {
      const near = points.slice(Math.max(0, i - reach), i + reach + 1).map(([, y]) => y).filter(y => y !== null);
      return [x, near.length ? Number((near.reduce((sum, y) => sum + y, 0) / near.length).toPrecision(6)) : null];
    });
  };

  /** The y axis fits the curves; one that does not move sits in the middle, at a tick. */
  const yRange = ({ series, fromZero }) => {
    const values = series.flatMap(({ points }) => points.map(([, y]) => y)).filter(y => y !== null);
    const low = values.reduce((least, y) => Math.min(least, y), Infinity), high = values.reduce((most, y) => Math.max(most, y), -Infinity);
    if (fromZero) return { min: 0 };
    if (low < high || !values.length) return { scale: true };
    const reach = Math.abs(low) / 10 || 1;
    return { min: low - reach, max: low + reach, interval: reach };
  };

  const lines = {
    height: () => 256,
    csv: ({ xLabel, title, series }) => [["curve", "member", xLabel, title],
      ...series.flatMap(({ name, member, points }) => points.map(point => [name, member ?? "", ...point]))],
    options(chart, look, width) {
      const base = common(chart, look, width);
      const drawn = chart.series.flatMap((series, i) => {
        const { name, member, points } = series, style = styleOf(series, i);
        const line = {
          name, type: "line", data: points, symbol: symbols[style % symbols.length], symbolSize: 6, showSymbol: points.length <= 40, z: 3,
          color: colourOf(look, style), lineStyle: { width: 2, type: dashes[(style + Math.floor(style / look.colours.length)) % dashes.length] },
        };
        const faint = { showSymbol: false, silent: true, tooltip: { show: false }, lineStyle: { width: 1, opacity: .28 }, z: 2 };
        if (member) return [{ ...line, ...faint }];
        if (!chart.smooth || chart.reach === 0 || points.length < 60) return [line];
        return [{ ...line, ...faint, name: `${name} (raw)` }, { ...line, data: runningMean(points, chart.reach), showSymbol: false }];
      });
      return {
        ...base,
        legend: { ...base.legend, data: named(chart).map(({ name }) => name) },
        tooltip: { ...base.tooltip, trigger: "axis", valueFormatter: value => value === null ? "none" : short(value) },
        xAxis: { ...look.axis, type: "value", name: chart.xLabel, nameGap: 26, min: ({ min, max }) => min > 0 && min < max / 50 ? 0 : min, max: "dataMax", splitLine: { show: false },
          axisLabel: { ...look.axis.axisLabel, formatter: short, showMinLabel: true, showMaxLabel: true } },
        yAxis: { ...look.axis, ...chart.log ? { type: "log", scale: true } : { type: "value", ...yRange(chart) }, axisLabel: { ...look.axis.axisLabel, formatter: short } },
        dataZoom: [{ type: "inside", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, moveOnMouseMove: "shift" }],
        series: drawn,
      };
    },
  };

  // Marks by their points, 9 pixels wide; the look after the sixth is a circle again, in grey.
  const outlines = [null, [[-4, -4], [4, -4], [4, 4], [-4, 4]], [[0, -5.5], [5.5, 4], [-5.5, 4]], [[0, -6], [5.5, 0], [0, 6], [-5.5, 0]], [[-5.5, -4], [5.5, -4], [0, 5.5]],
    [[-2, -5.5], [2, -5.5], [2, -2], [5.5, -2], [5.5, 2], [2, 2], [2, 5.5], [-2, 5.5], [-2, 2], [-5.5, 2], [-5.5, -2], [-2, -2]], null];

  /** Shape and filling of a look. Relatives of a series (colours once round) have its shape, hollow. */
  const shapeOf = style => {
    const round = Math.floor(style / outlines.length), look = style % outlines.length;
    return { outline: outlines[(look + Math.max(0, round - 1)) % outlines.length], hollow: round > 0 || look === 6 };
  };

  const mark = (look, style, x, y) => {
    const colour = colourOf(look, style), { outline, hollow } = shapeOf(style);
    const shape = outline ? { type: "polygon", shape: { points: outline.map(([dx, dy]) => [x + dx, y + dy]) } } : { type: "circle", shape: { cx: x, cy: y, r: 4.5 } };
    return { ...shape, style: { fill: hollow ? look.card : colour, stroke: colour, lineWidth: 2 } };
  };

  const stroke = (colour, x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: { stroke: colour, lineWidth: 2 } });

  /** The legend of a chart of marks. */
  const markLegend = (chart, look, base) => ({ ...base.legend, itemWidth: 11, itemHeight: 11, data: named(chart).map((series, i) => {
    const style = styleOf(series, i), colour = colourOf(look, style), { outline, hollow } = shapeOf(style);
    return { name: series.name, icon: outline ? `path://M${outline.map(point => point.join()).join("L")}Z` : "circle",
      itemStyle: { color: hollow ? look.card : colour, borderColor: colour, borderWidth: 2 } };
  }) });

  const intervals = {
    height: ({ categories, series }) => 46 + categories.length * Math.max(34, 18 * series.length + 12),
    csv: ({ categories, series, xLabel }) => [["row", "series", xLabel, "low", "high"],
      ...categories.flatMap((category, row) => series.flatMap(({ name, estimates }) => estimates[row] ? [[category, name, ...estimates[row]]] : []))],
    options(chart, look, width) {
      const base = common(chart, look, width), { categories, series, markZero } = chart;
      const places = series.map((_, i) => (i - (series.length - 1) / 2) * Math.min(.8 / series.length, .24));
      return {
        ...base,
        legend: markLegend(chart, look, base),
        tooltip: { ...base.tooltip, formatter: ({ seriesName, data: [value, row, low, high] }) =>
          otomask.element("span", "", `${categories[row]}, ${seriesName}: ${short(value)} (${short(low)} to ${short(high)})`) },
        xAxis: { ...valueAxis(look, chart.xLabel), nameGap: 26 },
        yAxis: { ...look.axis, type: "category", data: categories, inverse: true, axisTick: { show: false },
          axisLabel: { ...look.font, color: look.ink, width: 130, overflow: "break" } },
        series: series.map((one, i) => ({
          name: one.name, type: "custom", color: colourOf(look, styleOf(one, i)), encode: { x: [0, 2, 3], y: 1 },
          data: one.estimates.flatMap((estimate, row) => estimate ? [[estimate[0], row, estimate[1], estimate[2]]] : []),
          renderItem: (_, api) => {
            const band = api.size([0, 1])[1], row = api.value(1), colour = colourOf(look, styleOf(one, i));
            const [[x, y], [low], [high]] = [0, 2, 3].map(index => api.coord([api.value(index), row]));
            const middle = y + places[i] * band;
            return { type: "group", children: [
              stroke(colour, low, middle, high, middle), stroke(colour, low, middle - 4, low, middle + 4), stroke(colour, high, middle - 4, high, middle + 4),
              mark(look, styleOf(one, i), x, middle),
            ] };
          },
          markLine: markZero && i === 0
            ? { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: look.soft, type: "solid", width: 1 }, data: [{ xAxis: 0 }] }
            : undefined,
        })),
      };
    },
  };

  /** Draws a figure, and again when its width, the page's face or one of its choices changes. Returns what draws it with other data, and what makes a picture of it. */
  function live(figure, first) {
    let chart = figure.chart = first;
    const plot = figure.querySelector(".plot"), kind = kinds[chart.kind];
    const drawn = echarts.init(plot, null, { renderer: "svg" });
    const choices = [...(figure.closest("[data-choices]") ?? figure).querySelectorAll("[data-choice]")];
    const chosen = name => Number(choices.find(choice => choice.dataset.choice === name).value);
    let isStale = false, isInView = true;
    const show = () => {
      isStale = false;
      if (!plot.clientWidth) return; // not laid out yet, or in a window without width: what is drawn there is nonsense, and the observer comes back
      for (const { previousElementSibling: told, dataset, value } of choices) if (dataset.steps) told.value = dataset.steps.split("|")[value];
      plot.style.height = `${kind.height(chart, plot.clientWidth, chosen) + (chart.series ? legendHeight(chart, plot.clientWidth) : 0)}px`;
      drawn.resize();
      drawn.setOption(kind.options(chart, theme(), plot.clientWidth, chosen), true);
    };
    otomask.draw(show);
    for (const choice of choices) choice.addEventListener("input", show);
    let width = plot.clientWidth;
    new ResizeObserver(() => {
      if (plot.clientWidth === width) return;
      width = plot.clientWidth;
      show();
    }).observe(plot);
    // What nobody sees is drawn when somebody looks: a chart costs more to draw than all else of a page that follows a training.
    const showIfSeen = () => { if (isStale && isInView && !document.hidden) show(); };
    new IntersectionObserver(entries => { isInView = entries.at(-1).isIntersecting; showIfSeen(); }, { rootMargin: "200px" }).observe(plot);
    document.addEventListener("visibilitychange", showIfSeen);
    addEventListener("beforeprint", () => { if (isStale) show(); });
    figure.append(otomask.download(chart.title, () => kind.csv(chart, chosen)));
    return {
      update(next) {
        chart = figure.chart = next;
        isStale = true;
        showIfSeen();
      },
      /** Is told what was pressed: ECharts' own description of it. */
      onPress(act) { drawn.on("click", act); },
      /** As PNG of twice the size on the screen, as a data URL. */
      async png() {
        if (isStale) show();
        const svg = plot.querySelector("svg"), picture = new Image();
        picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`;
        await picture.decode();
        const canvas = Object.assign(document.createElement("canvas"), { width: 2 * svg.clientWidth, height: 2 * svg.clientHeight }), context = canvas.getContext("2d");
        context.fillStyle = otomask.colour("--card");
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.drawImage(picture, 0, 0, canvas.width, canvas.height);
        return canvas.toDataURL("image/png");
      },
    };
  }

  const start = figure => live(figure, otomask.data(figure.dataset.chart));

  const kinds = { lines, intervals };
  addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-chart]").forEach(start));
  return { kinds, live, short, common, valueAxis, styleOf, colourOf, shapeOf, mark, stroke, markLegend };
})();
