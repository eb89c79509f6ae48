import { waitingCount } from "app/core/select.js";
import { html } from "htm/preact";
import { connectionWords } from "app/ui/connection-words.js";
import { useSelect } from "app/ui/context.js";
import { openOverlay } from "app/ui/router.js";
import { t } from "app/ui/strings.js";
import { Tube } from "app/ui/tube.js";
import { useCountdown } from "app/ui/use-countdown.js";

/**
 * How the connection is: the tube, words and a number. Opens the details.
 * @param {{ chip?: boolean }} props `chip`: the short form in the phone's header
 */
export function ConnectionButton({ chip = false }) {
  const connection = useSelect((state) => state.connection);
  const waiting = useSelect(waitingCount);
  const seconds = useCountdown(connection.retryAt);
  const { words, number, tone } = connectionWords(connection, seconds, waiting);
  const short = chip && number && tone === "";
  const classes = `connection${chip ? " connection-chip" : ""}${tone ? ` connection-${tone}` : ""}`;
  return html`<button class=${classes} type="button" data-connection=${connection.state} onClick=${() => openOverlay("connection")}>
    <${Tube} state=${connection.state} />
    <span class="visually-hidden">${t("conn.label")} </span>
    <span class=${short ? "visually-hidden" : "connection-words"}>${words}</span>
    ${(!chip || short) && html`<span class="connection-number num">${number}</span>`}
    <span class="visually-hidden">. ${t("conn.details")}</span>
  </button>`;
}
