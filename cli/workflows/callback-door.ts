// A door on loopback for the callbacks of one execution, so that a workflow that waits for a person can be tried here.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Execution, Program } from "../../workflows/engine/engine.ts";

/** Bytes of a callback's body that are taken; Cloud Workflows holds 512 KB in all variables. */
const BODY_BYTES_MAX = 512_000;

/** How long answers under way may take once the execution has ended, in milliseconds. */
const ANSWERS_MS = 1_000;

/** A door that listens. */
export interface CallbackDoor {
  /** The execution's `callbackBase`. */
  readonly base: string;
  /** Tells the door whose callbacks it takes. */
  serve(execution: Pick<Execution, "deliver">): void;
  close(): Promise<void>;
}

/** Whether any step of a program makes callback endpoints. */
export function makesCallbacks({ routines }: Program): boolean {
  return routines.some(({ code }) =>
    code.some(
      ({ op, ...rest }) =>
        op === "effect" && "fn" in rest && rest.fn.name === "events.create_callback_endpoint",
    ),
  );
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.byteLength;
    if (length > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function statusOf(
  execution: Pick<Execution, "deliver"> | undefined,
  request: IncomingMessage,
): Promise<number> {
  const { pathname, search } = new URL(request.url ?? "/", "http://127.0.0.1");
  const id = /^\/callbacks\/([^/]+)$/.exec(pathname)?.[1];
  if (execution === undefined || id === undefined) return 404;
  const body = await bodyOf(request);
  if (body === undefined) return 413;
  const headers = Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  ) as Record<string, string | string[]>;
  return execution.deliver(decodeURIComponent(id), {
    method: request.method ?? "GET",
    url: pathname,
    query: search.slice(1),
    headers,
    ...(body.length === 0 ? {} : { body: { encoding: "base64", data: body.toString("base64") } }),
  });
}

/** Listens on a free port of loopback. */
export async function openCallbackDoor(): Promise<CallbackDoor> {
  let execution: Pick<Execution, "deliver"> | undefined;
  const server = createServer((request, response) => {
    statusOf(execution, request)
      .catch(() => 400)
      .then((status) => response.writeHead(status, { connection: "close" }).end())
      // The caller hung up: there is nobody left to tell.
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    base: `http://127.0.0.1:${port}/callbacks`,
    serve: (one) => {
      execution = one;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), ANSWERS_MS).unref();
      }),
  };
}
