// The log of a build in the bucket, whatever the build wrote there and whenever it was killed.
import { expect, test } from "vitest";
import { BUILD_LOG_BYTES_MAX } from "../../../shared/adapters/google/builds.ts";
import { createCloudBuildsWorld, PLAN_SPEC } from "../../support/google/cloud-builds.ts";

/** A build that has the fence and has copied these bytes of its log. */
async function begun() {
  const settings = { repositories: "", path: "", planKey: { id: "k1", secret: "canary" } } as never;
  const world = await createCloudBuildsWorld({ settings });
  world.fake.full();
  await world.builds.start("b1", PLAN_SPEC);
  const build = [...world.fake.builds.values()][0] ?? expect.unreachable("no build");
  let generation = 100;
  const put = (name: string, bytes: Uint8Array): void => {
    generation += 1;
    world.bucket.objects.set(`b/b1/${name}`, { bytes: Buffer.from(bytes), generation });
  };
  put("fence.json", Buffer.from(JSON.stringify({ build: build.id, startedAt: "2026-03-01T10:00:00.000Z" })));
  return { ...world, build, put };
}

test("a log that is larger than any of ours is read up to a limit, and says so", async () => {
  const { builds, put } = await begun();
  put("log.txt", Buffer.alloc(BUILD_LOG_BYTES_MAX + 1_000_000, "x"));
  const log = await builds.logs("b1", 0);
  expect(log.text.length).toBeLessThan(BUILD_LOG_BYTES_MAX + 100);
  expect(log.text).toMatch(/x\n… the log is too long; the rest is not shown\n$/);
  expect(await builds.logs("b1", log.next)).toEqual({ text: "", next: log.next, complete: false });
});

test("a character that was copied by half is shown once it is whole", async () => {
  const { builds, put } = await begun();
  const whole = Buffer.from("plan 🚂 done\n");
  put("log.txt", whole.subarray(0, 7));
  const first = await builds.logs("b1", 0);
  expect(first).toMatchObject({ text: "plan ", complete: false });
  put("log.txt", whole);
  expect((await builds.logs("b1", first.next)).text).toBe("🚂 done\n");
});

test("a build that is killed while it copies its log ends as interrupted, with the log so far, and stays so", async () => {
  const { builds, fake, build, put, make } = await begun();
  put("log.txt", Buffer.from("Applying…\nhalf of a l"));
  put("changing.json", Buffer.from(JSON.stringify(["random_id.a"])));
  fake.end(build, "INTERNAL_ERROR");
  const status = await builds.status("b1");
  expect(status).toMatchObject({ state: "done", result: { state: "failed", resources: ["random_id.a"] } });
  expect(await builds.logs("b1", 0)).toMatchObject({ text: "Applying…\nhalf of a l", complete: true });
  // What a twin copies later changes the end no more.
  put("log.txt", Buffer.from([0xff, 0xfe]));
  expect(await make().status("b1")).toEqual(status);
  expect((await builds.logs("b1", 0)).text).toBe("\ufffd\ufffd");
});
