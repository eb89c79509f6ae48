import assert from "node:assert/strict";
import test from "node:test";
import * as select from "app/core/select.js";
import { newItem, refused, sending } from "app/core/outbox.js";
import { ALICE, BOB, CHARLIE, live, member, message, messageId, NOW, play, room, ROOM, settled, sync } from "./world.mjs";

const UTC = { timeZone: "UTC" };

/** @param {import("app/core/types.js").State} state @param {object} [options] */
const lines = (state, options = {}) => select.timeline(state, ROOM, { ...UTC, ...options });

/** @param {any[]} items */
const shape = (items) => items.map((item) =>
  item.type === "message" ? `${item.first ? "(" : " "}${item.message?.seq ?? item.body}${item.last ? ")" : " "}` : item.type);

/** @param {import("app/core/types.js").State} state @param {import("app/core/types.js").MessageRow[]} rows */
const add = (state, ...rows) => play(state, rows.map(live));

const at = (/** @type {string} */ time) => ({ created_at: time });
const queued = newItem({ id: "f0000000-0000-4000-8000-000000000001", conversation: ROOM, body: "mine", n: 1, created_at: new Date(NOW + 10_000).toISOString() });

test("messages of one author within five minutes are one group", () => {
  const state = add(settled(0),
    message(1, 3, at("2026-03-12T09:00:00Z")), message(2, 4, at("2026-03-12T09:05:00Z")),
    message(3, 5, at("2026-03-12T09:10:01Z")), message(4, 6, { ...at("2026-03-12T09:10:02Z"), sender: ALICE.id }));
  assert.deepEqual(shape(lines(state)), ["day", "(1 ", " 2)", "(3)", "(4)"]);
});

test("a system line, the unread line and a quote end a group", () => {
  const state = add(settled(0), message(1, 3), message(2, 4, { kind: "system", body: "left" }), message(3, 5), message(4, 6),
    message(5, 7, { reply_to: messageId(1) }), message(6, 8));
  assert.deepEqual(shape(lines(state, { unreadFrom: 4 })), ["day", "(1)", "system", "(3)", "unread", "(4)", "(5 ", " 6)"]);
});

test("names stand on the first and avatars on the last of others' messages, in groups only", () => {
  const state = add(settled(0), message(1, 3), message(2, 4), message(3, 5, { sender: ALICE.id }));
  const shown = lines(state).flatMap((item) => (item.type === "message" ? [[item.showName, item.showAvatar]] : []));
  assert.deepEqual(shown, [[true, false], [false, true], [false, false]]);
  const direct = play(state, [sync({ from: 5, to: 6, data: room(6, 3, { kind: "direct", title: "" }) })]);
  assert.ok(lines(direct).every((item) => item.type !== "message" || (!item.showName && !item.showAvatar)));
});

test("days begin at local midnight, also where the clock changes", () => {
  const times = ["2026-03-28T22:59:00Z", "2026-03-28T23:01:00Z", "2026-03-29T00:59:00Z", "2026-03-29T01:01:00Z", "2026-03-29T21:59:00Z", "2026-03-29T22:01:00Z"];
  const state = add(settled(0), ...times.map((time, index) => message(index + 1, index + 3, at(time))));
  const berlin = select.timeline(state, ROOM, { timeZone: "Europe/Berlin" }).flatMap((item) => (item.type === "day" ? [item.day] : []));
  assert.deepEqual(berlin, ["2026-03-28", "2026-03-29", "2026-03-30"]);
  const utc = lines(state).flatMap((item) => (item.type === "day" ? [item.day] : []));
  assert.deepEqual(utc, ["2026-03-28", "2026-03-29"]);
});

test("order is by seq, whatever the clocks say, and no day comes twice", () => {
  const state = add(settled(0), message(2, 4, at("2026-03-11T23:59:59Z")), message(1, 3, at("2026-03-12T00:00:01Z")), message(3, 5, at("2026-03-12T00:00:02Z")));
  assert.deepEqual(shape(lines(state)), ["day", "(1 ", " 2 ", " 3)"]);
});

test("the unread line counts others' messages and stands once", () => {
  const state = add(settled(2), message(3, 5, { sender: ALICE.id }), message(4, 6));
  const [line] = lines(state, { unreadFrom: 2 }).filter(({ type }) => type === "unread");
  assert.deepEqual({ ...line, since: null }, { type: "unread", key: "unread", from: 2, count: 2, since: null });
});

test("what waits stands at the end under the key that it keeps", () => {
  let state = play(settled(1), [{ type: "local.outbox.put", items: [queued] }]);
  const before = lines(state).at(-1);
  assert.equal(before?.type === "message" && before.delivery, "waiting");
  state = play(state, [{ type: "ack", ref: queued.id, id: queued.id, conversation: ROOM, seq: 2, version: 4, created_at: queued.created_at, duplicate: false }]);
  const after = lines(state).at(-1);
  assert.equal(after?.key, before?.key);
  assert.equal(after?.type === "message" && after.delivery, "sent");
});

test("quotes: near, far, deleted and not loaded", () => {
  const rows = [1, 2, 3, 4].map((seq) => message(seq, seq + 2));
  const state = add(settled(0), ...rows, message(5, 7, { reply_to: messageId(2) }), message(6, 8, { reply_to: messageId(1) }),
    message(7, 9, { reply_to: messageId(99) }), message(3, 10, { body: "", deleted_at: "2026-03-12T10:00:00Z" }), message(8, 11, { reply_to: messageId(3) }));
  const quotes = lines(state).flatMap((item) => (item.type === "message" && item.quote ? [item.quote] : []));
  assert.deepEqual(quotes.map(({ author, near, missing, deleted }) => [author, near, missing, deleted]), [
    ["Bob", true, false, false], ["Bob", false, false, false], ["", false, true, false], ["Bob", false, false, true],
  ]);
});

test("system lines name the actor", () => {
  const [, line] = lines(add(settled(0), message(1, 3, { kind: "system", body: "added Charlie" })));
  assert.deepEqual([line.type === "system" && line.actor, line.type === "system" && line.text], ["Bob", "added Charlie"]);
});

test("delivery: sent, then delivered, then read, when all the others say so", () => {
  let state = play(settled(0), [
    { type: "member", conversation: ROOM, version: 3, data: member(CHARLIE, 3) },
    live(message(1, 4, { sender: ALICE.id })),
  ]);
  /** @param {string} user @param {number} read @param {number} delivered */
  const receipt = (user, read, delivered) => play(state, [{ type: "receipt", conversation: ROOM, user, read_seq: read, delivered_seq: delivered }]);
  const delivery = () => select.deliveryState(state, state.conversations[ROOM].messages[messageId(1)]);
  assert.equal(delivery(), "sent");
  state = receipt(BOB.id, 1, 1);
  assert.equal(delivery(), "sent");
  state = receipt(CHARLIE.id, 0, 1);
  assert.equal(delivery(), "delivered");
  state = receipt(CHARLIE.id, 1, 1);
  assert.equal(delivery(), "read");
  assert.deepEqual(select.readersOf(state, state.conversations[ROOM].messages[messageId(1)]).sort(), [BOB.id, CHARLIE.id]);
});

test("who left, or came later, doesn't count for delivery", () => {
  const state = play(settled(0), [
    live(message(1, 3, { sender: ALICE.id })),
    { type: "receipt", conversation: ROOM, user: BOB.id, read_seq: 1, delivered_seq: 1 },
    { type: "member", conversation: ROOM, version: 4, data: member(CHARLIE, 4, { joined_at: "2026-03-13T00:00:00Z" }) },
  ]);
  assert.equal(select.deliveryState(state, state.conversations[ROOM].messages[messageId(1)]), "read");
  const alone = play(state, [{ type: "member", conversation: ROOM, version: 5, data: member(BOB, 5, { left_at: "2026-03-14T00:00:00Z" }) }]);
  assert.equal(select.deliveryState(alone, state.conversations[ROOM].messages[messageId(1)]), "sent");
});

test("delivery of what is in the outbox is its state there", () => {
  const [going] = sending([queued], queued.id, NOW);
  const [failed] = refused([going], queued.id, { code: "forbidden", detail: "" }, NOW, () => 0);
  assert.deepEqual([queued, going, failed].map((item) => select.deliveryState(settled(), item)), ["waiting", "sending", "failed"]);
});

/** A second conversation, direct with Bob. @param {Partial<import("app/core/types.js").WireConversation>} [more] */
function withDirect(more = {}) {
  const id = "c0000000-0000-4000-8000-000000000002";
  const data = room(2, 0, { id, kind: "direct", title: "", created_at: "2026-03-10T00:00:00Z", ...more });
  return play(settled(1), [sync({ to: 2, reset: true, data, members: [member(ALICE, 1, { conversation: id }), member(BOB, 2, { conversation: id })] })]);
}

test("the list: pinned first, then by last activity, with what each needs", () => {
  const state = withDirect();
  const [first, second] = select.conversationList(state, { now: NOW });
  assert.deepEqual([first.title, first.preview, first.unread, first.status], ["Launch", { kind: "text", text: "message 1", author: "Bob", mine: false }, 1, null]);
  assert.deepEqual([second.title, second.preview.kind, second.otherId, second.online], ["Bob", "none", BOB.id, false]);
  const pinned = withDirect({ me: { role: "member", read_seq: 0, unread: 0, mentions: 0, muted_until: null, pinned: true } });
  assert.equal(select.conversationList(pinned, { now: NOW })[0].title, "Bob");
});

test("the list can be filtered and searched without case and accents", () => {
  const state = withDirect();
  const titles = (/** @type {any} */ options) => select.conversationList(state, { now: NOW, ...options }).map(({ title }) => title);
  assert.deepEqual(titles({ filter: "unread" }), ["Launch"]);
  assert.deepEqual(titles({ filter: "direct" }), ["Bob"]);
  assert.deepEqual(titles({ filter: "groups" }), ["Launch"]);
  assert.deepEqual(titles({ query: "  BÖB" }), ["Bob"]);
});

test("the list says what waits, what failed, and that there is a draft", () => {
  const state = play(settled(1), [
    { type: "local.outbox.put", items: refused([queued], queued.id, { code: "forbidden", detail: "" }, NOW, () => 0) },
    { type: "local.draft", conversation: ROOM, text: "half a" },
  ]);
  const [entry] = select.conversationList(state, { now: NOW });
  assert.deepEqual([entry.status, entry.draft, entry.preview.text, entry.preview.mine], ["failed", "half a", "mine", true]);
  assert.deepEqual([select.failedCount(state), select.waitingCount(state)], [1, 0]);
});

test("muted conversations don't count for the badge", () => {
  const muted = room(5, 3, { me: { role: "member", read_seq: 0, unread: 3, mentions: 0, muted_until: "2026-03-13T00:00:00Z", pinned: false } });
  const state = play(settled(3), [sync({ from: 5, to: 6, data: { ...muted, version: 6 } })]);
  assert.deepEqual(select.unreadTotal(state, NOW), { unread: 0, mentions: 0 });
  assert.deepEqual(select.unreadTotal(state, NOW + 172_800_000), { unread: 3, mentions: 0 });
});
