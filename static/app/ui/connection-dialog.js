import { milliseconds } from "app/core/format.js";
import { waitingCount } from "app/core/select.js";
import { html } from "htm/preact";
import { connectionWords, isConnected } from "app/ui/connection-words.js";
import { useApp, useSelect } from "app/ui/context.js";
import { Dialog } from "app/ui/dialog.js";
import { t } from "app/ui/strings.js";
import { timeOf } from "app/ui/times.js";
import { useCountdown } from "app/ui/use-countdown.js";

/** What is known about the connection, and a way to try at once. */
export function ConnectionDialog() {
  const app = useApp();
  const connection = useSelect((state) => state.connection);
  const waiting = useSelect(waitingCount);
  const seconds = useCountdown(connection.retryAt);
  const { words } = connectionWords(connection, seconds, waiting);
  const facts = [
    [t("conn.state"), words],
    [t("conn.rtt"), connection.rtt === null ? t("conn.none") : milliseconds(connection.rtt)],
    [t("conn.last"), connection.lastConnectedAt === null ? t("conn.none") : timeOf(connection.lastConnectedAt)],
    [t("conn.device"), String(waiting)],
    ...(connection.closeCode === null ? [] : [[t("conn.code"), String(connection.closeCode)]]),
  ];
  const canTry = !isConnected(connection) && !["catching-up", "stopped", "signed-out"].includes(connection.state);
  const foot = canTry && html`<button class="button button-primary" type="button" onClick=${() => app.sync.tryNow()}>${t("conn.try")}</button>`;
  return html`<${Dialog} title=${t("conn.title")} size="small" foot=${foot}>
    <dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd class="num">${value}</dd></div>`)}</dl>
  <//>`;
}
