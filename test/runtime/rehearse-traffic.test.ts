// Traffic that only rehearses keeps the port's law towards whoever uses it.
import { expect, test } from "vitest";
import { EMPTY_TRAFFIC } from "../../shared/domain/traffic.ts";
import { rehearseTraffic } from "../../shared/runtime/rehearse-traffic.ts";
import { trafficContract } from "../contracts/traffic.ts";
import { createMemoryTraffic } from "../support/memory-traffic.ts";

trafficContract("traffic that only rehearses", async () => rehearseTraffic(createMemoryTraffic()));

test("what is written in a rehearsal is read in it and nowhere else", async () => {
  const traffic = createMemoryTraffic();
  const endpoint = "teams/default/endpoints/ranker";
  await traffic.write(endpoint, EMPTY_TRAFFIC);
  const before = await traffic.read(endpoint);
  const rehearsal = rehearseTraffic(traffic);
  const next = { ...EMPTY_TRAFFIC, resourceVersion: 1, weights: { b1: 100 } };
  expect(await rehearsal.write(endpoint, next)).toMatchObject({ kind: "written" });
  expect((await rehearsal.read(endpoint))?.weights).toEqual({ b1: 100 });
  expect(await traffic.read(endpoint)).toEqual(before);
});
