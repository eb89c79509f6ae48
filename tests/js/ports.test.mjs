import assert from "node:assert/strict";
import test from "node:test";
import { restApi } from "app/ports/api.js";
import { memoryDb } from "app/ports/memory-db.js";
import { difference } from "app/services/mirror.js";
import { live, message, messageId, play, ROOM, settled } from "./world.mjs";

/** @param {Response[]} responses */
function scripted(...responses) {
  /** @type {{ url: string, init: RequestInit }[]} */
  const calls = [];
  const api = restApi(async (url, init) => {
    calls.push({ url: String(url), init: init ?? {} });
    const response = responses.shift();
    if (!response) throw new TypeError("fetch failed");
    return response;
  });
  let token = "old";
  api.useAuth({ accessToken: async () => token, refresh: async () => (token = "new") });
  return { api, calls, bearers: () => calls.map(({ init }) => /** @type {any} */ (init.headers).Authorization) };
}

/** @param {number} status @param {unknown} [body] @param {Record<string, string>} [headers] */
const answer = (status, body, headers) => new Response(body === undefined ? null : JSON.stringify(body), { status, headers });

test("a request carries the token and its body", async () => {
  const { api, calls } = scripted(answer(200, { results: [] }));
  assert.deepEqual(await api.request("POST", "conversations/", { body: { a: 1 } }), { results: [] });
  assert.equal(calls[0].url, "/api/v1/conversations/");
  assert.deepEqual(calls[0].init.headers, { "Accept": "application/json", "Content-Type": "application/json", "Authorization": "Bearer old" });
  assert.equal(calls[0].init.body, '{"a":1}');
});

test("a refused token is refreshed and the request repeated, once", async () => {
  const first = scripted(answer(401, {}), answer(204));
  assert.equal(await first.api.request("DELETE", "x/"), null);
  assert.deepEqual(first.bearers(), ["Bearer old", "Bearer new"]);
  const second = scripted(answer(401, {}), answer(401, { code: "unauthenticated", detail: "No." }));
  await assert.rejects(second.api.request("GET", "x/"), { status: 401, code: "unauthenticated" });
  assert.equal(second.calls.length, 2);
});

test("signing in carries no token", async () => {
  const { api, bearers } = scripted(answer(401, { code: "unauthenticated", detail: "No." }));
  await assert.rejects(api.request("POST", "auth/token/", { body: {}, auth: false }), { status: 401, temporary: false });
  assert.deepEqual(bearers(), [undefined]);
});

test("problems become errors with all that they say", async () => {
  const problem = { title: "Invalid", status: 400, detail: "Look again.", code: "invalid", errors: { title: ["Too long."] }, request_id: "r1" };
  const { api } = scripted(answer(400, problem));
  await assert.rejects(api.request("GET", "x/"), { name: "ApiError", status: 400, code: "invalid", detail: "Look again.", errors: { title: ["Too long."] }, requestId: "r1", temporary: false });
});

test("a rate limit says how long to wait, in the body or the header", async () => {
  const { api } = scripted(answer(429, { code: "rate_limited", detail: "Slow.", retry_after: 7 }), answer(429, undefined, { "Retry-After": "9" }));
  await assert.rejects(api.request("GET", "x/"), { code: "rate_limited", retryAfter: 7, temporary: true });
  await assert.rejects(api.request("GET", "x/"), { code: "rate_limited", retryAfter: 9, temporary: true });
});

test("a proxy's page and no answer at all are temporary", async () => {
  const { api } = scripted(new Response("<html>Bad gateway</html>", { status: 502 }));
  await assert.rejects(api.request("GET", "x/"), { status: 502, code: "unavailable", temporary: true });
  await assert.rejects(api.request("GET", "x/"), { status: 0, code: "unavailable", temporary: true });
});

test("the next page is asked for at this server, whatever host its address names", async () => {
  const { api, calls } = scripted(answer(200, {}));
  await api.request("GET", "https://elsewhere.example/api/v1/conversations/?cursor=a");
  assert.equal(calls[0].url, "/api/v1/conversations/?cursor=a");
});

test("the mirror is written by differences, and read as it was", async () => {
  const db = memoryDb();
  const before = settled(3);
  await db.writeMirror(difference(null, before.conversations, before.epoch));
  const after = play(before, [live(message(4, 6)), live(message(2, 7, { body: "edited" }))]);
  const change = difference(before.conversations, after.conversations, after.epoch);
  assert.deepEqual(change.messages.map(({ id }) => id).sort(), [messageId(2), messageId(4)]);
  assert.equal(change.clear, false);
  await db.writeMirror(change);
  const read = await db.readMirror(2);
  assert.equal(read.epoch, after.epoch);
  assert.equal(read.conversations[0].known, 7);
  assert.deepEqual(read.messages[ROOM].map(({ seq }) => seq), [3, 4]);
  await db.writeMirror(difference(after.conversations, {}, null));
  assert.deepEqual(await db.readMirror(2), { conversations: [], messages: {}, epoch: null });
});

test("what did not change is not written", () => {
  const state = settled(3);
  const change = difference(state.conversations, state.conversations, state.epoch);
  assert.deepEqual([change.conversations, change.messages, change.removed], [[], [], []]);
});
