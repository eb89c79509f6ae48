// One interface for each kind of I/O. Services know only these; tests bring their own.
import type { DBSchema } from "idb";
import type { Conversation, MessageRow, OutboxItem } from "app/core/types.js";

export interface Clock {
  now(): number;
  /** Runs `callback` after `ms`; the answer cancels it. */
  after(ms: number, callback: () => void): () => void;
  /** Runs `callback` before the next paint, or soon where nothing is painted; the answer cancels it. */
  frame(callback: () => void): () => void;
}

export interface SocketHandlers {
  onOpen(): void;
  onText(text: string): void;
  /** Once, whatever the reason; `code` as in protocol §3.4, 1006 where none came. */
  onClose(code: number): void;
}

export interface Socket {
  send(text: string): void;
  close(): void;
}

export interface SocketPort {
  open(handlers: SocketHandlers): Socket;
}

export interface ApiRequest {
  body?: unknown;
  /** false: without the access token (sign-in and the like). */
  auth?: boolean;
}

export interface Api {
  /** The parsed JSON body, or null where there is none. Throws `ApiError`. */
  request(method: string, path: string, options?: ApiRequest): Promise<any>;
  /** Where the access token comes from, and how to get another one. */
  useAuth(auth: ApiAuth): void;
}

export interface ApiAuth {
  accessToken(): Promise<string>;
  refresh(): Promise<string>;
}

export type StoredConversation = Omit<Conversation, "messages" | "typing"> & { id: string };

export interface ChatSchema extends DBSchema {
  conversations: { key: string; value: StoredConversation };
  messages: { key: string; value: MessageRow; indexes: { place: [string, number] } };
  outbox: { key: string; value: OutboxItem };
  meta: { key: string; value: unknown };
}

/** What a write of the mirror changes, in one transaction. */
export interface MirrorWrite {
  /** Everything that is stored goes first. */
  clear: boolean;
  conversations: StoredConversation[];
  removed: string[];
  messages: MessageRow[];
  removedMessages: string[];
  epoch: string | null;
}

export interface MirrorRead {
  conversations: StoredConversation[];
  /** Of each conversation the newest, ascending by seq. */
  messages: Record<string, MessageRow[]>;
  epoch: string | null;
}

export interface Db {
  readMirror(perConversation: number): Promise<MirrorRead>;
  writeMirror(write: MirrorWrite): Promise<void>;
  outbox(): Promise<OutboxItem[]>;
  putOutbox(items: OutboxItem[]): Promise<void>;
  removeOutbox(id: string): Promise<void>;
  /** Deletes all of it. */
  destroy(): Promise<void>;
  close(): void;
}

export interface DbPort {
  /** The person's own database on this device; in memory where the browser has none. */
  open(userId: string): Promise<Db>;
  /** Deletes a database that is not open. */
  destroy(userId: string): Promise<void>;
  /** Asks the browser not to clear it. */
  persist(): Promise<boolean>;
}

export interface Visibility {
  visible(): boolean;
  online(): boolean;
  /** The page became visible again, or the network came back. */
  onReturn(callback: () => void): () => void;
  /** The network went away. */
  onOffline(callback: () => void): () => void;
  /** The page may be gone any moment. */
  onHide(callback: () => void): () => void;
}

export interface Channel {
  post(message: unknown): void;
  close(): void;
}

export interface Locks {
  /** Runs `work` while no other tab holds the lock of this name. */
  run<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Waits for the lock and keeps it; `onHeld` when it is here. The answer gives it up. */
  hold(name: string, onHeld: () => void): () => void;
  /** Messages between the tabs of this browser. */
  channel(name: string, onMessage: (message: any) => void): Channel;
}

export interface Storage_ {
  get(key: string): string | null;
  /** false: it could not be kept. */
  set(key: string, value: string): boolean;
  remove(key: string): void;
  keys(prefix: string): string[];
  /** Another tab changed something. */
  onChange(callback: (key: string, value: string | null) => void): () => void;
}

export interface RandomPort {
  uuid(): string;
  /** Uniform in [0, 1). */
  fraction(): number;
}

export type Theme = "system" | "light" | "dark";

export interface PagePort {
  theme(): Theme;
  setTheme(theme: Theme): void;
}

export interface Ports {
  clock: Clock;
  socket: SocketPort;
  api: Api;
  db: DbPort;
  visibility: Visibility;
  locks: Locks;
  storage: Storage_;
  random: RandomPort;
  page: PagePort;
}
