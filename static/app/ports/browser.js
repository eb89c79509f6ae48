import { restApi } from "app/ports/api.js";
import { browserClock } from "app/ports/clock.js";
import { browserDb } from "app/ports/db.js";
import { browserLocks } from "app/ports/locks.js";
import { browserPage } from "app/ports/page.js";
import { browserRandom } from "app/ports/random.js";
import { browserSocket } from "app/ports/socket.js";
import { browserStorage } from "app/ports/storage.js";
import { browserVisibility } from "app/ports/visibility.js";

/**
 * All I/O of a real browser.
 * @returns {import("./types.js").Ports}
 */
export function browserPorts() {
  return {
    clock: browserClock(),
    socket: browserSocket(),
    api: restApi(),
    db: browserDb(),
    visibility: browserVisibility(),
    locks: browserLocks(),
    storage: browserStorage(),
    random: browserRandom(),
    page: browserPage(),
  };
}
