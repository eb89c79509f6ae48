import { uuidFrom } from "app/core/ids.js";

/** @returns {import("./types.js").RandomPort} */
export function browserRandom() {
  return {
    uuid: () => uuidFrom(crypto.getRandomValues(new Uint8Array(16))),
    fraction: () => Math.random(),
  };
}
