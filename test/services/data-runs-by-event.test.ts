import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { runRequested } from "../../services/api/runs/create.ts";
import { createArtifacts } from "../../shared/adapters/local/artifacts.ts";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import { temporaryFolder } from "../support/folder.ts";
import { createWorld } from "../support/world.ts";

const ada = { principal: "ada", role: "engineer", codeHostLogins: [] } as const;

function door() {
  const folder = temporaryFolder();
  const world = createWorld({});
  onTestFinished(() => world.close());
  const cluster = createCluster({ address: undefined });
  const artifacts = createArtifacts({ roots: [folder] });
  const handler = runRequested({ ...world, cluster, artifacts });
  const outputUri = pathToFileURL(join(folder, "out")).href;
  const send = (cause: string, more: object = {}) =>
    handler(
      {
        type: "dev.signalbox.run.requested.v1",
        cause,
        correlation: "",
        data: { entrypoint: "python process.py", outputUri, ...more },
      },
      ada,
    );
  return { ...world, send };
}

describe("asking for a run by an event", () => {
  it("derives the run's id from the event, so that the same event is the same run", async () => {
    const world = door();
    const { name, resource } = await world.send("event/one");
    expect(name).toMatch(/^teams\/default\/runs\/run-[0-9a-f]{12}$/);
    expect(resource).toMatchObject({ name, state: "REQUESTED", timeLimitSeconds: 3_600, createdBy: "ada" });
    await world.clock.advance(5_000);
    expect(await world.send("event/one")).toEqual({ name, resource });
    expect((await world.send("event/two")).name).not.toBe(name);
    expect(await world.facts()).toHaveLength(2);
  });

  it("answers another event that asks for the same run with the run that exists", async () => {
    const world = door();
    await world.send("event/one", { team: "search", run: "catalogue" });
    const again = await world.send("event/two", { team: "search", run: "catalogue" });
    expect(again).toMatchObject({
      name: "teams/search/runs/catalogue",
      ignored: expect.stringContaining("already"),
    });
  });

  it("names the field of the event that is wrong", async () => {
    const world = door();
    const refusals = [
      [{ outputUri: "file:///etc/out" }, "data.outputUri"],
      [{ outputUri: "out" }, "data.outputUri"],
      [{ inputs: [{ uri: "file:///x" }] }, "data.inputs[0]"],
      [{ dataset: "products" }, "data.dataset"],
    ] as const;
    for (const [more, field] of refusals) {
      await expect(world.send("event/x", more)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", field });
    }
    expect(await world.facts()).toEqual([]);
  });
});
