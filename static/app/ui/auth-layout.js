import { html } from "htm/preact";
import { useEffect } from "preact/hooks";
import { AuthArt } from "app/ui/auth-art.js";
import { MarkTile } from "app/ui/mark.js";
import { useTheme } from "app/ui/use-theme.js";
import { Icon } from "app/ui/icon.js";
import { t } from "app/ui/strings.js";

/**
 * The frame of sign in, register and signed out.
 * @param {{ title: string, lead: string, children?: import("preact").ComponentChildren }} props
 */
export function AuthLayout({ title, lead, children }) {
  const [theme, setTheme] = useTheme();
  useEffect(() => {
    document.title = t("app.title", { page: title });
  }, [title]);
  const other = theme === "dark" ? "light" : "dark";
  return html`<div class="auth">
    <main class="auth-main">
      <div class="auth-inner">
        <a class="brand" href="/sign-in"><${MarkTile} /><span>Pneumatic <span>Chat</span></span></a>
        <div><h1>${title}</h1><p class="auth-lead">${lead}</p></div>
        ${children}
      </div>
      <footer class="auth-foot">
        <button class="text-button text-button-quiet" type="button" onClick=${() => setTheme(other)}>
          <${Icon} name=${other === "dark" ? "moon" : "sun"} size=${16} />${t(`nav.theme.${other}`)}
        </button>
      </footer>
    </main>
    <${AuthArt} />
  </div>`;
}

/**
 * A note above a form: what happened, and what to do.
 * @param {{ head: string, body?: string, tone?: "danger" | "ok" | "", focusRef?: import("preact").RefObject<HTMLDivElement> }} props
 */
export function Note({ head, body = "", tone = "", focusRef }) {
  const icon = tone === "ok" ? "circle-check" : "circle-alert";
  return html`<div class=${`note${tone ? ` note-${tone}` : ""}`} role=${tone === "danger" ? "alert" : undefined}
      tabindex=${focusRef ? -1 : undefined} ref=${focusRef}>
    <${Icon} name=${tone ? icon : "inbox"} size=${18} />
    <p><b>${head}</b> ${body}</p>
  </div>`;
}
