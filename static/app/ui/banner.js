import { pausedUntil } from "app/core/outbox.js";
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { isConnected } from "app/ui/connection-words.js";
import { useApp, useSelect } from "app/ui/context.js";
import { Icon } from "app/ui/icon.js";
import { t } from "app/ui/strings.js";
import { timeOf } from "app/ui/times.js";
import { useCountdown } from "app/ui/use-countdown.js";

/** @typedef {import("app/core/types.js").Connection} Connection */

/** Short breaks stay invisible; a banner that came stays long enough to be read, ms. */
const APPEARS_AFTER = 2000;
const STAYS = 1200;

/**
 * True from two seconds after `wanted` became true until it is false and was shown long enough.
 * @param {boolean} wanted
 */
function useSteady(wanted) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (wanted === shown) return undefined;
    const timer = setTimeout(() => setShown(wanted), wanted ? APPEARS_AFTER : STAYS);
    return () => clearTimeout(timer);
  }, [wanted, shown]);
  return shown;
}

/** @param {{ icon: string, tone?: "warn" | "bad" | "", head: string, body?: string, children?: import("preact").ComponentChildren }} props */
function Strip({ icon, tone = "", head, body = "", children }) {
  return html`<div class=${`strip${tone ? ` strip-${tone}` : ""}`}>
    <${Icon} name=${icon} size=${18} /><span><b>${head}</b> ${body}</span>${children}
  </div>`;
}

/** @param {{ connection: Connection }} props */
function ConnectionStrip({ connection }) {
  const app = useApp();
  const seconds = useCountdown(connection.retryAt);
  const last = connection.lastConnectedAt === null ? "" : ` ${t("banner.last", { time: timeOf(connection.lastConnectedAt) })}`;
  const tryNow = html`<button class="text-button" type="button" onClick=${() => app.sync.tryNow()}>${t("conn.try")}</button>`;
  switch (connection.state) {
    case "offline":
      return html`<${Strip} icon="wifi-off" tone="bad" head=${t("banner.offline")} body=${`${t("banner.offline.body")}${last}`}>
        <a class="text-button" href="/outbox">${t("banner.outbox")}</a>
      <//>`;
    case "restarting":
      return html`<${Strip} icon="rotate-cw" tone="warn" head=${t("banner.restart")} body=${`${t("banner.restart.body")}${last}`} />`;
    case "stopped":
      return html`<${Strip} icon="ban" tone="bad" head=${t("banner.stopped")} body=${t("banner.stopped.body")}>
        <button class="text-button" type="button" onClick=${() => location.reload()}>${t("banner.reload")}</button>
      <//>`;
    case "catching-up":
      return html`<${Strip} icon="history" head=${`${t("conn.sync")}.`} />`;
    default: {
      const head = connection.state === "connecting" ? t("banner.connecting") : seconds > 0 ? t("banner.retry", { n: seconds }) : t("banner.trying");
      return html`<${Strip} icon="rotate-cw" tone="warn" head=${head} body=${`${t("banner.write")}${last}`}>${seconds > 0 && tryNow}<//>`;
    }
  }
}

/** What stands between the header and the messages: the connection, or the server's request to slow down. */
export function Banner() {
  const connection = useSelect((state) => state.connection);
  const paused = useSelect((state) => pausedUntil(state.outbox, Date.now()));
  const wait = useCountdown(paused);
  const lost = useSteady(!isConnected(connection));
  if (lost && !isConnected(connection)) return html`<${ConnectionStrip} connection=${connection} />`;
  if (wait > 0) return html`<${Strip} icon="clock" tone="warn" head=${t("banner.rate")} body=${t("banner.rate.body", { n: wait })} />`;
  return html`<span></span>`;
}
