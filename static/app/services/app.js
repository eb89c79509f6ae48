/**
 * The client without its screens: everything that `main.js` wires to the UI. All I/O comes in
 * through `ports`.
 *
 * @typedef {import("app/core/types.js").User} User
 * @typedef {ReturnType<typeof createApp>} App
 */
import { emptyState } from "app/core/store.js";
import { createDevices, createProfile, createRecovery, createSecondFactor } from "app/services/account.js";
import { createConversations } from "app/services/conversations.js";
import { createDrafts } from "app/services/drafts.js";
import { createKept } from "app/services/kept.js";
import { createLeader } from "app/services/leader.js";
import { createMirror } from "app/services/mirror.js";
import { createOutbox } from "app/services/outbox.js";
import { createPreferences } from "app/services/preferences.js";
import { createReceipts } from "app/services/receipts.js";
import { createSession } from "app/services/session.js";
import { createStore } from "app/services/store.js";
import { createSync } from "app/services/sync.js";
import { createTyping } from "app/services/typing.js";

/** @param {import("app/ports/types.js").Ports} ports */
export function createApp(ports) {
  const store = createStore(ports);
  const session = createSession({
    ports,
    opened,
    closed,
    renewed: (token) => void sync.send({ type: "auth", token }),
  });
  const sync = createSync({ ports, store, session });
  const leader = createLeader(ports);
  const mirror = createMirror({ ports, store, leader });
  const outbox = createOutbox({ ports, store, leader, sync });
  const receipts = createReceipts({ ports, store, sync });
  const typing = createTyping({ ports, store, sync });
  const drafts = createDrafts({ ports, store });
  const preferences = createPreferences({ ports });
  const kept = createKept({ ports, drafts });
  /** @type {import("app/ports/types.js").Db | null} */
  let db = null;

  /**
   * A user is here: what this device knows of them is shown before the server is asked.
   * @param {User} user
   * @param {string | null} sessionId
   */
  async function opened(user, sessionId) {
    db = await ports.db.open(user.id);
    await leader.enter(user.id);
    const waiting = await outbox.restore(db, user.id);
    const known = await mirror.restore(db);
    preferences.open(user.id);
    kept.remember(user);
    store.dispatch({
      type: "local.restore",
      state: { ...emptyState(), ...known, user, session: sessionId, outbox: waiting, drafts: drafts.all(user.id) },
    });
    sync.connect();
  }

  /**
   * The user is gone. Only their own sign-out takes their data along: what the server ended may
   * leave unsent messages behind, which wait for their author.
   * @param {import("./session.js").Reason} reason
   * @param {User} former
   */
  async function closed(reason, former) {
    sync.disconnect();
    const target = db;
    db = null;
    receipts.close();
    drafts.close();
    preferences.close();
    await mirror.close();
    await outbox.close();
    leader.leave();
    if (reason === "user") {
      await target?.destroy();
      kept.drop(former.id);
    } else {
      target?.close();
    }
    const { connection } = emptyState();
    store.dispatch({
      type: "local.restore",
      state: { ...emptyState(), connection: { ...connection, state: "signed-out" } },
    });
  }

  return {
    state: store.state,
    store,
    session: {
      register: session.register,
      verify: session.verify,
      signIn: session.signIn,
      beginSetup: session.beginSetup,
      finishSetup: session.finishSetup,
      signOut: session.signOut,
      resume: session.resume,
      accessToken: session.accessToken,
      onSignedOut: session.onSignedOut,
    },
    sync: { connect: sync.connect, disconnect: sync.disconnect, tryNow: sync.tryNow },
    outbox: {
      /** @param {Parameters<typeof outbox.send>[0]} message */
      async send(message) {
        typing.sent(message.conversation);
        return outbox.send(message);
      },
      retry: outbox.retry,
      remove: outbox.remove,
      edit: outbox.edit,
    },
    conversations: { ...createConversations({ ports, store }), markRead: receipts.markRead },
    typing: { notify: typing.notify, stop: typing.stop },
    drafts: { get: drafts.get, set: drafts.set },
    preferences,
    profile: createProfile({ ports, store }),
    devices: createDevices({ ports }),
    secondFactor: createSecondFactor({ ports }),
    recovery: createRecovery({ ports }),
    kept: { summary: kept.summary, forget: kept.forget },
  };
}
