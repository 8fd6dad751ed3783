// The law of the outgoing port, tried on every adapter against a receiver on this machine.
import { describe, expect, test } from "vitest";
import type { Outgoing, OutgoingRequest } from "../../shared/ports/outgoing.ts";
import { testReceiver } from "../support/receiver.ts";

const request = (url: string, more: Partial<OutgoingRequest> = {}): OutgoingRequest => ({
  url,
  headers: { "content-type": "application/json", "webhook-id": "msg_1" },
  body: '{"type":"test"}',
  timeoutMs: 5_000,
  allowPrivateNetwork: false,
  ...more,
});
const refused = { code: "PERMISSION_DENIED", reason: "ADDRESS_REFUSED" };

/** Addresses that are not the public Internet, in many spellings. */
const PRIVATE = [
  "10.0.0.1",
  "172.16.0.1",
  "192.168.1.1",
  "169.254.169.254",
  "100.64.0.1",
  "0.0.0.0",
  "224.0.0.1",
  "[::]",
  "[::ffff:127.0.0.1]",
  "[::ffff:169.254.169.254]",
  "[64:ff9b::a9fe:a9fe]",
  "[2002:a9fe:a9fe::]",
  "[fd00::1]",
  "[fe80::1]",
  "0xA9FEA9FE",
] as const;

/** Tries the whole law; `create` answers an adapter for which names lead to the given addresses. */
export function itBehavesLikeOutgoing(
  name: string,
  create: (names: Readonly<Record<string, readonly string[]>>) => Outgoing,
): void {
  describe(`${name} posts to the outside`, () => {
    test("the request arrives as it was given, and the head of the answer comes back", async () => {
      const receiver = await testReceiver(() => ({ status: 202, headers: { "retry-after": "7" } }));
      expect(await create({}).post(request(receiver.url))).toEqual({ status: 202, retryAfter: "7" });
      expect(receiver.received).toMatchObject([
        { path: "/hook", body: '{"type":"test"}', headers: { "webhook-id": "msg_1" } },
      ]);
    });

    test("a redirect is an answer and is not followed", async () => {
      const other = await testReceiver();
      const receiver = await testReceiver(() => ({ status: 307, headers: { location: other.url } }));
      expect((await create({}).post(request(receiver.url))).status).toBe(307);
      expect(other.received).toEqual([]);
    });

    test.each(PRIVATE)("%s is refused before anything is sent", async (host) => {
      await expect(create({}).post(request(`http://${host}/`))).rejects.toMatchObject(refused);
    });

    test.each([["127.0.0.1"], ["::1"], ["10.1.2.3"], ["93.184.215.14", "169.254.169.254"]])(
      "a name that leads to %s (%s) is refused",
      async (...addresses) => {
        const outgoing = create({ "hooks.example.com": addresses.filter((each) => each !== undefined) });
        const receiver = await testReceiver();
        const url = `http://hooks.example.com:${receiver.port}/`;
        await expect(outgoing.post(request(url))).rejects.toMatchObject(refused);
        expect(receiver.received).toEqual([]);
      },
    );

    test("allowing private networks does not allow a name that leads to this machine", async () => {
      const outgoing = create({ "hooks.example.com": ["127.0.0.1"] });
      const post = outgoing.post(request("http://hooks.example.com/", { allowPrivateNetwork: true }));
      await expect(post).rejects.toMatchObject(refused);
    });

    test("localhost must lead to this machine", async () => {
      const outgoing = create({ localhost: ["93.184.215.14"] });
      await expect(outgoing.post(request("http://localhost/"))).rejects.toMatchObject(refused);
    });

    test("silence ends with DEADLINE_EXCEEDED and closes the connection", async () => {
      const receiver = await testReceiver(() => ({ status: 200, hang: true }));
      await expect(create({}).post(request(receiver.url, { timeoutMs: 50 }))).rejects.toMatchObject({
        code: "DEADLINE_EXCEEDED",
      });
    });

    test("nobody there is UNAVAILABLE, and no message repeats the path", async () => {
      const receiver = await testReceiver();
      await receiver.close();
      const error: unknown = await create({})
        .post(request(`http://127.0.0.1:${receiver.port}/services/T0/B0/secret`))
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "UNAVAILABLE" });
      expect(String(error)).not.toContain("secret");
    });
  });
}
