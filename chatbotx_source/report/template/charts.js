"use strict";
// Draws: axes, bars, lines, a heatmap, tables, and what the pointer or the arrow keys point at.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; text becomes text, never markup. */
function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  const { color, ...rest } = properties;
  Object.assign(made, rest);
  if (color) {
    made.style.setProperty("--c", color);
    made.style.background = color;
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "fill" || name === "stroke") made.style[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const swatch = (series) =>
  el("span", {
    className: `swatch${series.line ? " line" : ""}${series.dotted ? " dotted" : ""}`,
    color: series.color,
  });

const labelled = (name, color) => el("span", { className: "name" }, swatch({ color }), name);

const nothing = (text = "Nothing in these days and channels.") => el("p", { className: "nothing" }, text);

/**
 * Bars or lines over slots, such as days or kinds.
 *
 * slots: {title, tick}; series: {name, color, values, sum, dotted}, a value may be null;
 * mark: "stack", "side" or "line"; format: of values; ticks: of the y axis, from low to high, on a
 * logarithmic scale if `log`.
 */
function plot(host, { label, slots, series, mark, format, ticks, log = false, height = 240 }) {
  const says = (value) => (mark === "line" ? value !== null : value);
  if (!series.some(({ values }) => values.some(says))) return host.replaceChildren(nothing());
  const shown = series.map((each) => ({ ...each, line: mark === "line" }));
  const left = 12 + 6.6 * Math.max(...ticks.map((tick) => format(tick).length));
  const [top, bottom, width] = [8, 24, host.clientWidth];
  const [low, high] = [ticks[0], ticks[ticks.length - 1]];
  const scale = log ? Math.log : (value) => value;
  const y = (value) =>
    top +
    (height - top - bottom) * (1 - (scale(Math.max(value, low)) - scale(low)) / (scale(high) - scale(low)));
  const step = (width - left) / slots.length;
  const x = (slot) => left + slot * step;
  const drawing = svg("svg", { width, height });
  for (const tick of ticks) {
    drawing.append(
      svg("line", { class: "grid", x1: left, x2: width, y1: y(tick), y2: y(tick) }),
      svg("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, format(tick)),
    );
  }
  const room = Math.max(...slots.map((slot) => slot.tick.length)) * 6.6 + 14;
  const every = Math.max(1, Math.ceil(room / step));
  slots.forEach((slot, i) => {
    if (i % every) return;
    drawing.append(svg("text", { x: x(i) + step / 2, y: height - 6, "text-anchor": "middle" }, slot.tick));
  });
  const bands = slots.map((_, i) =>
    svg("rect", { class: "band", x: x(i), y: top, width: step, height: height - top - bottom }),
  );
  drawing.append(...bands);
  const marks = { stack, side: sideBySide, line: lines }[mark];
  drawing.append(...marks(shown, slots, { x, y, step }));
  const readings = slots.map((slot, i) => ({
    title: slot.title,
    box: { x: x(i), y: top, width: step, height },
    values: shown.map((each) => [each, each.values[i] === null ? "none" : format(each.values[i])]),
  }));
  pointable(drawing, label, readings, bands, 1);
  host.replaceChildren(legend(shown), drawing, numbers(readings));
}

function stack(series, slots, { x, y, step }) {
  const gap = step > 8 ? Math.min(step * 0.22, 10) : step > 3 ? 1 : 0;
  return slots.flatMap((_, i) => {
    let below = 0;
    return series.map(({ values, color }) => {
      const [from, to] = [y(below), y(below + values[i])];
      below += values[i];
      return svg("rect", {
        x: x(i) + gap / 2,
        y: to,
        width: step - gap,
        height: Math.max(0, from - to),
        fill: color,
      });
    });
  });
}

function sideBySide(series, slots, { x, y, step }) {
  const width = Math.min((step * 0.78) / series.length, 26);
  const inset = (step - width * series.length) / 2;
  return slots.flatMap((_, i) =>
    series.map(({ values, color }, place) =>
      svg("rect", {
        x: x(i) + inset + place * width,
        y: y(values[i]),
        width: Math.max(1, width - 1),
        height: y(0) - y(values[i]),
        rx: 1.5,
        fill: color,
      }),
    ),
  );
}

function lines(series, slots, { x, y, step }) {
  return series.flatMap(({ values, color, dotted }) => {
    const points = values.map((value, i) => (value === null ? null : [x(i) + step / 2, y(value)]));
    const path = points
      .map((point, i) => point && `${points[i - 1] ? "L" : "M"}${point[0].toFixed(1)} ${point[1].toFixed(1)}`)
      .filter(Boolean)
      .join("");
    const alone = points.filter((point, i) => point && !points[i - 1] && !points[i + 1]);
    return [
      svg("path", { class: `line${dotted ? " dotted" : ""}`, d: path, stroke: color }),
      ...alone.map(([cx, cy]) => svg("circle", { cx, cy, r: 2.5, fill: color })),
    ];
  });
}

/** Weekdays by hours; the deeper the colour, the more. */
function heatmap(host, { label, rows, rowNames, format }) {
  const most = Math.max(...rows.flat());
  if (!most) return host.replaceChildren(nothing());
  const left = 36;
  const [step, high, top] = [(host.clientWidth - left) / 24, 26, 2];
  const height = top + rows.length * high + 20;
  const drawing = svg("svg", { width: host.clientWidth, height });
  const cells = [];
  const readings = rows.flatMap((row, i) =>
    row.map((count, hour) => {
      const box = { x: left + hour * step, y: top + i * high, width: step, height: high };
      const cell = svg("rect", {
        class: "cell",
        rx: 3,
        x: box.x + 1,
        y: box.y + 1,
        width: Math.max(1, step - 2),
        height: high - 2,
        fill: `rgba(var(--heat), ${(0.05 + 0.95 * Math.sqrt(count / most)).toFixed(3)})`,
      });
      cells.push(cell);
      const title = `${rowNames[i]}, ${hour}:00 to ${hour + 1}:00`;
      return { title, box, values: [[{ name: label, color: "var(--accent)" }, format(count)]] };
    }),
  );
  drawing.append(...cells);
  rowNames.forEach((name, i) =>
    drawing.append(svg("text", { x: 0, y: top + i * high + high / 2 + 4 }, name.slice(0, 3))),
  );
  for (let hour = 0; hour < 24; hour += host.clientWidth < 400 ? 6 : 3) {
    drawing.append(svg("text", { x: left + hour * step + 1, y: height - 4 }, `${hour}:00`));
  }
  pointable(drawing, `${label} by weekday and hour`, readings, cells, 24);
  host.replaceChildren(drawing, numbers(readings));
}

/** Lets the pointer, and the arrow keys, read what is drawn; `stride` readings are one row. */
function pointable(drawing, label, readings, marks, stride) {
  const tip = document.getElementById("tip");
  let at = null;
  const point = (next) => {
    marks[at]?.classList.remove("on");
    at = next;
    marks[at]?.classList.add("on");
    tip.hidden = at === null;
    if (at === null) return;
    const { title, box, values } = readings[at];
    tip.replaceChildren(
      el("b", {}, title),
      ...values.map(([series, text]) =>
        el("p", {}, swatch(series), el("span", {}, series.name), el("span", {}, text)),
      ),
    );
    const place = drawing.getBoundingClientRect();
    const beside = place.left + box.x + box.width + 10;
    const fits = beside + tip.offsetWidth < document.documentElement.clientWidth - 8;
    const left = fits ? beside : Math.max(8, place.left + box.x - tip.offsetWidth - 10);
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${place.top + box.y + scrollY}px`;
  };
  drawing.setAttribute("role", "img");
  drawing.setAttribute("tabindex", "0");
  drawing.setAttribute("aria-label", `${label}. The arrow keys read it; the numbers follow as a table.`);
  drawing.addEventListener("pointermove", (event) => {
    const { left, top } = drawing.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    const found = readings.findIndex(
      ({ box }) => x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height,
    );
    if (found !== at) point(found < 0 ? null : found);
  });
  drawing.addEventListener("pointerleave", () => point(null));
  drawing.addEventListener("blur", () => point(null));
  drawing.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -stride, ArrowDown: stride }[event.key];
    if (event.key === "Escape") point(null);
    if (!by) return;
    event.preventDefault();
    point(at === null ? 0 : Math.min(readings.length - 1, Math.max(0, at + by)));
  });
}

function legend(series) {
  return el(
    "ul",
    { className: "legend" },
    ...series.map((each) =>
      el(
        "li",
        {},
        swatch(each),
        el("span", {}, each.name),
        each.sum === undefined ? null : el("b", {}, each.sum),
      ),
    ),
  );
}

/** What a drawing shows as a table, made when somebody opens it. */
function numbers(readings) {
  const place = el("div", { tabIndex: 0 });
  const made = el("details", { className: "numbers" }, el("summary", {}, "Numbers"), place);
  made.addEventListener("toggle", () => {
    if (!made.open || place.firstChild) return;
    const columns = ["", ...readings[0].values.map(([series]) => series.name)];
    place.append(
      table(
        columns,
        readings.map(({ title, values }) => [title, ...values.map(([, text]) => text)]),
      ),
    );
  });
  return made;
}

/** A table; the first cell of a row is its head, a cell is text or an element. */
function table(columns, rows, texts = 1) {
  const kind = (i) => ({ className: i < texts ? "" : "number" });
  return el(
    "table",
    {},
    el("thead", {}, el("tr", {}, ...columns.map((name, i) => el("th", { scope: "col", ...kind(i) }, name)))),
    el(
      "tbody",
      {},
      ...rows.map((row) =>
        el(
          "tr",
          {},
          ...row.map((cell, i) =>
            el(
              i ? "td" : "th",
              {
                ...(i ? {} : { scope: "row" }),
                ...(cell instanceof Element && cell.classList.contains("bar")
                  ? { className: "barred" }
                  : kind(i)),
              },
              cell,
            ),
          ),
        ),
      ),
    ),
  );
}

/** A table that is scrolled when there is no room for it, by the keyboard too. */
const scrolling = (label, inside) =>
  el("div", { className: "scroll", tabIndex: 0, role: "group", ariaLabel: label }, inside);

/** A bar in a table, as long as its part of the largest. */
function bar(value, most, color) {
  const made = el("span", { className: "bar", color });
  made.style.width = `${most ? (100 * value) / most : 0}%`;
  return made;
}

/** A line without axes, as wide as its place. */
function spark(values) {
  const most = Math.max(...values, 1e-9);
  const drawing = svg("svg", { viewBox: "0 0 100 26", preserveAspectRatio: "none", "aria-hidden": "true" });
  const points = values.map((value, i) => `${(100 * i) / (values.length - 1)},${25 - (24 * value) / most}`);
  drawing.append(svg("polyline", { class: "line", points: points.join(" "), stroke: "var(--accent)" }));
  return drawing;
}

/** Round numbers from 0 up to the first that reaches `most`. */
function evenTicks(most) {
  const rough = Math.max(most, 1) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, unit < 10 ? 5 : 2.5, 5, 10].find((times) => times * unit >= rough) * unit);
  return Array.from({ length: Math.ceil(Math.max(most, 1) / step) + 1 }, (_, i) => i * step);
}
