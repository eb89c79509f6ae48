// Made by `manage.py export_protocol` from chat/protocol/; don't edit.

export interface Ack {
  type: "ack";
  ref: string | null;
  id: string;
  conversation: string;
  seq: number;
  version: number;
  created_at: string;
  duplicate: boolean;
}

export interface Auth {
  type: "auth";
  ref?: string | null;
  token: string;
}

export interface AuthExpiring {
  type: "auth.expiring";
  seconds: number;
}

export interface Authed {
  type: "authed";
  ref: string | null;
  token_expires_at: string;
}

export interface Batch {
  type: "batch";
  events: Event[];
}

/**
 * `data` has no `me`: it is the same text for every member.
 */
export interface ConversationEvent {
  type: "conversation";
  conversation: string;
  version: number;
  data: ConversationRow;
}

export interface ConversationRemoved {
  type: "conversation.removed";
  conversation: string;
}

export interface ConversationRow {
  id: string;
  kind: "direct" | "group";
  title: string;
  topic: string;
  avatar: string | null;
  created_at: string;
  last_seq: number;
  version: number;
  archived_at: string | null;
  me?: Me;
}

export interface Delivered {
  type: "delivered";
  ref?: string | null;
  conversation: string;
  seq: number;
}

export interface ErrorEvent {
  type: "error";
  ref?: string | null;
  code: string;
  detail: string;
  errors?: Record<string, string[]>;
  retry_after?: number | null;
}

export interface Hello {
  type: "hello";
  ref?: string | null;
  token?: string | null;
  epoch?: string | null;
  versions?: Record<string, number>;
}

export interface Me {
  role: "admin" | "member" | "owner";
  read_seq: number;
  unread: number;
  mentions: number;
  muted_until: string | null;
  pinned: boolean;
}

export interface MemberEvent {
  type: "member";
  conversation: string;
  version: number;
  data: MemberRow;
}

export interface MemberRow {
  conversation: string;
  user: Person;
  role: "admin" | "member" | "owner";
  joined_at: string;
  left_at: string | null;
  version: number;
}

export interface MessageEvent {
  type: "message";
  conversation: string;
  version: number;
  data: MessageRow;
}

export interface MessageRow {
  id: string;
  conversation: string;
  seq: number;
  version: number;
  sender: string | null;
  kind: "system" | "text";
  body: string;
  reply_to: string | null;
  attachments: unknown[];
  mentions: string[];
  reactions: Reaction[];
  pinned_at: string | null;
  created_at: string;
  edited_at: string | null;
  deleted_at: string | null;
}

export interface Person {
  id: string;
  username: string;
  display_name: string;
  avatar: string | null;
}

export interface Ping {
  type: "ping";
  ref?: string | null;
  t?: number | string | null;
}

export interface Pong {
  type: "pong";
  ref: string | null;
  t: number | string | null;
  server_time: string;
}

export interface PresenceEvent {
  type: "presence";
  user: string;
  online: boolean;
}

export interface Reaction {
  emoji: string;
  count: number;
  users: string[];
}

export interface Read {
  type: "read";
  ref?: string | null;
  conversation: string;
  seq: number;
}

export interface Receipt {
  user: string;
  read_seq: number;
  delivered_seq: number;
  conversation?: string;
}

/**
 * `unread` and `mentions` are there only on one's own devices.
 */
export interface ReceiptEvent {
  type: "receipt";
  conversation: string;
  user: string;
  read_seq: number;
  delivered_seq: number;
  unread?: number;
  mentions?: number;
}

export interface Resync {
  type: "resync";
}

export interface Send {
  type: "message.send";
  ref?: string | null;
  id: string;
  conversation: string;
  body: string;
  reply_to?: string | null;
  attachments?: string[];
}

/**
 * `versions`: all of the client's conversations, or, with `partial`, only these.
 *
 * Only a full list can tell the client of conversations that it doesn't know yet.
 */
export interface Sync {
  type: "sync";
  ref?: string | null;
  versions: Record<string, number>;
  epoch?: string | null;
  partial?: boolean;
  states?: boolean;
}

export interface SyncFrame {
  type: "sync";
  conversation: string;
  from: number;
  to: number;
  reset: boolean;
  more: boolean;
  data: ConversationRow;
  members: MemberRow[];
  messages: MessageRow[];
  receipts: Receipt[];
}

export interface Synced {
  type: "synced";
  ref?: string | null;
  receipts?: Receipt[];
  online?: string[];
}

export interface Typing {
  type: "typing";
  ref?: string | null;
  conversation: string;
  on: boolean;
}

export interface TypingEvent {
  type: "typing";
  conversation: string;
  user: string;
  on: boolean;
}

export interface Welcome {
  type: "welcome";
  protocol: number;
  user: Person;
  session: string;
  epoch: string;
  server_time: string;
  token_expires_at: string;
  heartbeat: number;
  limits: Record<string, number>;
}

export type Command = Hello | Send | Read | Delivered | Typing | Sync | Auth | Ping;

export type Event = Welcome | SyncFrame | Synced | Ack | MessageEvent | MemberEvent | ConversationEvent | ConversationRemoved | ReceiptEvent | TypingEvent | PresenceEvent | AuthExpiring | Authed | Resync | ErrorEvent | Pong | Batch;

export type ErrorCode = "invalid" | "unauthenticated" | "forbidden" | "not_found" | "conflict" | "too_large" | "rate_limited" | "unavailable";

export type CloseCode = 1012 | 4012 | 4401 | 4408 | 4429 | 4500 | 4501 | 4503;

export interface Limits {
  frame_bytes: number;
  body_chars: number;
  title_chars: number;
  topic_chars: number;
  ref_chars: number;
  sync_max: number;
  conversations: number;
  page: number;
  page_max: number;
  members: number;
  members_at_once: number;
  frames_per_second: number;
  typing_seconds: number;
}
