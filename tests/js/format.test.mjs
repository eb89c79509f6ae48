import assert from "node:assert/strict";
import test from "node:test";
import * as format from "app/core/format.js";

const BERLIN = { locale: "en-GB", timeZone: "Europe/Berlin" };

test("the day is the local one", () => {
  assert.equal(format.dayOf("2026-03-12T23:30:00Z", "Europe/Berlin"), "2026-03-13");
  assert.equal(format.dayOf("2026-03-12T23:30:00Z", "America/New_York"), "2026-03-12");
  assert.equal(format.dayOf("2026-03-12T23:30:00Z", "Asia/Kathmandu"), "2026-03-13");
});

test("days are counted by the calendar where the clock changes", () => {
  // The night of 29 March 2026 has 23 hours in Berlin, the one of 25 October 25.
  const spring = Date.parse("2026-03-29T22:30:00Z"); // 30 March, 00:30
  assert.equal(format.dayLabel("2026-03-28T23:30:00Z", spring, BERLIN), "Yesterday");
  assert.equal(format.dayLabel("2026-03-28T22:30:00Z", spring, BERLIN), "Saturday");
  const autumn = Date.parse("2026-10-25T23:30:00Z"); // 26 October, 00:30
  assert.equal(format.dayLabel("2026-10-24T22:05:00Z", autumn, BERLIN), "Yesterday");
});

test("days are named: today, yesterday, a weekday for six days, then the date", () => {
  const now = Date.parse("2026-03-12T09:00:00Z");
  const label = (/** @type {string} */ day) => format.dayLabel(`${day}T08:00:00Z`, now, BERLIN);
  assert.equal(label("2026-03-12"), "Today");
  assert.equal(label("2026-03-11"), "Yesterday");
  assert.equal(label("2026-03-06"), "Friday");
  assert.equal(label("2026-03-05"), "5 March");
  assert.equal(label("2025-12-24"), "24 December 2025");
  assert.equal(label("2026-03-13"), "13 March", "a clock that is wrong doesn't become a weekday");
});

test("other languages name them in theirs", () => {
  const now = Date.parse("2026-03-12T09:00:00Z");
  assert.equal(format.dayLabel(now, now, { locale: "de", timeZone: "UTC" }), "Heute");
});

test("the list shows the time today and the day before that", () => {
  const now = Date.parse("2026-03-12T09:00:00Z");
  assert.equal(format.listTime("2026-03-12T08:38:00Z", now, BERLIN), "09:38");
  assert.equal(format.listTime("2026-03-11T08:38:00Z", now, BERLIN), "Yesterday");
  assert.equal(format.listTime("2026-03-09T08:38:00Z", now, BERLIN), "Mon");
  assert.equal(format.listTime("2026-01-09T08:38:00Z", now, BERLIN), "9 Jan");
  assert.equal(format.listTime("2025-01-09T08:38:00Z", now, BERLIN), "09/01/2025");
});

test("initials are of the first and the last word", () => {
  assert.deepEqual(["Leila Haddad", "tomás", " Anna Maria  Öz ", "", "👩🏽 Fox"].map(format.initials), ["LH", "T", "AÖ", "?", "👩F"]);
});

test("numbers take their form", () => {
  const forms = { one: "{n} message", other: "{n} messages" };
  assert.deepEqual([1, 2, 1200].map((n) => format.plural(n, forms, "en")), ["1 message", "2 messages", "1,200 messages"]);
});

test("an excerpt is one line without markup, cut between characters", () => {
  assert.equal(format.excerpt("**Launch** note\n\n- is `ready`"), "Launch note is ready");
  assert.equal(format.excerpt("😀".repeat(10), 5), "😀😀😀😀…");
});

test("countdowns never show nothing while something is left", () => {
  assert.deepEqual([4000, 3001, 1, 0].map(format.countdown), [4, 4, 1, 1]);
  assert.equal(format.minutesSeconds(62), "1:02");
  assert.equal(format.milliseconds(37.6), "38 ms");
});
