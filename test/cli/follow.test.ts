// `signalbox facts --follow` on an API that listens, goes away and comes back.
import { createServer as createHttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { type Following, followFacts } from "../../cli/commands/follow.ts";
import { createEventReader } from "../../cli/event-reader.ts";
import { CommandError } from "../../cli/exit.ts";
import { until } from "../support/until.ts";
import { callCli } from "./call-cli.ts";

const fact = (build: string) => ({
  type: "plan.started",
  subject: `stacks/${build}`,
  time: "2026-01-02T03:04:05.000Z",
  actor: "people/test",
  data: { build },
});
const event = (id: string, build: string): string => `id: ${id}\ndata: ${JSON.stringify(fact(build))}\n\n`;

interface Asked {
  readonly url: string;
  readonly lastEventId: string | undefined;
}

/** A server that answers the n-th request with the n-th answer, and later ones with the last. */
async function streamServer(...answers: readonly ((response: ServerResponse) => void)[]) {
  const asked: Asked[] = [];
  const server = createHttpServer((request, response) => {
    const lastEventId = request.headers["last-event-id"];
    asked.push({
      url: request.url ?? "",
      lastEventId: typeof lastEventId === "string" ? lastEventId : undefined,
    });
    answers[Math.min(asked.length, answers.length) - 1]?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  onTestFinished(stop);
  const connection = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: "t" };
  return { asked, connection, stop };
}

function following(more: Partial<Following> = {}) {
  const ending = new AbortController();
  const lines: string[] = [];
  const options: Following = {
    query: new URLSearchParams(),
    backlog: 3,
    json: false,
    write: (text) => void lines.push(text),
    signal: ending.signal,
    ...more,
  };
  onTestFinished(() => ending.abort());
  return { options, lines, end: () => ending.abort() };
}

const send =
  (...texts: readonly string[]) =>
  (response: ServerResponse) =>
    void response.writeHead(200, { "content-type": "text/event-stream" }).write(texts.join(""));

test("a connection that ends or breaks is made again from the last event, and nothing is shown twice", async () => {
  const { asked, connection } = await streamServer(
    (response) => response.writeHead(200).end(event("1", "a") + event("2", "b")),
    (response) => {
      response.writeHead(200).write(event("3", "c") + 'id: 4\ndata: {"half');
      setImmediate(() => response.destroy());
    },
    (response) => response.writeHead(503).end("{}"),
    send(event("4", "d")),
  );
  const { options, lines, end } = following({ query: new URLSearchParams({ subject: "stacks/" }) });
  const followed = followFacts(connection, options);
  await until("four facts were shown", async () => (lines.length === 4 ? true : undefined));
  end();
  await followed;
  expect(lines.map((line) => /stacks\/(\w)/.exec(line)?.[1])).toEqual(["a", "b", "c", "d"]);
  expect(asked).toEqual([
    { url: "/v1/facts:stream?subject=stacks%2F&backlog=3", lastEventId: undefined },
    { url: "/v1/facts:stream?subject=stacks%2F", lastEventId: "2" },
    { url: "/v1/facts:stream?subject=stacks%2F", lastEventId: "3" },
    { url: "/v1/facts:stream?subject=stacks%2F", lastEventId: "3" },
  ]);
});

test("a control plane that comes back on another port is followed there, from the last event", async () => {
  const before = await streamServer((response) => response.writeHead(200).end(event("1", "a")));
  const after = await streamServer(send(event("2", "b")));
  let here = before.connection;
  const { options, lines, end } = following({ connect: () => here });
  const followed = followFacts(before.connection, options);
  await until("the first fact was shown", async () => (lines.length === 1 ? true : undefined));
  before.stop();
  here = after.connection;
  await until("the second fact was shown", async () => (lines.length === 2 ? true : undefined));
  end();
  await followed;
  expect(after.asked).toEqual([{ url: "/v1/facts:stream", lastEventId: "1" }]);
});

test("a fact is one line for people and one document for programs, without what a terminal obeys", async () => {
  const { connection } = await streamServer(send(event("1", "a\u001b[31m\u202eb")));
  for (const json of [false, true]) {
    const { options, lines, end } = following({ json });
    const followed = followFacts(connection, options);
    await until("the fact was shown", async () => (lines.length === 1 ? true : undefined));
    end();
    await followed;
    const [line = ""] = lines;
    // oxlint-disable-next-line no-control-regex -- that none is there is the promise
    expect(line).not.toMatch(/[\u001b\u202e]/);
    expect(line.indexOf("\n")).toBe(line.length - 1);
    if (json) expect(JSON.parse(line)).toEqual(fact("a\u001b[31m\u202eb"));
    else expect(line).toMatch(/^2026-01-02 03:04:05 {2}plan\.started +stacks\/a b {2}people\/test\n$/);
  }
});

test("a refusal ends it with the API's own words", async () => {
  const body = { error: { code: 403, status: "PERMISSION_DENIED", message: "You may not." } };
  const { connection } = await streamServer((response) => response.writeHead(403).end(JSON.stringify(body)));
  await expect(followFacts(connection, following().options)).rejects.toThrow(
    "PERMISSION_DENIED: You may not.",
  );
});

test("a control plane that stays away ends it, with what to do", async () => {
  const { connection, stop } = await streamServer((response) => response.writeHead(200).end(event("1", "a")));
  const { options, lines } = following({ awayMsMax: 0 });
  const followed = followFacts(connection, options);
  const refused = expect(followed).rejects.toThrow("Follow again when it runs");
  await until("the fact was shown", async () => (lines.length === 1 ? true : undefined));
  stop();
  await refused;
});

test("without a control plane the command says how to start one", async () => {
  const { connection, stop } = await streamServer(send(""));
  stop();
  await expect(followFacts(connection, following().options)).rejects.toThrow(CommandError);
  const env = { SIGNALBOX_URL: connection.url, SIGNALBOX_TOKEN: "t" };
  const { code, err } = await callCli(["facts", "--follow"], { env });
  expect([code, err]).toEqual([5, expect.stringContaining("npm start")]);
});

test("events are read whole wherever the network cuts them", () => {
  const text = `retry: 2000\nid: 0\n\n${event("1", "a")}: heartbeat\nid: 5\n\n${event("6", "ä")}`;
  const whole = createEventReader()(text);
  expect(whole.map(({ id, data }) => [id, data !== undefined])).toEqual([
    ["0", false],
    ["1", true],
    ["5", false],
    ["6", true],
  ]);
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 12 }), (cuts) => {
      const places = [0, ...cuts.toSorted((one, other) => one - other), text.length];
      const read = createEventReader();
      const pieces = places.slice(1).map((end, index) => text.slice(places[index], end));
      expect(pieces.flatMap((piece) => read(piece))).toEqual(whole);
    }),
  );
});
