"use strict";
// Coloured grids: where masks fall on the patch grid (orange = more often than chance, blue = less), and which classes are taken for which.
(() => {
  const { kinds, short, common } = otomask.charts;
  const cells = (rows, columns, value) => Array.from({ length: rows * columns }, (_, id) => [id % columns, Math.floor(id / columns), value(id)]);

  const grid = (chart, look, width, axes, data, colours, range) => ({
    ...common({ ...chart, series: [] }, look, width),
    xAxis: { ...look.axis, type: "category", data: axes.x, name: axes.xName, nameGap: axes.xGap, splitLine: { show: false }, axisTick: { show: false },
      axisLabel: { ...look.axis.axisLabel, ...axes.xLabels } },
    yAxis: { ...look.axis, type: "category", data: axes.y, inverse: axes.yDown, name: axes.yName, nameGap: axes.yGap, splitLine: { show: false },
      axisTick: { show: false }, axisLabel: { ...look.axis.axisLabel, ...axes.yLabels } },
    visualMap: { show: false, ...range, inRange: { color: colours } },
    series: [{ type: "heatmap", data, itemStyle: { borderColor: look.card, borderWidth: axes.gap }, emphasis: { disabled: true }, ...axes.series }],
  });

  // Step after step, one value a patch; row 0 is the lowest band and stands at the bottom.
  kinds.patches = {
    height: (chart, width) => Math.max(110, Math.min(26 * chart.rows.length, width / 2.2)) + 44,
    csv: ({ rows, columns, steps, values }) => [["training done", "patch from Hz", "patch from s", "mask probability"],
      ...values.flatMap((map, step) => cells(rows.length, columns.length, id => map[id]).map(([x, y, value]) => [steps[step], rows[y], columns[x], value]))],
    options(chart, look, width, chosen) {
      const { rows, columns, values, centre, reach } = chart, map = values[chosen("progress")];
      const options = grid(chart, look, width,
        { x: columns, y: rows, yDown: false, gap: 1, xName: "seconds", xGap: 22, yName: "Hz", yGap: 38 },
        cells(rows.length, columns.length, id => map[id]), [look.colours[0], look.sunken, look.colours[1]], { min: centre - reach, max: centre + reach });
      options.grid = { ...options.grid, left: 24, top: 8 };
      options.tooltip.formatter = ({ data: [x, y, value] }) => otomask.element("span", "", `${columns[x]} s, ${rows[y]} Hz: masked in ${short(100 * value)} %`);
      return options;
    },
  };

  // Rows are true classes, columns predicted ones, each cell the share of its row in %.
  kinds.confusion = (() => {
    /** A matrix of its own, or the one that is chosen among many. */
    const shown = (chart, chosen) => {
      if (chart.counts) return chart;
      const task = chart.tasks[chosen("task")], one = task.counts.find(({ framework, arm }) =>
        framework === chosen("framework") && arm === chosen("arm"));
      return { classes: task.classes, counts: one?.counts ?? null };
    };
    const share = (counts, size, id) => {
      const row = Math.floor(id / size) * size, all = counts.slice(row, row + size).reduce((sum, count) => sum + count, 0);
      return all ? Number((100 * counts[id] / all).toFixed(1)) : 0;
    };
    return {
      height: (chart, width, chosen) => Math.min(width, Math.max(220, 30 * shown(chart, chosen).classes.length + 130), 760),
      csv: (chart, chosen) => {
        const { classes, counts } = shown(chart, chosen);
        return [["true", "predicted", "test clips, all seeds"], ...(counts ? cells(classes.length, classes.length, id => counts[id])
          .map(([x, y, count]) => [classes[y], classes[x], count]) : [])];
      },
      options(chart, look, width, chosen) {
        const { classes, counts } = shown(chart, chosen), size = classes.length;
        const long = classes.some(name => name.length > 3), roomy = width / size > 34;
        const options = grid(chart, look, width,
          {
            x: classes, y: classes, yDown: true, gap: size > 24 ? 0 : 1, xName: counts ? "predicted" : "predicted (none probed yet)", xGap: long ? 62 : 26, yName: "true", yGap: long ? 76 : 44,
            xLabels: { rotate: long ? 60 : 0, width: 62, overflow: "truncate" }, yLabels: { width: 72, overflow: "truncate" },
            series: { label: { show: roomy, fontSize: 11, color: look.ink, formatter: ({ data: [, , value] }) => value >= .5 ? value.toFixed(0) : "" } },
          },
          counts ? cells(size, size, id => share(counts, size, id)) : [], [look.sunken, look.colours[5]], { min: 0, max: 100 });
        options.grid = { ...options.grid, left: 28 };
        options.tooltip.formatter = ({ data: [x, y, value] }) => otomask.element("span", "",
          `${classes[y]} taken for ${classes[x]}: ${short(value)} % (${counts[y * size + x]} of ${counts.slice(y * size, (y + 1) * size).reduce((sum, count) => sum + count, 0)})`);
        return options;
      },
    };
  })();
})();
