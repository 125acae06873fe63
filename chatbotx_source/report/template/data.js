"use strict";
// What is in this file, the filters on it, and the words for both.

const report = JSON.parse(document.getElementById("data").textContent);
const firstDay = Date.parse(report.first_day);
const data = Object.fromEntries(
  Object.entries(report)
    .filter(([, value]) => value?.columns)
    .map(([name, value]) => [name, unpack(value)]),
);
const filter = {
  from: Math.max(0, report.days - 90),
  to: report.days - 1,
  channels: new Set(report.channels.keys()),
  measure: "channel",
};

// Words for numbers, days and names.

const whole = new Intl.NumberFormat("en-GB");
const count = (value) => whole.format(Math.round(value));
const short = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 });
const compact = (value) => (value < 10000 ? count(value) : short.format(value));
const percent = (value) =>
  value === null ? "–" : `${(100 * value).toFixed(value > 0 && value < 0.1 ? 1 : 0)}%`;
const dates = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
const fullDate = dates({ day: "numeric", month: "short", year: "numeric" });
const dayMonth = dates({ day: "numeric", month: "short" });
const monthYear = dates({ month: "short", year: "numeric" });
const weekday = dates({ weekday: "short" });
const clock = dates({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const time = (iso) => `${clock.format(new Date(iso))} UTC`;
const dateOf = (day) => new Date(firstDay + day * DAY);
const isoOf = (day) => dateOf(day).toISOString().slice(0, 10);
const plural = (n, noun) => `${count(n)} ${noun}${n === 1 ? "" : "s"}`;

/** Seconds in the unit that suits them, in two digits. */
function duration(seconds) {
  if (seconds === null) return "–";
  const [size, unit] = [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ].find(([each]) => seconds >= each * 0.995) ?? [1, "s"];
  const value = seconds / size;
  return `${value < 9.95 ? Number(value.toFixed(1)) : count(value)} ${unit}`;
}

function bytes(value) {
  const [size, unit] = [
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "KB"],
  ].find(([each]) => value >= each) ?? [1, "B"];
  return `${Number((value / size).toFixed(value / size < 9.95 ? 1 : 0))} ${unit}`;
}

const CHANNELS = {
  whatsapp: "WhatsApp",
  messenger: "Messenger",
  instagram: "Instagram",
  telegram: "Telegram",
  webchat: "Web chat",
  unknown: "No channel",
};
const SENDERS = { bot: "Bot", agent: "People", contact: "Contacts", api: "Programs", nobody: "Nobody" };
const HANDLERS = [
  ["bot", "Bot alone", "--bot"],
  ["bot and agent", "Bot and people", "--both"],
  ["agent", "People alone", "--agent"],
  ["api", "Programs", "--api"],
  ["nobody", "Nobody", "--nobody"],
];
const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const KINDS = [
  ["image", "Images"],
  ["video", "Videos"],
  ["audio", "Audio"],
  ["gif", "GIFs"],
  ["file", "Documents"],
  ["other", "Other"],
];

const others = report.channels.filter((name) => !Object.hasOwn(CHANNELS, name));
function channelName(channel) {
  const name = report.channels[channel];
  return others.includes(name) ? name : CHANNELS[name];
}
function channelColor(channel) {
  const name = report.channels[channel];
  return `var(--${others.includes(name) ? `other-${(others.indexOf(name) % 4) + 1}` : name})`;
}
const senderColor = (sender) => `var(--${sender})`;

function periodTitle({ grain, date, from, to }) {
  if (grain === "day") return `${weekday.format(date)}, ${fullDate.format(date)}`;
  return from === to ? fullDate.format(date) : `${fullDate.format(date)} to ${fullDate.format(dateOf(to))}`;
}
const slotsOf = (periods) =>
  periods.map((period) => ({
    title: periodTitle(period),
    tick: period.grain === "month" ? monthYear.format(period.date) : dayMonth.format(period.date),
  }));
