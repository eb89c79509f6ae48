/**
 * Times, names and numbers as people read them. Locale, time zone and the present are passed in.
 *
 * @typedef {{ locale?: string, timeZone?: string }} Place
 */
import { plainText } from "app/core/markdown.js";

/** @type {Map<string, Intl.DateTimeFormat>} making one is slow, so each kind is made once */
const formats = new Map();

/**
 * @param {Place} place
 * @param {Intl.DateTimeFormatOptions} options
 */
function format({ locale, timeZone }, options) {
  const key = `${locale}|${timeZone}|${JSON.stringify(options)}`;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(locale, { timeZone, ...options });
    formats.set(key, found);
  }
  return found;
}

/**
 * "09:38".
 * @param {string | number} time
 * @param {Place} [place]
 */
export function clockTime(time, place = {}) {
  return format(place, { hour: "2-digit", minute: "2-digit" }).format(new Date(time));
}

/**
 * Date, time and zone in full, for a tooltip.
 * @param {string | number} time
 * @param {Place} [place]
 */
export function fullTime(time, place = {}) {
  return format(place, {
    weekday: "long", day: "numeric", month: "long", year: "numeric",
    hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  }).format(new Date(time));
}

/**
 * The local calendar day, "2026-03-29". Days are compared as these, never by dividing
 * milliseconds: a day may have 23 or 25 hours.
 * @param {string | number} time
 * @param {string} [timeZone]
 */
export function dayOf(time, timeZone) {
  const parts = format({ locale: "en-u-ca-iso8601-nu-latn", timeZone }, {
    year: "numeric", month: "2-digit", day: "2-digit",
  }).formatToParts(new Date(time));
  const part = (/** @type {string} */ type) => parts.find((found) => found.type === type)?.value ?? "";
  return `${part("year").padStart(4, "0")}-${part("month")}-${part("day")}`;
}

/**
 * How many calendar days lie between two local days: 0 for the same.
 * @param {string} earlier "YYYY-MM-DD"
 * @param {string} later "YYYY-MM-DD"
 */
export function daysBetween(earlier, later) {
  return Math.round((Date.parse(`${later}T00:00Z`) - Date.parse(`${earlier}T00:00Z`)) / 86_400_000);
}

/**
 * "Today", "Yesterday", the weekday within six days, else the date.
 * @param {string | number} time
 * @param {number} now
 * @param {Place} [place]
 */
export function dayLabel(time, now, place = {}) {
  const day = dayOf(time, place.timeZone);
  const today = dayOf(now, place.timeZone);
  const distance = daysBetween(day, today);
  if (distance === 0 || distance === 1) return capital(relative(-distance, place.locale), place.locale);
  const date = new Date(time);
  if (distance > 1 && distance <= 6) return capital(format(place, { weekday: "long" }).format(date), place.locale);
  /** @type {Intl.DateTimeFormatOptions} */
  const options = { day: "numeric", month: "long" };
  if (day.slice(0, 4) !== today.slice(0, 4)) options.year = "numeric";
  return format(place, options).format(date);
}

/**
 * For a row of the chat list: the time today, else the day in short.
 * @param {string | number} time
 * @param {number} now
 * @param {Place} [place]
 */
export function listTime(time, now, place = {}) {
  const day = dayOf(time, place.timeZone);
  const today = dayOf(now, place.timeZone);
  const distance = daysBetween(day, today);
  if (distance === 0) return clockTime(time, place);
  if (distance === 1) return dayLabel(time, now, place);
  const date = new Date(time);
  if (distance > 1 && distance <= 6) return format(place, { weekday: "short" }).format(date);
  if (day.slice(0, 4) === today.slice(0, 4)) return format(place, { day: "numeric", month: "short" }).format(date);
  return format(place, { day: "2-digit", month: "2-digit", year: "numeric" }).format(date);
}

/**
 * @param {number} days
 * @param {string} [locale]
 */
function relative(days, locale) {
  return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(days, "day");
}

/**
 * @param {string} text
 * @param {string} [locale]
 */
function capital(text, locale) {
  const [first = ""] = text;
  return first.toLocaleUpperCase(locale) + text.slice(first.length);
}

/**
 * One or two letters for an avatar: of the first and the last word.
 * @param {string} name
 */
export function initials(name) {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  if (words.length === 0) return "?";
  const chosen = words.length === 1 ? [words[0]] : [words[0], words[words.length - 1]];
  return chosen.map((word) => (Array.from(word)[0] ?? "").toLocaleUpperCase()).join("");
}

/**
 * The form for this number, with `{n}` filled in.
 * @param {number} n
 * @param {Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }} forms
 * @param {string} [locale]
 */
export function plural(n, forms, locale) {
  const form = forms[new Intl.PluralRules(locale).select(n)] ?? forms.other;
  return form.replaceAll("{n}", number(n, locale));
}

/**
 * @param {number} n
 * @param {string} [locale]
 */
export function number(n, locale) {
  return new Intl.NumberFormat(locale).format(n);
}

/**
 * One line of plain text for previews and quotes, cut after `max` characters.
 * @param {string} text markdown
 * @param {number} [max]
 */
export function excerpt(text, max = 120) {
  // What is beyond this can't appear, and markup rarely quadruples a text.
  const characters = Array.from(plainText(text.slice(0, max * 8)));
  return characters.length <= max ? characters.join("") : `${characters.slice(0, max - 1).join("").trimEnd()}…`;
}

/**
 * "38 ms".
 * @param {number} rtt
 */
export function milliseconds(rtt) {
  return `${Math.round(rtt)} ms`;
}

/**
 * Whole seconds that a countdown shows: never 0 while there is something left.
 * @param {number} ms
 */
export function countdown(ms) {
  return Math.max(1, Math.ceil(ms / 1000));
}

/**
 * "0:42".
 * @param {number} seconds
 */
export function minutesSeconds(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
