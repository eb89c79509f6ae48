/** Times as the interface writes them, in its locale and this device's zone. */
import * as format from "app/core/format.js";
import { signal } from "@preact/signals";
import { locale } from "app/ui/strings.js";

/** This device's day; what says Today or Yesterday reads it. Moves at midnight and on return to the tab. */
export const today = signal(format.dayOf(Date.now()));

function renewToday() {
  today.value = format.dayOf(Date.now());
}
setInterval(renewToday, 60_000);
document.addEventListener("visibilitychange", renewToday);

const date = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long" });

/** @param {number} ms @returns {string} */
function iso(ms) {
  return new Date(ms).toISOString();
}

/** @param {string | number} moment @returns {string} e.g. 09:41 */
export function timeOf(moment) {
  return format.clockTime(typeof moment === "number" ? iso(moment) : moment, { locale });
}

/** @param {string} moment @returns {string} date, time and zone, for who asks */
export function fullTime(moment) {
  return format.fullTime(moment, { locale });
}

/** @param {string} moment @returns {string} Today, Yesterday, a weekday or a date */
export function dayOf(moment) {
  return format.dayLabel(moment, Date.now(), { locale });
}

/** @param {string} moment @returns {string} a time today, else a short day: for list rows */
export function listTime(moment) {
  return format.listTime(moment, Date.now(), { locale });
}

/** @param {string} moment @returns {string} e.g. 2 March */
export function dateOf(moment) {
  return date.format(new Date(moment));
}

/** @param {string} moment @returns {string} e.g. 2 March, 09:41 */
export function dateTimeOf(moment) {
  return `${dateOf(moment)}, ${timeOf(moment)}`;
}
