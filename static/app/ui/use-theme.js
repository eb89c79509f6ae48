import { signal } from "@preact/signals";
import { useApp } from "app/ui/context.js";

/** @typedef {"light" | "dark" | "system"} Theme */

const dark = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(dark.matches);
dark.addEventListener("change", () => { systemDark.value = dark.matches; });

/** What was chosen; the server wrote it on the page. */
const chosen = signal(/** @type {Theme} */ (document.documentElement.dataset.theme ?? "system"));

/**
 * The theme that is seen, a way to choose one, and what was chosen.
 * @returns {["light" | "dark", (theme: Theme) => void, Theme]}
 */
export function useTheme() {
  const app = useApp();
  const seen = chosen.value === "system" ? (systemDark.value ? "dark" : "light") : chosen.value;
  return [seen, (theme) => {
    app.preferences.setTheme(theme);
    chosen.value = theme;
  }, chosen.value];
}
