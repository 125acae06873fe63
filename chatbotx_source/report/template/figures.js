"use strict";
// What the filters leave of the data, as figures. Knows nothing of the page.

const DAY = 86400000;
const GRAINS = [
  ["day", 62],
  ["week", 371],
  ["month", Infinity],
];

/** Rows as objects, from a list of columns and lists of values. */
function unpack({ columns, rows }) {
  return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
}

/** The rows of the days and channels that a filter lets through. */
function chosen(rows, filter) {
  return rows.filter(
    (row) => row.day >= filter.from && row.day <= filter.to && filter.channels.has(row.channel),
  );
}

function total(rows, name) {
  return rows.reduce((sum, row) => sum + row[name], 0);
}

/** A part of a whole, null of nothing. */
function share(part, whole) {
  return whole ? part / whole : null;
}

/** The days of a filter as days, weeks (from Monday) or months, whichever are few enough to draw. */
function periodsOf(filter, firstDay) {
  const length = filter.to - filter.from + 1;
  const grain = GRAINS.find(([, most]) => length <= most)[0];
  const periods = [];
  for (let day = filter.from; day <= filter.to; day++) {
    const date = new Date(firstDay + day * DAY);
    const begins = grain === "day" || (grain === "week" ? date.getUTCDay() === 1 : date.getUTCDate() === 1);
    if (begins || !periods.length) periods.push({ grain, date, from: day, to: day });
    periods[periods.length - 1].to = day;
  }
  return periods;
}

/** For each period the rows of its days. */
function byPeriod(rows, periods) {
  const groups = periods.map(() => []);
  const ofDay = new Map();
  periods.forEach((period, i) => {
    for (let day = period.from; day <= period.to; day++) ofDay.set(day, groups[i]);
  });
  for (const row of rows) ofDay.get(row.day)?.push(row);
  return groups;
}

/** How often each response time occurs in rows of them: pairs, the shortest time first. */
function occurrences(rows) {
  const counts = new Map();
  for (const { times } of rows) {
    for (let i = 0; i < times.length; i += 2) {
      counts.set(times[i], (counts.get(times[i]) ?? 0) + times[i + 1]);
    }
  }
  return [...counts].sort((a, b) => a[0] - b[0]);
}

/** A percentile, interpolated as SQL's percentile_cont does it; null of nothing. */
function percentile(pairs, part) {
  const count = pairs.reduce((sum, [, n]) => sum + n, 0);
  if (!count) return null;
  const place = part * (count - 1);
  const at = (index) => {
    let seen = 0;
    return pairs.find(([, n]) => (seen += n) > index)[0];
  };
  const low = at(Math.floor(place));
  return low + (at(Math.ceil(place)) - low) * (place % 1);
}

/** How many of the pairs lie between each two bounds, the lower one included. */
function binned(pairs, bounds) {
  const counts = bounds.slice(1).map(() => 0);
  for (const [time, n] of pairs) {
    const bin = bounds.findIndex((bound, i) => time >= bound && time < bounds[i + 1]);
    counts[bin] += n;
  }
  return counts;
}

/** Messages by weekday (Monday first) and hour. */
function byHour(rows, name, firstDay) {
  const weeks = Array.from({ length: 7 }, () => Array(24).fill(0));
  for (const row of rows) {
    const weekday = (new Date(firstDay + row.day * DAY).getUTCDay() + 6) % 7;
    row[name].forEach((count, hour) => {
      weeks[weekday][hour] += count;
    });
  }
  return weeks;
}

/** Rows added up by the value of a column, the largest sums first. */
function groupBy(rows, key, names) {
  const groups = new Map();
  for (const row of rows) {
    if (!groups.has(row[key]))
      groups.set(row[key], { [key]: row[key], ...Object.fromEntries(names.map((name) => [name, 0])) });
    const group = groups.get(row[key]);
    for (const name of names) group[name] += row[name];
  }
  return [...groups.values()].sort((a, b) => b[names[0]] - a[names[0]]);
}
