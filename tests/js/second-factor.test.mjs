import assert from "node:assert/strict";
import test from "node:test";
import { ApiError } from "app/core/errors.js";
import { createApp } from "app/services/app.js";
import { FakeTab, grant, settle } from "./fakes.mjs";
import { connected } from "./tab.mjs";
import { ALICE } from "./world.mjs";

/** @param {import("app/services/app.js").App} app */
const whoIsIn = (app) => app.state.value.user?.id;
const CREDENTIALS = { username: "alice", password: "correct horse" };

test("signing in: a code is asked for, and goes with the same password", async () => {
  const tab = new FakeTab();
  tab.answers["auth/token/"] = (body) => {
    if (body.code === "123456") return grant();
    throw new ApiError({ status: 401, code: "second_factor_required", detail: "Enter the code." });
  };
  const app = createApp(tab.ports());
  await assert.rejects(app.session.signIn(CREDENTIALS), { code: "second_factor_required" });
  assert.equal(whoIsIn(app), undefined, "nobody is in yet");
  await app.session.signIn({ ...CREDENTIALS, code: "123456" });
  assert.equal(whoIsIn(app), ALICE.id);
  assert.equal(tab.sockets.length, 1);
});

test("nothing of a sign-in is kept on the device but who it was", async () => {
  const tab = new FakeTab();
  tab.answers["auth/token/"] = () => grant();
  const app = createApp(tab.ports());
  await app.session.signIn({ ...CREDENTIALS, code: "123456" });
  const stored = JSON.stringify([...tab.browser.storage]);
  for (const secret of ["correct horse", "123456", "access"]) assert.ok(!stored.includes(secret), secret);
});

test("setting it up at the door: the recovery codes are shown before one comes in", async () => {
  const tab = new FakeTab();
  const enrolment = { secret: "ABCD", uri: "otpauth://totp/x", qr: "data:image/svg+xml,x" };
  tab.answers["auth/second-factor/setup/"] = () => enrolment;
  tab.answers["auth/second-factor/setup/confirm/"] = () => ({ ...grant(), recovery_codes: ["AAAA-BBBB"] });
  const app = createApp(tab.ports());
  assert.deepEqual(await app.session.beginSetup(CREDENTIALS), enrolment);
  const done = await app.session.finishSetup({ ...CREDENTIALS, code: "123456" });
  assert.deepEqual(done.codes, ["AAAA-BBBB"]);
  assert.equal(whoIsIn(app), undefined);
  await done.enter();
  assert.equal(whoIsIn(app), ALICE.id);
});

test("registering where a link is mailed leaves one outside; the link's page lets one in", async () => {
  const tab = new FakeTab();
  tab.answers["auth/register/"] = () => null;
  tab.answers["auth/email/verify/"] = () => grant();
  const app = createApp(tab.ports());
  const account = { username: "alice", email: "alice@example.org", password: "correct horse", invitation: "code" };
  assert.equal(await app.session.register(account), false);
  assert.equal(whoIsIn(app), undefined);
  assert.equal(tab.requests[0].body.invitation, "code");
  assert.equal(await app.session.verify({ token: "t", password: "correct horse" }), true);
  assert.equal(whoIsIn(app), ALICE.id);
});

test("whoever verifies while somebody else is signed in takes over the window, not the data", async () => {
  const { app, tab } = await connected();
  /** @type {string[]} */
  const reasons = [];
  app.session.onSignedOut((reason) => reasons.push(reason));
  const nora = { ...ALICE, id: "a0000000-0000-4000-8000-000000000009", username: "nora" };
  tab.answers["auth/email/verify/"] = () => ({ ...grant(), user: nora });
  await app.session.verify({ token: "t", password: "p" });
  await settle();
  assert.deepEqual(reasons, ["elsewhere"]);
  assert.equal(whoIsIn(app), nora.id);
  assert.deepEqual(app.state.value.conversations, {});
});

test("the settings read, begin, confirm and turn off", async () => {
  const { app, tab } = await connected();
  tab.answers["auth/second-factor/"] = (body) => (body ? { secret: "S", uri: "u", qr: "q" } : { enabled: false, since: null, recovery_codes_left: 0 });
  tab.answers["auth/second-factor/confirm/"] = () => ({ recovery_codes: ["A", "B"] });
  tab.answers["auth/second-factor/recovery-codes/"] = () => ({ recovery_codes: ["C"] });
  tab.answers["auth/second-factor/disable/"] = () => null;
  assert.equal((await app.secondFactor.read()).enabled, false);
  assert.equal((await app.secondFactor.begin({ password: "p" })).secret, "S");
  assert.deepEqual(await app.secondFactor.confirm({ code: "1" }), ["A", "B"]);
  assert.deepEqual(await app.secondFactor.renewCodes({ password: "p", code: "2" }), ["C"]);
  await app.secondFactor.disable({ password: "p", code: "3" });
  assert.deepEqual(tab.requests.at(-1), { method: "POST", path: "auth/second-factor/disable/", body: { password: "p", code: "3" } });
});
