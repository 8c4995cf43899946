"use strict";
// What something costs against what it gives: a dot with the interval of its height for each series, and dashed links between relatives.
otomask.charts.kinds.scatter = (() => {
  const { short, common, valueAxis, styleOf, colourOf, mark, stroke, markLegend } = otomask.charts;

  /** Dots of equal cost would hide each other: they stand side by side, each this many pixels off. */
  const sidestep = (series, i) => {
    const widest = Math.max(...series.map(({ point: [x] }) => x)), near = series.filter(({ point: [x] }) => Math.abs(x - series[i].point[0]) < widest / 50);
    return 11 * (near.indexOf(series[i]) - (near.length - 1) / 2);
  };

  return {
    height: () => 320,
    csv: ({ series, xLabel, yLabel }) => [["series", xLabel, yLabel, "low", "high"], ...series.map(({ name, point }) => [name, ...point])],
    options(chart, look, width) {
      const base = common(chart, look, width), place = name => chart.series.findIndex(series => series.name === name);
      const links = chart.links.map(([from, to]) => ({
        type: "line", silent: true, symbol: "none", tooltip: { show: false }, data: [from, to].map(name => chart.series[place(name)].point.slice(0, 2)),
        lineStyle: { color: colourOf(look, styleOf(chart.series[place(from)], place(from))), width: 1.5, type: [4, 4] },
      }));
      return {
        ...base,
        grid: { ...base.grid, left: 28, top: 24 },
        legend: markLegend(chart, look, base),
        tooltip: { ...base.tooltip, formatter: ({ seriesName, data: [x, y, low, high] }) => otomask.element("span", "",
          `${seriesName}: ${short(y)} (${short(low)} to ${short(high)}), ${chart.xLabel} ${short(x)}`) },
        xAxis: { ...valueAxis(look, chart.xLabel), nameGap: 26, min: 0 },
        yAxis: { ...valueAxis(look, chart.yLabel), nameGap: 38 },
        series: [...links, ...chart.series.map((one, i) => ({
          name: one.name, type: "custom", color: colourOf(look, styleOf(one, i)), encode: { x: 0, y: [1, 2, 3] }, data: [one.point], z: 4, clip: false,
          renderItem: (_, api) => {
            const colour = colourOf(look, styleOf(one, i));
            const [[place, y], [, low], [, high]] = [1, 2, 3].map(index => api.coord([api.value(0), api.value(index)])), x = place + sidestep(chart.series, i);
            return { type: "group", children: [
              stroke(colour, x, low, x, high), stroke(colour, x - 4, low, x + 4, low), stroke(colour, x - 4, high, x + 4, high),
              mark(look, styleOf(one, i), x, y),
            ] };
          },
        }))],
      };
    },
  };
})();
