// One secret says whom the notifier tells and what it signs with; while it rotates both versions sign.
import { expect, test } from "vitest";
import { notifyingOver, openGoogleNotifying } from "../../../scripts/compose/open-google-notifying.ts";
import type { Secret } from "../../../shared/ports/secrets.ts";

const channel = { url: "https://hooks.example.com/signalbox" };
const written = (secret: string, of: object = { channel }) => JSON.stringify({ secret, ...of });
const over = (secret: Secret) => notifyingOver({ get: async () => secret });

test("the channel is that of the newest version", async () => {
  const older = written("whsec_old", { channel: { url: "https://hooks.example.com/old" } });
  const { readNotificationChannel } = over({ current: written("whsec_new"), previous: older });
  expect(await readNotificationChannel()).toEqual(channel);
});

test("without a channel nobody is told", async () => {
  expect(await over({ current: written("whsec_a", {}) }).readNotificationChannel()).toBeUndefined();
});

test.each([
  ["both versions sign", written("whsec_old"), { current: "whsec_new", previous: "whsec_old" }],
  ["a new channel alone leaves one key", written("whsec_new", {}), { current: "whsec_new" }],
])("%s", async (_what, previous, keys) => {
  expect(await over({ current: written("whsec_new"), previous }).secrets.get("notifications")).toEqual(keys);
});

test.each([
  ["no JSON", "{whsec_SECRET"],
  ["a key alone", "whsec_SECRET"],
  ["a member too many", written("whsec_SECRET", { channels: [] })],
])("%s is refused without a word of it", async (_what, current) => {
  const { secrets, readNotificationChannel } = over({ current });
  for (const refusal of [secrets.get("notifications"), readNotificationChannel()]) {
    await expect(refusal).rejects.toMatchObject({ reason: "SECRET_UNREADABLE" });
    await expect(refusal).rejects.not.toThrow(/whsec_SECRET/);
  }
});

test("a channel in the open is refused as in the file", async () => {
  const open = written("whsec_a", { channel: { url: "http://hooks.example.com/x" } });
  await expect(over({ current: open }).readNotificationChannel()).rejects.toThrow(/not encrypted/);
});

test("it composes from its settings without asking anybody", () => {
  const ports = openGoogleNotifying({ project: "example-prod", SIGNALBOX_PREFIX: "signalbox-prod" });
  expect(Object.keys(ports).toSorted()).toEqual(["outgoing", "readNotificationChannel", "secrets"]);
});
