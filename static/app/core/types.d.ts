// The state of the browser client. What comes over the wire is generated from chat/protocol/.
import type * as wire from "./protocol.js";

export type {
  Ack, Command, Me, MemberRow, MessageRow, Reaction, SyncFrame, Synced, Welcome,
} from "./protocol.js";
export type {
  ConversationRow as WireConversation,
  ErrorEvent as ErrorFrame,
  Event as ServerEvent,
  Person as User,
  Receipt as WireReceipt,
} from "./protocol.js";

type Me = wire.Me;
type MemberRow = wire.MemberRow;
type MessageRow = wire.MessageRow;
type User = wire.Person;
type WireConversation = wire.ConversationRow;

export type Role = Me["role"];
export type DurableEvent = wire.MessageEvent | wire.MemberEvent | wire.ConversationEvent;

/** Live events carry no `me`, because they are one text for everybody; here it is always there. */
export interface ConversationRow extends WireConversation {
  me: Me;
}

/** How far a person has received and read; the client keeps it by user. */
export type Receipt = Pick<wire.Receipt, "read_seq" | "delivered_seq">;

// --- What this device tells its own store ---------------------------------------------------

export type LocalEvent =
  | { type: "local.restore"; state: Partial<State> }
  | { type: "local.user"; user: User | null; session: string | null }
  | { type: "local.connection"; patch: Partial<Connection> }
  | { type: "local.disconnected"; patch: Partial<Connection> }
  | { type: "local.sync_sent"; states: boolean; conversations: string[] | null }
  | { type: "local.row"; data: WireConversation }
  | { type: "local.message"; data: MessageRow }
  | { type: "local.member"; data: MemberRow }
  | {
      type: "local.page";
      conversation: string;
      before: number;
      messages: MessageRow[];
      has_before: boolean;
    }
  | { type: "local.read"; conversation: string; seq: number }
  | { type: "local.draft"; conversation: string; text: string }
  | { type: "local.drafts"; drafts: Record<string, string> }
  | { type: "local.tick" }
  | { type: "local.outbox.put"; items: OutboxItem[] }
  | { type: "local.outbox.remove"; id: string }
  | { type: "local.outbox.sending"; id: string };

export type StoreEvent = wire.Event | LocalEvent;

// --- State ----------------------------------------------------------------------------------

export type ConnectionState =
  | "connecting"
  | "connected"
  | "slow"
  | "reconnecting"
  | "trying"
  | "catching-up"
  | "offline"
  | "restarting"
  | "signed-out"
  | "stopped";

export interface Connection {
  state: ConnectionState;
  /** When the next attempt is due (this device's clock, ms); counts down, never up. */
  retryAt: number | null;
  /** Median of the last pings, ms. */
  rtt: number | null;
  /** When the server was last heard on the socket (this device's clock, ms). */
  lastConnectedAt: number | null;
  /** Conversations caught up so far; `total` is 0 because the server doesn't say how many come. */
  done: number;
  total: number;
  closeCode: number | null;
}

export interface Conversation {
  row: ConversationRow;
  /** The version up to which this device has everything; null while a reset is under way. */
  known: number | null;
  /** Versions above `known` that arrived already, ascending. */
  ahead: number[];
  members: Record<string, MemberRow>;
  messages: Record<string, MessageRow>;
  receipts: Record<string, Receipt>;
  /** The window from here to the end is complete in `messages`; null: nothing is known. */
  oldestSeq: number | null;
  hasBefore: boolean;
  /** User id → when "is typing" ends by itself (this device's clock, ms). */
  typing: Record<string, number>;
  /** Since when something is missing (this device's clock, ms). */
  gapSince: number | null;
  /** The version at which the content of `row` was read. */
  rowAt: number;
  /** A reset took more away than it explained: ask once more. */
  doubtful: boolean;
}

export type OutboxState = "waiting" | "sending" | "failed";

export interface OutboxItem {
  id: string;
  conversation: string;
  body: string;
  reply_to: string | null;
  /** Order of sending: rises with every item of this device. */
  n: number;
  state: OutboxState;
  /** How often it was written to a socket. */
  tries: number;
  reason: string | null;
  code: string | null;
  /** Not before then (this device's clock, ms). */
  retryAt: number | null;
  /** When it was last written to a socket (ms). */
  sentAt: number | null;
  created_at: string;
}

/** Live events of a conversation that this device has no row of yet. */
export interface Orphans {
  since: number;
  events: (DurableEvent | Extract<ServerEvent, { type: "receipt" }>)[];
}

export interface State {
  user: User | null;
  session: string | null;
  epoch: string | null;
  limits: Record<string, number> | null;
  connection: Connection;
  conversations: Record<string, Conversation>;
  orphans: Record<string, Orphans>;
  presence: Record<string, true>;
  outbox: OutboxItem[];
  /** Conversation id → the beginning of an unsent draft. */
  drafts: Record<string, string>;
  /** Server clock minus this device's clock, ms; 0 until the server said its time. */
  clockOffset: number;
  /** The next `synced` carries positions and presence. */
  statesDue: boolean;
}

export type DeliveryState = "waiting" | "sending" | "sent" | "delivered" | "read" | "failed";
