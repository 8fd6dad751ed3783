import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { EMPTY_TRAFFIC } from "../../shared/domain/traffic.ts";
import { applyMove } from "../../shared/domain/traffic-moves.ts";
import { trafficContract } from "../contracts/traffic.ts";

const endpoint = "teams/default/endpoints/ranker";
const v1 = "teams/default/models/ranker/versions/1";
const first = applyMove(endpoint, EMPTY_TRAFFIC, {
  kind: "first",
  to: { [v1]: 100 },
  cause: "c1",
  actor: "ada",
  reason: "first version",
  time: "2026-03-01T10:00:00.000Z",
});

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "signalbox-traffic-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

trafficContract("the file adapter", () => createTraffic({ directory }));

describe("the traffic files", () => {
  it("survive the process that wrote them", async () => {
    const writer = await createTraffic({ directory });
    const result = await writer.write(endpoint, first);
    const reader = await createTraffic({ directory });
    expect(result).toEqual({ kind: "written", document: await reader.read(endpoint) });
  });

  it("leave no temporary file behind, and ignore one that a crash left", async () => {
    const traffic = await createTraffic({ directory });
    await writeFile(join(directory, "default.ranker.json.7.1.draft"), "{ half a docu");
    await traffic.write(endpoint, first);
    expect(await readdir(directory)).toEqual(["default.ranker.json", "default.ranker.json.7.1.draft"]);
    expect(await traffic.list()).toEqual([endpoint]);
  });

  it.each([
    ["half a document", '{"schema": 1, "resourceVersion'],
    ["an empty file", ""],
    ["weights that no move made", JSON.stringify({ ...first, weights: {}, resourceVersion: 1 })],
  ])("that hold %s are named in an error and never overwritten", async (_, text) => {
    const path = join(directory, "default.ranker.json");
    await writeFile(path, text);
    const traffic = await createTraffic({ directory });
    const corrupt = expect.objectContaining({ code: "INTERNAL", reason: "TRAFFIC_DOCUMENT_CORRUPT" });
    await expect(traffic.read(endpoint)).rejects.toEqual(corrupt);
    await expect(traffic.write(endpoint, first)).rejects.toEqual(corrupt);
    await expect(traffic.read(endpoint)).rejects.toThrow(path);
    expect(await readFile(path, "utf8")).toBe(text);
  });

  it("take no document that breaks an invariant", async () => {
    const traffic = await createTraffic({ directory });
    const broken = { ...first, traffic: { ...first.traffic, epoch: 4 } };
    await expect(traffic.write(endpoint, broken)).rejects.toMatchObject({
      reason: "INVALID_TRAFFIC_DOCUMENT",
    });
    expect(await traffic.read(endpoint)).toBeUndefined();
  });

  it("refuse a name that would leave the folder", async () => {
    const traffic = await createTraffic({ directory });
    await expect(traffic.read("teams/../endpoints/x")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("tell listeners about every durable write, until they stop listening", async () => {
    const traffic = await createTraffic({ directory });
    const seen: string[] = [];
    const stop = traffic.onChange((name, document) => seen.push(`${name}@${document.resourceVersion}`));
    await traffic.write(endpoint, first);
    await traffic.write(endpoint, first);
    stop();
    await traffic.write(endpoint, { ...first, resourceVersion: 1 });
    expect(seen).toEqual([`${endpoint}@1`]);
  });

  it("report a folder that cannot be written as unavailable", async () => {
    const traffic = await createTraffic({ directory });
    await rm(directory, { recursive: true });
    await expect(traffic.write(endpoint, first)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      reason: "TRAFFIC_STORE_UNAVAILABLE",
    });
  });
});
