// The ports of an installation beside others on the same machine.
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { freePorts } from "../../scripts/compose/ports.ts";

/** A port that somebody else listens on. */
async function takenPort(): Promise<number> {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  onTestFinished(() => void other.close());
  return (other.address() as AddressInfo).port;
}

test("a port that is taken gives the next one, and two wishes never the same", async () => {
  const taken = await takenPort();
  const [api = 0, gateway = 0] = await freePorts([taken, taken + 1]);
  expect(api).toBeGreaterThan(taken);
  expect(gateway).toBeGreaterThan(taken);
  expect(gateway).not.toBe(api);
});

test("the system chooses where nobody wishes", async () => {
  expect(await freePorts([0, 0])).toEqual([0, 0]);
});

test("an address of another machine is told as that, not as ports that are taken", async () => {
  await expect(freePorts([8_080], "192.0.2.1")).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    reason: "CANNOT_LISTEN",
    message: expect.stringContaining("192.0.2.1 is no address of this machine"),
  });
});

test("where all ports are taken, the message names them and the options", async () => {
  await expect(freePorts([65_535, 65_535])).rejects.toMatchObject({
    reason: "PORTS_TAKEN",
    message: expect.stringMatching(/65535 to 65535 .*--gateway-port/),
  });
});
