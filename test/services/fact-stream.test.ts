// Facts as server-sent events, through the door.
import type { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { firstText, heartbeatText } from "../../services/api/facts/event-text.ts";
import { FACTS_PER_LOOK_MAX, HEARTBEAT_EVERY_MS, LOOK_EVERY_MS } from "../../services/api/facts/follow.ts";
import {
  createStreams,
  STREAM_AGE_MS_MAX,
  STREAM_END_MS_MAX,
  STREAMS_MAX,
  STREAMS_PER_CALLER_MAX,
} from "../../services/api/facts/streams.ts";
import { createEventReader } from "../../cli/event-reader.ts";
import type { Ledger } from "../../shared/ports/ledger.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { batchOf, planStarted } from "../support/facts.ts";
import { createVirtualClock, turns } from "../support/clock.ts";
import { createLogBook } from "../support/world.ts";
import { until } from "../support/until.ts";
import { apiDoor } from "./api-door.ts";
import { as, listen } from "./door.ts";

type Door = Awaited<ReturnType<typeof apiDoor>>;

/** What came over a stream so far. */
function listener(stream: Readable) {
  const read = createEventReader();
  const heard = { text: "", builds: [] as string[], lastId: "", ended: false };
  stream.on("data", (chunk: Buffer | string) => {
    heard.text += chunk.toString();
    for (const { id, data } of read(chunk.toString())) {
      heard.lastId = id;
      if (data !== undefined) heard.builds.push((JSON.parse(data) as { data: { build: string } }).data.build);
    }
  });
  stream.on("close", () => (heard.ended = true));
  onTestFinished(() => void stream.destroy());
  return heard;
}

async function listenTo({ app }: Door, query = "", lastEventId?: string) {
  const headers = { ...as("viewer"), ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }) };
  const response = await app.inject({ url: `/v1/facts:stream${query}`, headers, payloadAsStream: true });
  expect(response.statusCode).toBe(200);
  expect(response.headers).toMatchObject({
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
  });
  return listener(response.stream());
}

/** Appends facts that are told apart by their build, on streams of their own. */
async function append({ world }: Door, ...builds: readonly string[]): Promise<void> {
  for (const build of builds)
    await world.ledger.append(batchOf(`stacks/${build}`, 0, "c", [planStarted(build)]));
}

const soon = ({ world }: Door): Promise<void> => world.clock.advance(LOOK_EVERY_MS);

test("a stream begins now and tells what happens from then on, in order", async () => {
  const door = await apiDoor();
  await append(door, "before");
  const heard = await listenTo(door);
  await append(door, "one", "two");
  await soon(door);
  await append(door, "three");
  await soon(door);
  await until("three facts came", async () => (heard.builds.length === 3 ? true : undefined));
  expect(heard.builds).toEqual(["one", "two", "three"]);
});

test("a client that comes back with its last event id misses nothing and hears nothing twice", async () => {
  const door = await apiDoor();
  const first = await listenTo(door);
  await append(door, "one", "two");
  await soon(door);
  await until("two facts came", async () => (first.builds.length === 2 ? true : undefined));
  await append(door, "three", "four");
  const second = await listenTo(door, "", first.lastId);
  await soon(door);
  await until("the rest came", async () => (second.builds.length === 2 ? true : undefined));
  expect(second.builds).toEqual(["three", "four"]);
});

test("a client that was cut off before anything happened comes back to the same place", async () => {
  const door = await apiDoor();
  const empty = await listenTo(door);
  await until("the place came", async () => (empty.lastId === "" ? undefined : true));
  expect(empty.lastId).toBe("beginning");
  await append(door, "one");
  const again = await listenTo(door, "", empty.lastId);
  await soon(door);
  await until("the fact came", async () => (again.builds.length === 1 ? true : undefined));
});

test("a backlog comes first, oldest first, and the facts behind it are told once", async () => {
  const door = await apiDoor();
  await append(door, "one", "two", "three");
  const heard = await listenTo(door, "?backlog=2");
  await append(door, "four");
  await soon(door);
  await until("three facts came", async () => (heard.builds.length === 3 ? true : undefined));
  expect(heard.builds).toEqual(["two", "three", "four"]);
});

test("a long history is told whole, page by page", async () => {
  const door = await apiDoor();
  const builds = Array.from({ length: FACTS_PER_LOOK_MAX * 2 + 5 }, (_, index) => String(index));
  const drafts = builds.map(planStarted);
  await door.world.ledger.append(batchOf("stacks/a", 0, "c", drafts));
  const heard = await listenTo(door, "", "beginning");
  await until("all facts came", async () => (heard.builds.length >= builds.length ? true : undefined));
  expect(heard.builds).toEqual(builds);
});

test("subject and type choose what is told, and the heartbeat moves the place past the rest", async () => {
  const door = await apiDoor();
  const below = await listenTo(door, "?subject=stacks/");
  const one = await listenTo(door, "?subject=stacks/one&type=plan.started&type=plan.failed");
  const none = await listenTo(door, "?type=dev.signalbox.plan.failed.v1");
  await append(door, "one", "two");
  await soon(door);
  await until("the facts came", async () => (below.builds.length === 2 ? true : undefined));
  expect([below.builds, one.builds, none.builds]).toEqual([["one", "two"], ["one"], []]);
  const place = none.lastId;
  for (let ms = 0; ms <= HEARTBEAT_EVERY_MS; ms += LOOK_EVERY_MS) await soon(door);
  await until("the heartbeat came", async () => (none.text.includes("heartbeat") ? true : undefined));
  expect(none.lastId).toBe(below.lastId);
  expect(none.lastId).not.toBe(place);
});

test.each([
  ["an id that is none of ours", "", "'; DROP TABLE facts", "Last-Event-ID"],
  ["a type that is none", "?type=plan.invented", undefined, "type"],
  ["a backlog that is too long", "?backlog=100000", undefined, "backlog"],
  ["an argument that is not known", "?since=yesterday", undefined, "since"],
])("%s is refused before the stream begins", async (_, query, id, field) => {
  const { app } = await apiDoor();
  const headers = { ...as("viewer"), ...(id === undefined ? {} : { "last-event-id": id }) };
  const response = await app.inject({ url: `/v1/facts:stream${query}`, headers });
  expect(response.statusCode).toBe(400);
  expect(JSON.stringify(response.json())).toContain(field);
});

test("one caller has a few streams, the next is refused with what to do, and a closed one makes room", async () => {
  const door = await apiDoor();
  const open = [];
  for (let count = 0; count < STREAMS_PER_CALLER_MAX; count++) {
    const url = "/v1/facts:stream";
    open.push(await door.app.inject({ url, headers: as("viewer"), payloadAsStream: true }));
  }
  const refused = await door.app.inject({ url: "/v1/facts:stream", headers: as("viewer") });
  expect([refused.statusCode, refused.headers["retry-after"]]).toEqual([429, "1"]);
  expect(refused.json().error.details[0]).toMatchObject({ reason: "TOO_MANY_STREAMS" });
  const other = { url: "/v1/facts:stream", headers: as("engineer"), payloadAsStream: true as const };
  const another = await door.app.inject(other);
  expect(another.statusCode).toBe(200);
  for (const response of [...open, another]) response.stream().destroy();
});

test("when a client goes away its place is free again, and the server drains at once with streams open", async () => {
  const door = await apiDoor();
  const port = await listen(door.app);
  const url = `http://127.0.0.1:${port}/v1/facts:stream`;
  for (let count = 0; count < STREAMS_PER_CALLER_MAX + 3; count++) {
    const leaving = new AbortController();
    const signal = leaving.signal;
    await until("a place is free", async () => {
      const response = await fetch(url, { headers: as("viewer"), signal });
      return response.status === 200 ? true : undefined;
    });
    leaving.abort();
  }
  const staying = await until("a place is free", async () => {
    const response = await fetch(url, { headers: as("operator") });
    return response.status === 200 ? response : undefined;
  });
  const started = performance.now();
  const [text] = await Promise.all([staying.text(), door.app.close()]);
  expect(text).toBe(firstText(undefined));
  expect(performance.now() - started).toBeLessThan(5_000);
});

test("HEAD opens no stream", async () => {
  const { app } = await apiDoor();
  const response = await app.inject({ method: "HEAD", url: "/v1/facts:stream", headers: as("viewer") });
  expect([response.statusCode, response.headers["allow"]]).toEqual([405, "GET"]);
});

test("a ledger that fails ends the stream, and the log says why", async () => {
  const door = await apiDoor();
  let broken = false;
  const ledger: Ledger = {
    ...door.world.ledger,
    list: (query) =>
      broken
        ? Promise.reject(new ControlPlaneError("UNAVAILABLE", "The disk is full.", { reason: "DISK" }))
        : door.world.ledger.list(query),
  };
  const other = await apiDoor({ ledger });
  const heard = await listenTo(other);
  broken = true;
  await soon(other);
  await until("the stream has ended", async () => (heard.ended ? true : undefined));
  expect(other.world.log.lines).toMatchObject([{ level: "warn" }]);
});

test("a stream ends at its age, and a client that does not read its end is cut off", async () => {
  const clock = createVirtualClock();
  const streams = createStreams({ clock, log: createLogBook() });
  async function* produce(signal: AbortSignal): AsyncGenerator<string> {
    yield "first";
    if (!signal.aborted)
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  const read = listener(streams.open("vera", produce));
  const unread = streams.open("ada", produce);
  await clock.advance(STREAM_AGE_MS_MAX);
  await turns();
  expect([read.text, read.ended, unread.destroyed]).toEqual(["first", true, false]);
  await clock.advance(STREAM_END_MS_MAX);
  expect(unread.destroyed).toBe(true);
});

test("all callers together have a bounded number of streams", () => {
  const streams = createStreams({ clock: createVirtualClock(), log: createLogBook() });
  async function* silent(): AsyncGenerator<string> {}
  const open = Array.from({ length: STREAMS_MAX }, (_, index) => streams.open(`person-${index}`, silent));
  expect(() => streams.open("one-more", silent)).toThrow("there may be no more");
  for (const stream of open) stream.destroy();
});

test("a heartbeat has no data, so a client only takes its place from it", () => {
  const read = createEventReader();
  expect([...read(firstText("7")), ...read(heartbeatText("9"))]).toEqual([
    { id: "7", data: undefined },
    { id: "9", data: undefined },
  ]);
});
