"use strict";
// The head of the page and its filters; draws the sections, and again whenever a filter changes.

function tellFreshness() {
  const {
    ended,
    synced_through: through,
    complete,
    reconciled,
    mode,
    unfinished,
    pages_left: pages,
    behind,
    ended_by: endedBy,
  } = report.freshness;
  const trouble = !ended ? "Nothing loaded" : behind ? "Out of date" : !complete ? "Not complete" : null;
  const state = trouble ?? (reconciled ? "Complete, every contact read whole" : "Complete");
  const told = [];
  if (ended) told.push(`Loaded ${time(ended)}, ${ago(ended)}.`);
  if (complete && through) told.push(`It holds what happened before ${time(through)}.`);
  if (behind) told.push("The analytics tables are older than the last load: build them again.");
  if (mode === "sample" || mode === "contacts") told.push("The last load read only some of the contacts.");
  if (unfinished) told.push(`${plural(unfinished, "contact")} unfinished.`);
  if (pages) told.push(`${plural(pages, "page")} of contacts still to read.`);
  if (endedBy) told.push(`The last load was ended by ${endedBy}.`);
  by("freshness").replaceChildren(
    el("span", { className: `state ${trouble ? "warn" : "good"}` }, state),
    told.join(" "),
  );
  by("cover").textContent = report.days
    ? `${fullDate.format(dateOf(0))} to ${fullDate.format(dateOf(report.days - 1))}${
        report.left_out
          ? `; ${plural(report.left_out, "message")} of other days left out to keep this file small: the tables have them`
          : ""
      }.`
    : "";
  by("written").textContent = `Written ${time(report.written)}.`;
  if (!data.unfinished.length) return;
  by("unfinished").hidden = false;
  by("unfinished").firstChild.textContent =
    `What is missing: ${plural(unfinished ?? data.unfinished.length, "contact")}`;
  by("unfinished").lastChild.replaceChildren(
    table(
      ["Contact", "Why", "Since"],
      data.unfinished.map((row) => [row.contact, row.reason, time(row.since)]),
      3,
    ),
  );
}

function ago(iso) {
  const seconds = (Date.now() - Date.parse(iso)) / 1000;
  return seconds < 60 ? "just now" : `${duration(seconds)} ago`;
}

// The filters.

function chip(type, name, label, checked, changed, color) {
  const input = el("input", { type, name, checked });
  input.addEventListener("change", () => changed(input.checked));
  return el("label", { className: "chip" }, input, el("span", {}, color ? swatch({ color }) : null, label));
}

function showDates() {
  by("from").value = isoOf(filter.from);
  by("to").value = isoOf(filter.to);
}

function setDates(from, to) {
  Object.assign(filter, { from: Math.max(0, from), to: Math.min(report.days - 1, to) });
  draw();
}

function addFilters() {
  const last = report.days - 1;
  const presets = [
    [7, "7 days"],
    [30, "30 days"],
    [90, "90 days"],
    [365, "Year"],
    [report.days, "All"],
  ].filter(([days], i, all) => i === all.length - 1 || days < report.days);
  by("presets").append(
    ...presets.map(([days, name]) =>
      chip("radio", "preset", name, last - filter.from + 1 === days, () => {
        setDates(last - days + 1, last);
        showDates();
      }),
    ),
  );
  for (const id of ["from", "to"]) {
    Object.assign(by(id), { min: isoOf(0), max: isoOf(last) });
    by(id).addEventListener("change", () => {
      const [from, to] = ["from", "to"].map((each) => (Date.parse(by(each).value) - firstDay) / DAY);
      if (!(from <= to && to >= 0 && from <= last)) return;
      for (const preset of document.getElementsByName("preset")) preset.checked = false;
      setDates(from, to);
    });
  }
  by("channels").append(
    ...report.channels.map((_, channel) =>
      chip(
        "checkbox",
        "channel",
        channelName(channel),
        true,
        (on) => {
          filter.channels[on ? "add" : "delete"](channel);
          draw();
        },
        channelColor(channel),
      ),
    ),
  );
  by("volume")
    .querySelector("fieldset")
    .append(
      ...Object.entries(MEASURES).map(([key, { name }]) =>
        chip("radio", "measure", name, key === filter.measure, () => {
          filter.measure = key;
          draw();
        }),
      ),
    );
  showDates();
}

tellFreshness();
if (report.days) {
  by("filters").hidden = false;
  document.querySelector("main").hidden = false;
  addFilters();
  let width = 0;
  new ResizeObserver(() => {
    if (document.body.clientWidth === width) return;
    width = document.body.clientWidth;
    requestAnimationFrame(draw);
  }).observe(document.body);
} else {
  by("empty").hidden = false;
  by("empty").textContent =
    "There are no messages yet. Once a load has brought some, and the analytics tables are built, this page shows them.";
}
