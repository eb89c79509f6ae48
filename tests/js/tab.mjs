// A tab in which Alice is signed in, and what the server says to it.
import assert from "node:assert/strict";
import { createApp } from "app/services/app.js";
import { FakeTab, settle } from "./fakes.mjs";
import { ALICE, BOB, member, message, NOW, room, ROOM, sync, welcome } from "./world.mjs";

export const ROOM_FRAME = () => sync({
  to: 5, reset: true, data: room(5, 3), members: [member(ALICE, 1), member(BOB, 2)], messages: [message(1, 3), message(2, 4), message(3, 5)],
});

/** A tab where Alice is signed in, and the socket is up with the room in it. */
export async function connected(tab = new FakeTab()) {
  const app = createApp(tab.ports());
  assert.equal(await app.session.resume(), true);
  await settle();
  greet(tab, ROOM_FRAME());
  await tab.clock.advance(16);
  return { app, tab };
}

/** The newest socket opens and is welcomed. @param {FakeTab} tab @param {...any} frames */
export function greet(tab, ...frames) {
  tab.socket.open();
  tab.socket.receive(welcome(), ...frames, { type: "synced" });
}

/** @param {FakeTab} tab */
export const hello = (tab) => tab.socket.of("hello")[0];

/** @param {FakeTab} tab @param {any} sent @param {number} seq */
export const acknowledge = (tab, sent, seq) => tab.socket.receive({
  type: "ack", ref: sent.ref, id: sent.id, conversation: ROOM, seq, version: seq + 2, created_at: new Date(NOW).toISOString(), duplicate: false,
});
