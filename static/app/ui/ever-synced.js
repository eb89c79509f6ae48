import { effect, signal } from "@preact/signals";
import { isConnected } from "app/ui/connection-words.js";

/** @typedef {import("app/services/app.js").App} App */

/** Whether this page has caught up with the server once since the person signed in. */
export const everSynced = signal(false);

/** @param {App} app */
export function watchSync(app) {
  effect(() => {
    const { user, connection } = app.state.value;
    if (!user) everSynced.value = false;
    else if (isConnected(connection)) everSynced.value = true;
  });
}
