// A receiver of webhooks on this machine: keeps what came and answers as it is told.
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** One request that came. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How the receiver answers; `hang` never answers. */
export interface ReceiverAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly hang?: boolean;
}

/** Starts one; it ends with the test, or with `close` when it was started outside of a test. */
export async function startReceiver(answer: (nth: number) => ReceiverAnswer = () => ({ status: 200 })) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      received.push({ path: request.url ?? "", headers: request.headers, body });
      const { status, headers = {}, hang = false } = answer(received.length);
      if (!hang) response.writeHead(status, headers).end("an answer that nobody reads");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { received, port, url: `http://127.0.0.1:${port}/hook`, close };
}

/** As `startReceiver`, for the running test. */
export async function testReceiver(answer?: (nth: number) => ReceiverAnswer) {
  const receiver = await startReceiver(answer);
  onTestFinished(receiver.close);
  return receiver;
}
