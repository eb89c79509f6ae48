/** @typedef {import("./types.js").Theme} Theme */

const YEAR = 31_536_000;

/**
 * The page around the app: the server renders the theme from the cookie.
 * @returns {import("./types.js").PagePort}
 */
export function browserPage() {
  const root = document.documentElement;
  return {
    theme() {
      const { theme } = root.dataset;
      return theme === "light" || theme === "dark" ? theme : "system";
    },
    setTheme(theme) {
      root.dataset.theme = theme;
      const scheme = theme === "system" ? "light dark" : theme;
      document.querySelector("meta[name=color-scheme]")?.setAttribute("content", scheme);
      const secure = window.location.protocol === "https:" ? "; Secure" : "";
      document.cookie = `pn_theme=${theme}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
    },
  };
}
