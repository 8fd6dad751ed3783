// The law of the executions port, tried on every adapter.
import { describe, expect, test } from "vitest";
import type { Execution, Executions } from "../../shared/ports/executions.ts";

/** Workflows that every adapter under test must have deployed, by name. */
export const CONTRACT_WORKFLOWS: Readonly<Record<string, string>> = {
  echoes: `
main:
  params: [argument]
  steps:
    - answer:
        return:
          said: \${argument.say}
          me: \${sys.get_env("GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID")}
`,
  fails: `
main:
  steps:
    - fail:
        raise:
          message: no luck
          tags: [Unlucky]
`,
  waits: `
main:
  steps:
    - wait:
        call: sys.sleep
        args:
          seconds: 3600
`,
};

/** How long an execution may take to get somewhere, in real milliseconds. */
const PATIENCE_MS = 5_000;

/** Waits until an execution is no longer at work. */
export async function ended(executions: Executions, id: string): Promise<Execution> {
  return expect
    .poll(() => executions.get(id), { timeout: PATIENCE_MS, interval: 5 })
    .toSatisfy((execution: Execution | undefined) => execution?.endedAt !== undefined)
    .then(async () => {
      const execution = await executions.get(id);
      if (execution === undefined) throw new Error(`${id} is gone`);
      return execution;
    });
}

/** Tries the whole law on one adapter; `create` answers executions that know the contract's workflows. */
export function itBehavesLikeExecutions(name: string, create: () => Promise<Executions>): void {
  describe(`${name} runs executions`, () => {
    test("an execution gets its argument, knows its own id, and keeps its result", async () => {
      const executions = await create();
      const { id } = await executions.start({ workflow: "echoes", argument: { say: "hello" }, cause: "c1" });
      expect(await ended(executions, id)).toMatchObject({
        id,
        workflow: "echoes",
        state: "SUCCEEDED",
        result: { said: "hello", me: id },
      });
    });

    test("the same cause is the same execution, also after it has ended", async () => {
      const executions = await create();
      const request = { workflow: "echoes", argument: { say: "once" }, cause: "c1" };
      const [one, two] = await Promise.all([executions.start(request), executions.start(request)]);
      expect(two.id).toBe(one.id);
      await ended(executions, one.id);
      expect((await executions.start(request)).id).toBe(one.id);
      expect((await executions.find("c1")).map(({ id }) => id)).toEqual([one.id]);
    });

    test("an uncaught error is kept with its payload and where it happened", async () => {
      const executions = await create();
      const { id } = await executions.start({ workflow: "fails", argument: null, cause: "c1" });
      const failed = await ended(executions, id);
      expect(failed.state).toBe("FAILED");
      expect(JSON.parse(failed.error?.payload ?? "")).toEqual({ message: "no luck", tags: ["Unlucky"] });
      expect(failed.error?.context).toContain('in step "fail"');
    });

    test("a cancelled execution ends as cancelled, and cancelling what has ended changes nothing", async () => {
      const executions = await create();
      const { id, state } = await executions.start({ workflow: "waits", argument: null, cause: "c1" });
      expect(state).toBe("ACTIVE");
      await executions.cancel(id);
      expect(await ended(executions, id)).toMatchObject({ state: "CANCELLED" });
      const done = await executions.start({ workflow: "echoes", argument: { say: "x" }, cause: "c2" });
      await ended(executions, done.id);
      await executions.cancel(done.id);
      expect(await executions.get(done.id)).toMatchObject({ state: "SUCCEEDED" });
    });

    test("what was never started is unknown", async () => {
      const executions = await create();
      expect(await executions.get("nobody")).toBeUndefined();
      expect(await executions.find("nothing")).toEqual([]);
      await expect(
        executions.start({ workflow: "unheard-of", argument: null, cause: "c1" }),
      ).rejects.toMatchObject({
        code: "NOT_FOUND",
      });
      await expect(executions.cancel("nobody")).rejects.toMatchObject({ code: "NOT_FOUND" });
    });
  });
}
