// Loaded into a process before its program (`node --import`): the process is asked to stop just before its first port is open, which
// is earlier than anybody outside could know of it.
import net from "node:net";

type Listen = (this: net.Server, ...args: unknown[]) => net.Server;

const listen = Reflect.get(net.Server.prototype, "listen") as Listen;

Reflect.set(net.Server.prototype, "listen", function (this: net.Server, ...args: unknown[]) {
  Reflect.set(net.Server.prototype, "listen", listen);
  process.kill(process.pid, "SIGTERM");
  return listen.apply(this, args);
} satisfies Listen);
