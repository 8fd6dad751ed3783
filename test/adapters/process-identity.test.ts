import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { isRunning, processIdentity, signalProcess } from "../../shared/adapters/local/process-identity.ts";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function idle(): ChildProcess & { pid: number } {
  const child = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
  children.push(child);
  if (child.pid === undefined) throw new Error("sleep did not start");
  return child as ChildProcess & { pid: number };
}

describe("the identity of a process", () => {
  it("stays the same while it runs, and is another for another process", async () => {
    const [one, other] = [idle(), idle()];
    const identity = await processIdentity(one.pid);
    expect(identity).toEqual(await processIdentity(one.pid));
    expect(identity?.pid).toBe(one.pid);
    expect(await processIdentity(other.pid)).not.toEqual(identity);
  });

  it("is of no use once the process has ended", async () => {
    const child = idle();
    const identity = await processIdentity(child.pid);
    if (identity === undefined) throw new Error("it runs");
    expect(await isRunning(identity)).toBe(true);
    expect(await signalProcess(identity, "SIGTERM", "group")).toBe(true);
    await once(child, "exit");
    expect(await isRunning(identity)).toBe(false);
    expect(await signalProcess(identity, "SIGTERM", "group")).toBe(false);
  });

  it("is not that of a later process under the same pid, which is not signalled", async () => {
    const child = idle();
    const earlier = { pid: child.pid, started: "another boot:1" };
    expect(await isRunning(earlier)).toBe(false);
    expect(await signalProcess(earlier, "SIGKILL", "process")).toBe(false);
    expect(child.exitCode ?? child.signalCode).toBeNull();
  });

  it("does not exist for a pid that nobody has", async () => {
    for (const pid of [0, -1, 2 ** 30, Number.NaN]) expect(await processIdentity(pid)).toBeUndefined();
  });
});
