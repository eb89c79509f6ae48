import assert from "node:assert/strict";
import test from "node:test";
import { ceilingFor, delayFor, restartDelay } from "app/core/backoff.js";
import { median, planFor, speedState } from "app/core/connection.js";
import { eventsIn } from "app/core/frames.js";
import { crc32, hueOf, isId, uuidFrom } from "app/core/ids.js";
import { lifetimeOf } from "app/core/tokens.js";

test("waits double from half a second to thirty seconds", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7, 1000].map(ceilingFor), [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
});

test("a wait is anywhere between nothing and its ceiling", () => {
  for (let attempt = 0; attempt < 12; attempt += 1) {
    assert.equal(delayFor(attempt, () => 0), 0);
    assert.ok(delayFor(attempt, () => 0.9999999) < ceilingFor(attempt));
    assert.equal(delayFor(attempt, () => 0.5), ceilingFor(attempt) / 2);
  }
});

test("after a restart clients spread over three seconds", () => {
  assert.equal(restartDelay(() => 0), 0);
  assert.equal(restartDelay(() => 0.9999999), 2999);
});

test("each close code has its plan", () => {
  const plans = Object.fromEntries([1000, 1006, 1012, 1013, 4012, 4401, 4408, 4429, 4500, 4501, 4503].map((code) => [code, planFor(code)]));
  assert.deepEqual(plans, {
    1000: "retry", 1006: "retry", 1012: "restart", 1013: "restart", 4012: "restart", 4401: "refresh",
    4408: "retry", 4429: "retry", 4500: "stop", 4501: "signed-out", 4503: "stop",
  });
});

test("the median of the last pings", () => {
  assert.equal(median([]), null);
  assert.equal(median([40, 900, 38, 41, 39]), 40);
  assert.equal(median([40, 60]), 50);
});

test("slow begins above 300 ms and ends below 200", () => {
  assert.equal(speedState("connected", 300), "connected");
  assert.equal(speedState("connected", 301), "slow");
  assert.equal(speedState("slow", 250), "slow");
  assert.equal(speedState("slow", 199), "connected");
  assert.equal(speedState("catching-up", 900), "catching-up");
});

test("frames: batches are taken apart, unknown types and local ones left out, nonsense is none", () => {
  const text = JSON.stringify({ type: "batch", events: [{ type: "resync" }, { type: "weather" }, { type: "local.user", user: null }, { type: "batch", events: [{ type: "pong" }] }] });
  assert.deepEqual(eventsIn(text)?.map(({ type }) => type), ["resync", "pong"]);
  assert.deepEqual(eventsIn('{"type":"constructor"}'), []);
  for (const nonsense of ["", "null", "[]", "7", "{", '{"type":1}']) assert.equal(eventsIn(nonsense), null, nonsense);
});

test("ids are UUIDs of version 4 made from random bytes", () => {
  assert.equal(uuidFrom(new Uint8Array(16).fill(255)), "ffffffff-ffff-4fff-bfff-ffffffffffff");
  assert.ok(isId(uuidFrom(new Uint8Array(16))));
  assert.ok(!isId("ffffffff-ffff-1fff-bfff-ffffffffffff"));
  assert.ok(!isId("x"));
});

test("a person's colour is the same everywhere", () => {
  assert.equal(crc32("123456789"), 0xcbf43926);
  assert.equal(hueOf("123456789"), 0xcbf43926 % 8);
});

test("a token says how long it lives, whatever the clock here says", () => {
  const part = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  assert.equal(lifetimeOf(`${part({})}.${part({ iat: 100, exp: 400, name: "ÿÿ~~" })}.x`), 300_000);
  for (const token of ["", "a.b.c", `a.${part({ exp: 1 })}.c`]) assert.equal(lifetimeOf(token), null);
});
