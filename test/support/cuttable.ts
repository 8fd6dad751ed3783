// A way to a server of this machine that can be cut, as a network is, and led to another server afterwards.
import { createServer, connect, type AddressInfo, type Socket } from "node:net";

/** A loopback port in front of another. */
export interface CuttableWay {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** Destroys every connection and refuses new ones. */
  cut(): void;
  /** Leads new connections there. */
  lead(host: string): void;
  close(): Promise<void>;
}

/** Passes bytes on to `host` until it is cut. */
export async function startCuttableWay(host: string): Promise<CuttableWay> {
  let target: string | undefined = host;
  const open = new Set<Socket>();
  const server = createServer((incoming) => {
    open.add(incoming);
    incoming.on("error", () => undefined);
    incoming.on("close", () => open.delete(incoming));
    if (target === undefined) return void incoming.destroy();
    const outgoing = connect(Number(target.split(":")[1]), "127.0.0.1");
    outgoing.on("error", () => incoming.destroy());
    outgoing.on("close", () => incoming.destroy());
    incoming.on("close", () => outgoing.destroy());
    incoming.pipe(outgoing).pipe(incoming);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    target = undefined;
    for (const socket of open) socket.destroy();
  };
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    lead: (next) => void (target = next),
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
