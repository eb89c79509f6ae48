/**
 * Every sentence a person can read, in one catalogue. A value is a text, or a pair of plural forms
 * chosen by the parameter `n`. `{name}` stands for a parameter.
 */
import { accountStrings } from "app/ui/strings-account.js";
import { chatStrings } from "app/ui/strings-chat.js";
import { settingsStrings } from "app/ui/strings-settings.js";

/** @typedef {string | { one: string, other: string }} Entry */

/** @type {Record<string, Entry>} */
const catalogue = { ...accountStrings, ...chatStrings, ...settingsStrings };

const language = document.documentElement.lang || "en";

/** The reader's own variant of the interface's language, e.g. en-GB, for times and numbers. */
export const locale = navigator.languages.find((tag) => tag.split("-")[0] === language.split("-")[0]) ?? language;

const plural = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(locale);

/**
 * The text for `key` with its parameters put in. Numbers are written for the reader's locale.
 * An unknown key is a mistake of ours, so it throws.
 * @param {string} key
 * @param {Record<string, string | number>} [params]
 * @returns {string}
 */
export function t(key, params = {}) {
  const entry = catalogue[key];
  if (entry === undefined) throw new Error(`No text for ${key}`);
  const text = typeof entry === "string"
    ? entry
    : entry[plural.select(Number(params.n)) === "one" ? "one" : "other"];
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = params[name];
    return typeof value === "number" ? numbers.format(value) : String(value ?? "");
  });
}
