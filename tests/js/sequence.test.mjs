import assert from "node:assert/strict";
import test from "node:test";
import { arrived, confirmed } from "app/core/sequence.js";

test("the next version advances what is known", () => {
  assert.deepEqual(arrived({ known: 4, ahead: [] }, 5), { known: 5, ahead: [] });
});

test("an older version changes nothing", () => {
  assert.deepEqual(arrived({ known: 4, ahead: [6] }, 3), { known: 4, ahead: [6] });
});

test("a later version waits, and the missing one takes it along", () => {
  let position = { known: 4, ahead: /** @type {number[]} */ ([]) };
  for (const version of [7, 6, 9, 6]) position = arrived(position, version);
  assert.deepEqual(position, { known: 4, ahead: [6, 7, 9] });
  assert.deepEqual(arrived(position, 5), { known: 7, ahead: [9] });
});

test("a hole that the server confirms is final", () => {
  assert.deepEqual(confirmed({ known: 4, ahead: [6, 9, 10] }, 8), { known: 10, ahead: [] });
});

test("a confirmation never moves backwards", () => {
  assert.deepEqual(confirmed({ known: 12, ahead: [14] }, 8), { known: 12, ahead: [14] });
});

test("every order of arrival ends the same", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    let random = seed;
    const next = () => (random = (random * 48271) % 2147483647);
    const versions = Array.from({ length: 20 }, (_, index) => index + 1).sort(() => (next() % 3) - 1);
    let position = { known: 0, ahead: /** @type {number[]} */ ([]) };
    for (const version of [...versions, ...versions.slice(0, 5)]) position = arrived(position, version);
    assert.deepEqual(position, { known: 20, ahead: [] });
  }
});
