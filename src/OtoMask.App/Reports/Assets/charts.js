"use strict";
// Draws the charts of a report with Apache ECharts. Series differ by colour and by line or symbol, so that neither alone carries meaning.
(() => {
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
      ink: otomask.colour("--ink"), card: otomask.colour("--card"), soft, line, font,
      axis: {
        nameTextStyle: font, axisLabel: { ...font, hideOverlap: true }, nameLocation: "middle",
        axisLine: { lineStyle: { color: line } }, axisTick: { lineStyle: { color: line } }, splitLine: { lineStyle: { color: line } },
      },
    };
  };

  /** Height of the legend: its entries wrap, and the plot has to make room for the rows. */
  const legendHeight = ({ series }, width) => series.length < 2 ? 0
    : 10 + 20 * Math.ceil(series.reduce((sum, { name }) => sum + 54 + 6.6 * name.length, 0) / width);

  const common = (chart, { font, card, line, ink, colours }, width) => ({
    animation: false,
    color: colours,
    textStyle: font,
    aria: { enabled: true, label: { description: chart.title } },
    tooltip: { confine: true, backgroundColor: card, borderColor: line, textStyle: { ...font, color: ink } },
    legend: { show: chart.series.length > 1, bottom: 0, textStyle: font, itemWidth: 26, itemHeight: 9 },
    grid: { left: 8, right: 18, top: 14, bottom: 4 + legendHeight(chart, width), outerBoundsMode: "same" },
  });

  const runningMean = points => {
    const reach = Math.max(1, Math.round(points.length / 60));
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

  function lines(chart, look, width) {
    const base = common(chart, look, width);
    const drawn = chart.series.flatMap(({ name, points }, i) => {
      const line = {
        name, type: "line", data: points, symbol: symbols[i % symbols.length], symbolSize: 6, showSymbol: points.length <= 40,
        color: look.colours[i % look.colours.length], lineStyle: { width: 2, type: dashes[i % dashes.length] },
      };
      if (!chart.smooth || points.length < 60) return [line];
      return [
        { ...line, name: `${name} (raw)`, showSymbol: false, silent: true, tooltip: { show: false }, lineStyle: { width: 1, opacity: .28 } },
        { ...line, data: runningMean(points), showSymbol: false },
      ];
    });
    return {
      ...base,
      legend: { ...base.legend, data: chart.series.map(({ name }) => name) },
      tooltip: { ...base.tooltip, trigger: "axis", valueFormatter: value => value === null ? "none" : short(value) },
      xAxis: { ...look.axis, type: "value", name: chart.xLabel, nameGap: 26, min: "dataMin", max: "dataMax", splitLine: { show: false },
        axisLabel: { ...look.axis.axisLabel, formatter: short, showMinLabel: true, showMaxLabel: true } },
      yAxis: { ...look.axis, type: "value", ...yRange(chart), axisLabel: { ...look.axis.axisLabel, formatter: short } },
      dataZoom: [{ type: "inside", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, moveOnMouseMove: "shift" }],
      series: drawn,
    };
  }

  function intervals(chart, look, width) {
    const base = common(chart, look, width), { categories, series, markZero } = chart;
    const places = series.map((_, i) => (i - (series.length - 1) / 2) * Math.min(.8 / series.length, .24));
    return {
      ...base,
      legend: { ...base.legend, itemWidth: 11, itemHeight: 11, data: series.map(({ name }, i) => ({ name, icon: symbols[i % 3],
        itemStyle: i < 3 ? {} : { color: look.card, borderColor: look.colours[i], borderWidth: 2 } })) },
      tooltip: { ...base.tooltip, formatter: ({ seriesName, data: [value, row, low, high] }) =>
        otomask.element("span", "", `${categories[row]}, ${seriesName}: ${short(value)} (${short(low)} to ${short(high)})`) },
      xAxis: { ...look.axis, type: "value", name: chart.xLabel, nameGap: 26, scale: true,
        axisLabel: { ...look.axis.axisLabel, formatter: short } },
      yAxis: { ...look.axis, type: "category", data: categories, inverse: true, axisTick: { show: false },
        axisLabel: { ...look.font, color: look.ink, width: 130, overflow: "break" } },
      series: series.map(({ name, estimates }, i) => ({
        name, type: "custom", color: look.colours[i % look.colours.length], encode: { x: [0, 2, 3], y: 1 },
        data: estimates.flatMap((estimate, row) => estimate ? [[estimate[0], row, estimate[1], estimate[2]]] : []),
        renderItem: (_, api) => {
          const band = api.size([0, 1])[1], at = (index, row) => api.coord([api.value(index), row]);
          const row = api.value(1), shift = places[i] * band, colour = api.visual("color");
          const [x, y] = at(0, row), [low] = at(2, row), [high] = at(3, row), middle = y + shift;
          const stroke = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: { stroke: colour, lineWidth: 2 } });
          const mark = i % 3 === 0 ? { type: "circle", shape: { cx: x, cy: middle, r: 4.5 } }
            : i % 3 === 1 ? { type: "rect", shape: { x: x - 4, y: middle - 4, width: 8, height: 8 } }
            : { type: "polygon", shape: { points: [[x, middle - 5.5], [x + 5.5, middle + 4], [x - 5.5, middle + 4]] } };
          return { type: "group", children: [
            stroke(low, middle, high, middle), stroke(low, middle - 4, low, middle + 4), stroke(high, middle - 4, high, middle + 4),
            { ...mark, style: { fill: i < 3 ? colour : look.card, stroke: colour, lineWidth: 2 } },
          ] };
        },
        markLine: markZero && i === 0
          ? { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: look.soft, type: "solid", width: 1 }, data: [{ xAxis: 0 }] }
          : undefined,
      })),
    };
  }

  for (const figure of document.querySelectorAll("[data-chart]")) {
    const chart = otomask.data(figure.dataset.chart), plot = figure.querySelector(".plot");
    const options = chart.kind === "intervals" ? intervals : lines;
    const drawn = echarts.init(plot, null, { renderer: "svg" });
    const show = () => {
      const rows = chart.kind === "intervals" ? chart.categories.length * Math.max(34, 18 * chart.series.length + 12) : 210;
      plot.style.height = `${rows + 46 + legendHeight(chart, plot.clientWidth)}px`;
      drawn.resize();
      drawn.setOption(options(chart, theme(), plot.clientWidth), true);
    };
    otomask.draw(show);
    let width = plot.clientWidth;
    new ResizeObserver(() => {
      if (plot.clientWidth === width) return;
      width = plot.clientWidth;
      show();
    }).observe(plot);
  }
})();
