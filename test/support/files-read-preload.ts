// Loaded into a process before its program (`node --import`): it tells which files its code has read when its first port is opened, or
// when it ends without one. What Node reads for itself, such as modules, is not among them.
import fs from "node:fs";
import net from "node:net";

type Read = (...args: unknown[]) => unknown;
type Listen = (this: net.Server, ...args: unknown[]) => net.Server;

const files: string[] = [];
const read = Reflect.get(fs, "readFileSync") as Read;
Reflect.set(fs, "readFileSync", ((path: unknown, ...args: unknown[]) => {
  files.push(String(path));
  return read(path, ...args);
}) satisfies Read);

let told = false;
function tell(): void {
  if (!told) fs.writeSync(process.stderr.fd, `${JSON.stringify({ filesRead: files })}\n`);
  told = true;
}

const listen = Reflect.get(net.Server.prototype, "listen") as Listen;
Reflect.set(net.Server.prototype, "listen", function (this: net.Server, ...args: unknown[]) {
  tell();
  return listen.apply(this, args);
} satisfies Listen);
process.on("exit", tell);
