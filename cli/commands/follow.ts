// `signalbox facts --follow`: what happens, as it happens, until Ctrl-C. A connection that is lost is made again from where it was.
import { setTimeout as sleep } from "node:timers/promises";
import { refusal } from "../call.ts";
import type { Connection } from "../connection.ts";
import { createEventReader } from "../event-reader.ts";
import { fetchWith } from "../transport.ts";
import { CommandError, EXIT } from "../exit.ts";
import { type Resource, textOf } from "../output.ts";
import { printable, printableJson } from "../text.ts";

/** The control plane says at least every 15 s that it is there; three times missed, the connection is made again. */
const SILENCE_MS_MAX = 45_000;
/** Between two tries to connect again. */
const CONNECT_AGAIN_AFTER_MS = 1_000;
/** How long a control plane may be away before following is given up. */
const AWAY_MS_MAX = 60_000;
/** Facts from before that the stream begins with at the most. */
const BACKLOG_MAX = 1_000;
/** Longest line of one fact, in characters. */
const LINE_WIDTH_MAX = 300;

/** What is followed, and how it is shown. */
export interface Following {
  /** Arguments of the stream: subject, type. */
  readonly query: URLSearchParams;
  /** The newest facts so far, shown first. */
  readonly backlog: number;
  readonly json: boolean;
  readonly write: (text: string) => void;
  /** Ends it; without it, only the process's end does. */
  readonly signal?: AbortSignal;
  /** Where it answers now: after a restart that may be another port. Default: where it answered at first. */
  readonly connect?: () => Connection;
  /** How long the control plane may be away, if not as long as by default. */
  readonly awayMsMax?: number;
}

function lineOf(fact: Resource): string {
  const time = (textOf(fact, "time") ?? "").replace("T", " ").slice(0, 19);
  const type = (textOf(fact, "type") ?? "").padEnd(26);
  return printable(
    `${time}  ${type}  ${textOf(fact, "subject") ?? ""}  ${textOf(fact, "actor") ?? ""}`,
    LINE_WIDTH_MAX,
  );
}

/** One fact a line; as JSON, one document a line. */
const shownAs = (fact: Resource, json: boolean): string =>
  `${json ? printableJson(fact).replaceAll(/\n\s*/g, "") : lineOf(fact)}\n`;

/** Whether the same request may be answered later: too many streams, or a part that is down. */
const isPassing = (status: number): boolean => status === 429 || status >= 500;

interface Place {
  lastId: string;
  /** When something last came, in ms. */
  heardAt: number;
}

/** Follows one connection to its end. Answers whether there was one at all. */
async function followOnce(
  { url, token, trust }: Connection,
  { query, backlog, json, write, signal }: Following,
  place: Place,
): Promise<boolean> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
  const address = new URL("/v1/facts:stream", url);
  for (const [name, value] of query) address.searchParams.append(name, value);
  if (place.lastId === "") address.searchParams.set("backlog", String(Math.min(backlog, BACKLOG_MAX)));
  try {
    const fetchThere = await fetchWith(trust);
    const response = await fetchThere(address, {
      headers: {
        authorization: `Bearer ${token}`,
        accept: "text/event-stream",
        ...(place.lastId === "" ? {} : { "last-event-id": place.lastId }),
      },
      signal: AbortSignal.any([silence.signal, ...(signal === undefined ? [] : [signal])]),
    });
    if (!response.ok || response.body === null) {
      const refused = refusal(response.status, await response.text());
      if (place.lastId !== "" && isPassing(response.status)) return false;
      throw refused;
    }
    const read = createEventReader(place.lastId);
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      timer.refresh();
      for (const { id, data } of read(piece)) {
        if (data !== undefined) write(shownAs(JSON.parse(data) as Resource, json));
        place.lastId = id;
      }
      place.heardAt = Date.now();
    }
    return true;
  } catch (error) {
    if (error instanceof CommandError || error instanceof SyntaxError) throw error;
    // The network's failure: whoever called decides how long it may last.
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** Shows facts until the signal aborts. Throws CommandError when it is refused or the control plane stays away. */
export async function followFacts(connection: Connection, following: Following): Promise<void> {
  const { signal, connect, awayMsMax = AWAY_MS_MAX } = following;
  const place: Place = { lastId: "", heardAt: Date.now() };
  const stopped = (): boolean => signal?.aborted === true;
  while (!stopped()) {
    const ended = await followOnce(connect?.() ?? connection, following, place);
    if (stopped()) return;
    const away = Date.now() - place.heardAt;
    if (!ended && (place.lastId === "" || away > awayMsMax)) {
      throw new CommandError(
        EXIT.unavailable,
        place.lastId === ""
          ? `${connection.url} does not answer. Start the control plane with \`npm start\` or \`npx signalbox start\`.`
          : `${connection.url} has not answered for ${Math.round(away / 1000)} s. Follow again when it runs; signalbox facts lists what came in between.`,
      );
    }
    await sleep(CONNECT_AGAIN_AFTER_MS);
  }
}
