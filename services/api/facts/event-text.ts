// Server-sent events as text (html.spec.whatwg.org/multipage/server-sent-events.html).
import type { AnyFact } from "../../../shared/domain/fact.ts";

/** How long a client waits before it connects again. */
export const RECONNECT_AFTER_MS = 2_000;

/** Event id of the place before the first fact. */
export const BEGINNING = "beginning";

const idOf = (cursor: string | undefined): string => `id: ${cursor ?? BEGINNING}\n`;

/** What a stream begins with: when to come back, and from where, even if nothing happens before. */
export const firstText = (cursor: string | undefined): string =>
  `retry: ${RECONNECT_AFTER_MS}\n${idOf(cursor)}\n`;

/** One fact. It has no event name, so that every client hears it as a message; JSON has no line break of its own. */
export const factText = (fact: AnyFact, cursor: string): string =>
  `${idOf(cursor)}data: ${JSON.stringify(fact)}\n\n`;

/** Says that the stream lives, and moves the client's place past facts that it did not ask for. */
export const heartbeatText = (cursor: string | undefined): string => `: heartbeat\n${idOf(cursor)}\n`;
