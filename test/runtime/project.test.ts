// Read models: each version once, gaps filled from the ledger, a rebuild equal to what grew live.
import * as fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { AnyFact } from "../../shared/domain/fact.ts";
import { createProjector, type Projection } from "../../shared/runtime/project.ts";
import { batchOf, planStarted } from "../support/facts.ts";
import { createWorld } from "../support/world.ts";

const COUNTED = ["plan.started"] as const;

/** Counts builds per plan and over all plans, and forgets a plan when its build is "gone": not safe to apply twice. */
const counts: Projection = {
  name: "counts",
  types: COUNTED,
  async apply(fact, read) {
    const { build } = fact.data as { build: string };
    const total = (await read("totals", "all"))?.["builds"];
    const plan = (await read("plans", fact.subject))?.["builds"];
    const versions = ((await read("totals", fact.subject))?.["versions"] ?? []) as readonly number[];
    return [
      { collection: "totals", key: "all", document: { builds: Number(total ?? 0) + 1 } },
      { collection: "totals", key: fact.subject, document: { versions: [...versions, fact.version] } },
      {
        collection: "plans",
        key: fact.subject,
        document: build === "gone" ? null : { builds: [...((plan as string[] | undefined) ?? []), build] },
      },
    ];
  },
};

function world() {
  const world = createWorld({});
  onTestFinished(() => world.close());
  const projector = createProjector(world, [counts]);
  let causes = 0;
  const append = async (subject: string, ...builds: readonly string[]): Promise<readonly AnyFact[]> => {
    causes += 1;
    const { version } = await world.ledger.read(subject);
    const batch = batchOf(subject, version, `c${causes}`, builds.map(planStarted));
    await world.ledger.append(builds.length > 0 ? batch : { ...batch, ignored: "nothing" });
    return batch.facts;
  };
  const all = async () => ({
    plans: await world.views.list({ collection: "plans", limit: 100 }),
    totals: await world.views.list({ collection: "totals", limit: 100 }),
  });
  return { ...world, projector, append, all };
}

describe("a projector", () => {
  test("wants what its projections want", () => {
    const { projector } = world();
    expect(projector.inputs).toEqual(COUNTED);
  });

  test("applies each version once, however often and in whatever order it comes", async () => {
    const { projector, append, all } = world();
    const facts = [
      ...(await append("stacks/a", "1", "2")),
      ...(await append("stacks/a")),
      ...(await append("stacks/a", "3")),
    ];
    for (const fact of [...facts.toReversed(), ...facts]) await projector.handle(fact);
    const { plans, totals } = await all();
    expect(plans).toEqual([{ key: "stacks/a", document: { builds: ["1", "2", "3"] } }]);
    expect(totals).toContainEqual({ key: "stacks/a", document: { versions: [1, 2, 4] } });
  });

  test("loses nothing of a document that several processes write for streams of their own", async () => {
    const here = world();
    const processes = ["stacks/a", "stacks/b", "stacks/c"].map((stream) => ({
      stream,
      projector: createProjector({ ledger: here.ledger, views: here.views }, [counts]),
    }));
    await Promise.all(
      processes.map(async ({ stream, projector }) => {
        for (const build of ["1", "2", "3"])
          for (const fact of await here.append(stream, build)) await projector.handle(fact);
      }),
    );
    expect(await here.views.get("totals", "all")).toEqual({ builds: 9 });
  });

  test("reads the ledger only when a version is missing", async () => {
    const { projector, append, ledger } = world();
    const read = vi.spyOn(ledger, "read");
    const facts = [
      ...(await append("stacks/a", "1", "2")),
      ...(await append("stacks/a")),
      ...(await append("stacks/a", "3")),
    ];
    read.mockClear();
    for (const fact of facts.slice(0, 2)) await projector.handle(fact);
    expect(read).not.toHaveBeenCalled();
    await projector.handle(facts[2] as AnyFact);
    expect(read).toHaveBeenCalledExactlyOnceWith("stacks/a", 2);
  });

  test("keeps the old version when a projection fails, and goes on from there", async () => {
    const { append, ledger, views } = world();
    let broken = true;
    const fragile: Projection = {
      ...counts,
      apply: (fact, read) => (broken ? Promise.reject(new Error("defect")) : counts.apply(fact, read)),
    };
    const projector = createProjector({ ledger, views }, [fragile]);
    const [fact] = await append("stacks/a", "1");
    await expect(projector.handle(fact as AnyFact)).rejects.toThrow("defect");
    expect(await views.seen("counts", "stacks/a")).toBe(0);
    broken = false;
    await projector.handle(fact as AnyFact);
    expect(await views.get("totals", "all")).toEqual({ builds: 1 });
  });

  test("says that another process writes the view when it can never be first", async () => {
    const { append, ledger, views } = world();
    const projector = createProjector({ ledger, views: { ...views, commit: async () => "stale" } }, [counts]);
    const [fact] = await append("stacks/a", "1");
    await expect(projector.handle(fact as AnyFact)).rejects.toMatchObject({
      code: "ABORTED",
      reason: "VIEW_CONTENDED",
    });
  });

  test("a rebuild drops what no fact explains and applies nothing twice afterwards", async () => {
    const { projector, append, all, views } = world();
    const facts = await append("stacks/a", "1", "2");
    for (const fact of facts) await projector.handle(fact);
    const before = await all();
    const stray = { collection: "plans", key: "stacks/stray", document: { builds: ["?"] } };
    await views.commit({ projection: "x", stream: "x", expected: 0, seen: 1, puts: [stray] });
    await projector.rebuild();
    expect(await all()).toEqual(before);
    for (const fact of facts) await projector.handle(fact);
    expect(await all()).toEqual(before);
  });

  test("a rebuild equals what grew live from doubled facts in any order of the streams", async () => {
    const step = fc.record({
      subject: fc.constantFrom("stacks/a", "stacks/b", "stacks/c"),
      build: fc.constantFrom("1", "2", "gone", ""),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 15 }),
        fc.infiniteStream(fc.nat()),
        async (steps, picks) => {
          const { projector, append, all } = world();
          const sent: AnyFact[] = [];
          for (const { subject, build } of steps)
            sent.push(...(await append(subject, ...(build === "" ? [] : [build]))));
          const order = [...sent, ...sent].toSorted(() => ((picks.next().value ?? 0) % 3) - 1);
          await Promise.all(order.map((fact) => projector.handle(fact)));
          const live = await all();
          await projector.rebuild();
          expect(await all()).toEqual(live);
        },
      ),
      { numRuns: 30 },
    );
  });
});
