// What the API shows of builds, from their objects alone: nothing is asked of Cloud Build and nothing is written.
import { expect, test } from "vitest";
import { createBuildLook } from "../../../shared/adapters/google/builds-look.ts";
import { buildObject, type FinishedObject } from "../../../shared/ports/build-objects.ts";

const ID = "plan-0123456789ab";
const AT = "2026-03-01T10:00:00.000Z";
const LATER = "2026-03-01T10:00:05.000Z";

function world() {
  const kept = new Map<string, Uint8Array>();
  const put = (name: Parameters<typeof buildObject>[1], value: unknown): void =>
    void kept.set(
      buildObject(ID, name),
      Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
    );
  return { put, look: createBuildLook({ read: async (name) => kept.get(name) }) };
}

test("a build is unknown, ordered, begun and done, as its objects say", async () => {
  const { put, look } = world();
  expect(await look.status(ID)).toEqual({ state: "unknown" });
  expect(await look.logs(ID, 0)).toEqual({ text: "", next: 0, complete: false });
  put("order", { at: AT });
  expect(await look.status(ID)).toEqual({ state: "running", startedAt: AT });
  put("fence", { build: "b1", startedAt: LATER });
  put("log", "Plan: 2 to add.\n");
  expect(await look.status(ID)).toEqual({ state: "running", startedAt: LATER });
  expect(await look.logs(ID, 6)).toEqual({ text: "2 to add.\n", next: 16, complete: false });
  const finished: FinishedObject = {
    result: {
      state: "failed",
      reason: "PLAN_FAILED",
      message: "no",
      nextStep: "look",
      resources: [],
      problems: [],
    },
    finishedAt: LATER,
  };
  put("result", finished);
  expect(await look.status(ID)).toEqual({ state: "done", ...finished });
  expect(await look.logs(ID, 99)).toEqual({ text: "", next: 16, complete: true });
});

test("an object that is damaged is said, and an id that is none reads nothing", async () => {
  const { put, look } = world();
  put("result", "{");
  await expect(look.status(ID)).rejects.toMatchObject({ reason: "BUILD_OBJECT_DAMAGED" });
  await expect(look.status("../state/default.tfstate")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(look.logs("a/b", 0)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});
