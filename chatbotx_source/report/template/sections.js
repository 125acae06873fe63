"use strict";
// The sections of the page, a function each: they ask for figures, and have them drawn.

const by = (id) => document.getElementById(id);
const chartOf = (id) => by(id).querySelector(".chart");

const inChannels = (row) => filter.channels.has(row.channel);
const ofSender = (rows, sender) => rows.filter((row) => row.by === sender);
const sumOf = (values) => values.reduce((sum, value) => sum + value, 0);

/** Seconds that somebody has waited, at the end of the last load. */
const waitOf = ({ since }) => (Date.parse(report.freshness.ended) - Date.parse(since)) / 1000;

function drawTiles(rows, before, responses, periods) {
  const groups = byPeriod(rows, periods);
  const waits = sumOf(data.waits.filter(inChannels).flatMap((row) => row.counts));
  const [longest] = data.waiting.filter(inChannels); // they come in this order
  const counted = (name, id, title) => {
    const now = total(rows, name);
    const then = before && total(before, name);
    return tile(
      id,
      title,
      compact(now),
      change(now, then),
      groups.map((group) => total(group, name)),
    );
  };
  const answered = (group) => share(total(group, "turns_answered_within_60m"), total(group, "turns"));
  const response = (sender, id, title) => {
    const pairs = occurrences(ofSender(responses, sender));
    const more = pairs.length ? `nine of ten within ${duration(percentile(pairs, 0.9))}` : "none";
    return tile(id, title, duration(percentile(pairs, 0.5)), more);
  };
  const handled = chosen(data.handled, filter);
  const alone = handled.filter((row) => row.by === "bot");
  by("tiles").replaceChildren(
    counted("messages_in", "tile-messages-in", "Messages from contacts"),
    counted("sessions", "tile-sessions", "Sessions"),
    counted("new_contacts", "tile-new-contacts", "New contacts"),
    tile(
      "tile-in-time",
      "Answered within an hour",
      percent(answered(rows)),
      `of ${plural(total(rows, "turns"), "question")}`,
      groups.map((group) => answered(group) ?? 0),
    ),
    response("agent", "tile-agent", "First response by people"),
    response("bot", "tile-bot", "First response by the bot"),
    tile(
      "tile-alone",
      "Handled by the bot alone",
      percent(share(total(alone, "sessions"), total(handled, "sessions"))),
      `of ${plural(total(handled, "sessions"), "session")} with a question`,
    ),
    tile(
      "tile-waiting",
      "Waiting now",
      count(waits),
      longest ? `the longest for ${duration(waitOf(longest))}` : "nobody",
    ),
  );
}

/** How a count compares with that of as many days before; nothing where there were none. */
function change(now, then) {
  if (!then) return "";
  const days = `the ${plural(filter.to - filter.from + 1, "day")} before`;
  if (now >= 3 * then) return `${count(now / then)} times ${days}`;
  return `${now >= then ? "+" : "−"}${count(Math.abs(100 * (now / then - 1)))}% on ${days}`;
}

function tile(id, title, value, more, values) {
  return el(
    "div",
    { className: "tile", id },
    el("h2", {}, title),
    el("div", { className: "value" }, value),
    el("div", { className: "more" }, more),
    values && values.length > 1 ? spark(values) : null,
  );
}

const MEASURES = {
  channel: { name: "Messages by channel", of: (row) => row.messages_in + row.messages_out },
  sender: { name: "Messages by sender" },
  sessions: { name: "Sessions", of: (row) => row.sessions },
  contacts: { name: "New contacts", of: (row) => row.new_contacts },
};

function drawVolume(rows, periods) {
  const groups = byPeriod(rows, periods);
  const { name, of } = MEASURES[filter.measure];
  const counted = (title, color, value) => {
    const values = groups.map((group) => group.reduce((sum, row) => sum + value(row), 0));
    return { name: title, color, values, sum: count(sumOf(values)) };
  };
  const senders = [
    ["contact", "messages_in"],
    ["bot", "messages_bot"],
    ["agent", "messages_agent"],
    ["api", "messages_api"],
  ];
  const series = of
    ? [...filter.channels]
        .sort((a, b) => a - b)
        .map((channel) =>
          counted(channelName(channel), channelColor(channel), (row) =>
            row.channel === channel ? of(row) : 0,
          ),
        )
    : senders.map(([sender, column]) => counted(SENDERS[sender], senderColor(sender), (row) => row[column]));
  const most = Math.max(...groups.map((_, i) => sumOf(series.map(({ values }) => values[i]))));
  plot(chartOf("volume"), {
    label: `${name} by ${periods[0].grain}`,
    slots: slotsOf(periods),
    mark: "stack",
    format: compact,
    series: series.filter(({ values }) => values.some((value) => value)),
    ticks: evenTicks(most),
    height: 260,
  });
}

const TIME_TICKS = [1, 5, 15, 60, 300, 900, 3600, 10800, 43200, 172800, 604800, 2592000];
const TIME_BOUNDS = [10, 30, 60, 120, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 259200];

/** What lies between each two bounds, as slots; before the first and after the last, too. */
const between = (bounds) =>
  [...bounds, null].map((high, i) => {
    const low = duration(bounds[i - 1] ?? 0);
    return high
      ? { title: `${low} to ${duration(high)}`, tick: `< ${duration(high)}` }
      : { title: `over ${low}`, tick: `> ${low}` };
  });

function drawResponseTimes(responses, periods) {
  const series = ["bot", "agent"].flatMap((sender) => {
    const groups = byPeriod(ofSender(responses, sender), periods).map(occurrences);
    return [0.5, 0.9].map((part) => ({
      name: `${SENDERS[sender]}, ${part === 0.5 ? "median" : "nine of ten"}`,
      color: senderColor(sender),
      dotted: part === 0.9,
      values: groups.map((pairs) => percentile(pairs, part)),
    }));
  });
  const values = series.flatMap((each) => each.values).filter((value) => value !== null);
  const below = TIME_TICKS.findLastIndex((tick) => tick <= Math.min(...values));
  const above = TIME_TICKS.findIndex((tick) => tick >= Math.max(...values, 60));
  plot(chartOf("response-times"), {
    label: `First response by ${periods[0].grain}`,
    slots: slotsOf(periods),
    series,
    mark: "line",
    format: duration,
    ticks: TIME_TICKS.slice(Math.max(0, below), above + 1 || undefined),
    log: true,
  });
}

function drawDistribution(responses) {
  const series = ["bot", "agent"].map((sender) => {
    const counts = binned(occurrences(ofSender(responses, sender)), [0, ...TIME_BOUNDS, Infinity]);
    const sum = sumOf(counts);
    return {
      name: SENDERS[sender],
      color: senderColor(sender),
      sum: count(sum),
      values: counts.map((n) => share(n, sum) ?? 0),
    };
  });
  const most = Math.max(...series.flatMap((each) => each.values));
  plot(chartOf("distribution"), {
    label: "How long a first response takes",
    series,
    mark: "side",
    format: percent,
    slots: between(TIME_BOUNDS),
    ticks: evenTicks(100 * most).map((tick) => tick / 100),
  });
}

function drawInTime(rows, periods) {
  const groups = byPeriod(rows, periods);
  const turns = total(rows, "turns");
  const series = [
    ["turns_answered_within_60m", "1 hour", "--latest"],
    ["turns_answered_within_5m", "5 minutes", "--later"],
    ["turns_answered_within_1m", "1 minute", "--soon"],
  ].map(([column, name, color]) => ({
    name,
    color: `var(${color})`,
    sum: percent(share(total(rows, column), turns)),
    values: groups.map((group) => share(total(group, column), total(group, "turns"))),
  }));
  plot(chartOf("in-time"), {
    label: `Share of questions answered in time, by ${periods[0].grain}`,
    slots: slotsOf(periods),
    series,
    mark: "line",
    format: percent,
    ticks: [0, 0.25, 0.5, 0.75, 1],
  });
}

function drawHandled() {
  const groups = new Map(
    groupBy(chosen(data.handled, filter), "by", ["sessions", "resolved"]).map((group) => [group.by, group]),
  );
  const shown = HANDLERS.filter(([handler]) => groups.has(handler));
  const all = total([...groups.values()], "sessions");
  if (!all) return chartOf("handled").replaceChildren(nothing());
  const split = el(
    "div",
    { className: "split", ariaHidden: "true" },
    ...shown.map(([handler, , color]) => {
      const part = el("span", { color: `var(${color})` });
      part.style.flex = String(groups.get(handler).sessions);
      return part;
    }),
  );
  chartOf("handled").replaceChildren(
    split,
    table(
      ["", "Sessions", "Share", "Answered"],
      shown.map(([handler, name, color]) => {
        const { sessions, resolved } = groups.get(handler);
        return [
          labelled(name, `var(${color})`),
          count(sessions),
          percent(sessions / all),
          percent(resolved / sessions),
        ];
      }),
    ),
  );
}

function drawHeatmaps() {
  const rows = chosen(data.hours, filter);
  for (const [id, column, label] of [
    ["contacts-write", "messages_in", "Messages from contacts"],
    ["people-write", "messages_agent", "Messages of agents"],
  ]) {
    heatmap(chartOf(id), { label, rows: byHour(rows, column, firstDay), rowNames: WEEKDAYS, format: count });
  }
}

function drawWaiting() {
  const waits = data.waits.filter(inChannels);
  const counts = [0, ...report.wait_bounds].map((_, i) => sumOf(waits.map((row) => row.counts[i])));
  const all = sumOf(counts);
  if (!all) return chartOf("waiting").replaceChildren(nothing("Nobody waits."));
  const drawing = el("div");
  const named = data.waiting.filter(inChannels);
  const rows = named.map((row) => [
    el("bdi", {}, row.name),
    labelled(channelName(row.channel), channelColor(row.channel)),
    el("time", { dateTime: row.since, title: time(row.since) }, duration(waitOf(row))),
  ]);
  const more = all - named.length;
  chartOf("waiting").replaceChildren(
    drawing,
    scrolling("Who wait longest", table(["Contact", "Channel", "Waits for"], rows, 2)),
    more > 0 ? el("p", { className: "quiet" }, `and ${plural(more, "contact")} more`) : "",
  );
  plot(drawing, {
    label: "Contacts who wait, by how long",
    mark: "side",
    format: count,
    height: 130,
    series: [{ name: "Contacts", color: "var(--accent)", values: counts, sum: count(all) }],
    slots: between(report.wait_bounds),
    ticks: evenTicks(Math.max(...counts)).filter((_, i, ticks) => i === 0 || i === ticks.length - 1),
  });
}

function drawAgents() {
  const groups = groupBy(chosen(data.agent_days, filter), "agent", [
    "messages",
    "replies",
    "within_5m",
    "within_60m",
  ]);
  if (!groups.length) return chartOf("agents").replaceChildren(nothing());
  const most = groups[0].messages;
  chartOf("agents").replaceChildren(
    scrolling(
      "Agents",
      table(
        ["Agent", "", "Messages", "Replies", "In 5 min", "In 1 h"],
        groups.map(({ agent, messages, replies, within_5m: soon, within_60m: later }) => [
          el("bdi", {}, report.agents[agent] ?? "All others"),
          bar(messages, most, "var(--agent)"),
          count(messages),
          count(replies),
          percent(share(soon, replies)),
          percent(share(later, replies)),
        ]),
      ),
    ),
  );
}

function drawChannels(rows, responses) {
  const shown = [...filter.channels]
    .sort((a, b) => a - b)
    .map((channel) => [channel, rows.filter((row) => row.channel === channel)])
    .filter(([, group]) => group.length);
  if (!shown.length) return chartOf("by-channel").replaceChildren(nothing());
  const median = (channel, sender) => {
    const times = ofSender(responses, sender).filter((row) => row.channel === channel);
    return duration(percentile(occurrences(times), 0.5));
  };
  chartOf("by-channel").replaceChildren(
    scrolling(
      "Channels",
      table(
        ["Channel", "Messages in", "Sessions", "Bot", "People", "In 1 h"],
        shown.map(([channel, group]) => [
          labelled(channelName(channel), channelColor(channel)),
          count(total(group, "messages_in")),
          count(total(group, "sessions")),
          median(channel, "bot"),
          median(channel, "agent"),
          percent(share(total(group, "turns_answered_within_60m"), total(group, "turns"))),
        ]),
      ),
    ),
  );
}

function drawMedia(rows) {
  const kinds = KINDS.map(([kind, name]) => [
    name,
    total(rows, `attachments_${kind}`),
    total(rows, `attachment_bytes_${kind}`),
  ])
    .filter(([, files]) => files)
    .sort((a, b) => b[1] - a[1]);
  if (!kinds.length) return chartOf("media").replaceChildren(nothing());
  chartOf("media").replaceChildren(
    table(
      ["Kind", "", "Files", "Size"],
      kinds.map(([name, files, size]) => [
        name,
        bar(files, kinds[0][1], "var(--accent)"),
        count(files),
        bytes(size),
      ]),
    ),
  );
}

function draw() {
  const rows = chosen(data.daily, filter);
  const responses = chosen(data.responses, filter);
  const periods = periodsOf(filter, firstDay);
  const length = filter.to - filter.from + 1;
  const before =
    filter.from >= length &&
    chosen(data.daily, { ...filter, from: filter.from - length, to: filter.from - 1 });
  drawTiles(rows, before, responses, periods);
  drawVolume(rows, periods);
  drawResponseTimes(responses, periods);
  drawDistribution(responses);
  drawInTime(rows, periods);
  drawHandled();
  drawHeatmaps();
  drawWaiting();
  drawAgents();
  drawChannels(rows, responses);
  drawMedia(rows);
}
