import { milliseconds } from "app/core/format.js";
import { t } from "app/ui/strings.js";

/**
 * @typedef {import("app/core/types.js").Connection} Connection
 * @typedef {{ words: string, number: string, tone: "" | "warn" | "bad" }} Words
 */

/**
 * The connection in words and a number. Only what the socket confirmed.
 * @param {Connection} connection
 * @param {number} seconds left until the next attempt
 * @param {number} waiting messages in the outbox
 * @returns {Words}
 */
export function connectionWords(connection, seconds, waiting) {
  switch (connection.state) {
    case "connecting":
      return { words: t("conn.connecting"), number: "", tone: "" };
    case "connected":
      return { words: t("conn.ok"), number: rtt(connection), tone: "" };
    case "slow":
      return { words: t("conn.slow"), number: rtt(connection), tone: "" };
    case "reconnecting":
      if (seconds <= 0) return { words: t("conn.trying"), number: "", tone: "warn" };
      return { words: t("conn.retry", { n: seconds }), number: t("conn.try"), tone: "warn" };
    case "trying":
      return { words: t("conn.trying"), number: "", tone: "warn" };
    case "catching-up":
      return { words: t("conn.sync"), number: progress(connection), tone: "" };
    case "offline":
      return { words: t("conn.offline"), number: waiting ? t("conn.waiting", { n: waiting }) : "", tone: "bad" };
    case "restarting":
      return { words: t("conn.restart"), number: t("conn.restart.when"), tone: "warn" };
    case "signed-out":
      return { words: t("conn.signedout"), number: t("conn.signin"), tone: "bad" };
    case "stopped":
      return { words: t("conn.stopped"), number: "", tone: "bad" };
  }
}

/** @param {Connection} connection */
export function isConnected(connection) {
  return connection.state === "connected" || connection.state === "slow";
}

/** @param {Connection} connection */
function rtt(connection) {
  return connection.rtt === null ? "" : milliseconds(connection.rtt);
}

/** @param {Connection} connection */
function progress({ done, total }) {
  return total > 0 ? t("conn.sync.count", { done, total }) : "";
}
