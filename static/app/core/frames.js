/** @typedef {import("./types.js").ServerEvent} ServerEvent */

/** @type {Record<ServerEvent["type"], true>} */
const KNOWN = {
  "welcome": true, "sync": true, "synced": true, "ack": true, "message": true, "member": true,
  "conversation": true, "conversation.removed": true, "receipt": true, "typing": true,
  "presence": true, "auth.expiring": true, "authed": true, "resync": true, "error": true,
  "pong": true, "batch": true,
};

/**
 * The events in one frame of the server, batches taken apart. Unknown types are a newer server's
 * and left out; null: this is no frame of the protocol at all.
 * @param {string} text
 * @returns {ServerEvent[] | null}
 */
export function eventsIn(text) {
  let frame;
  try {
    frame = JSON.parse(text);
  } catch {
    return null;
  }
  return typeof frame?.type === "string" ? taken(frame) : null;
}

/**
 * @param {any} event
 * @returns {ServerEvent[]}
 */
function taken(event) {
  if (!Object.hasOwn(KNOWN, event?.type)) return [];
  return event.type === "batch" ? event.events.flatMap(taken) : [event];
}
