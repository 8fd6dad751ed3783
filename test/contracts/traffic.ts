import { beforeEach, describe, expect, it } from "vitest";
import { EMPTY_TRAFFIC, type TrafficDocument, type Weights } from "../../shared/domain/traffic.ts";
import { applyMove } from "../../shared/domain/traffic-moves.ts";
import { setHold } from "../../shared/domain/traffic-standing.ts";
import type { Traffic } from "../../shared/ports/traffic.ts";

const endpoint = "teams/default/endpoints/ranker";
const version = (id: number) => `teams/default/models/ranker/versions/${id}`;

/** A document one move further. */
function moved(document: TrafficDocument, to: Weights, cause: string): TrafficDocument {
  const kind = document.traffic.epoch === 0 ? "first" : "advance";
  return applyMove(endpoint, document, {
    kind,
    to,
    cause,
    actor: "ada",
    reason: "because",
    time: "2026-03-01T10:00:00.000Z",
  });
}

/** The law of the Traffic port, for any adapter. */
export function trafficContract(name: string, create: () => Promise<Traffic>): void {
  describe(`${name} keeps the law of traffic`, () => {
    let traffic: Traffic;
    beforeEach(async () => {
      traffic = await create();
    });

    const written = async (document: TrafficDocument, of = endpoint): Promise<TrafficDocument> => {
      const result = await traffic.write(of, document);
      if (result.kind !== "written") throw new Error("the document was not written");
      return result.document;
    };

    it("knows no document at first", async () => {
      expect(await traffic.read(endpoint)).toBeUndefined();
      expect(await traffic.list()).toEqual([]);
    });

    it("creates at resource version 0 and reads back what it wrote", async () => {
      const document = await written(moved(EMPTY_TRAFFIC, { [version(1)]: 100 }, "c1"));
      expect(document.resourceVersion).not.toBe(0);
      expect(await traffic.read(endpoint)).toEqual(document);
      expect(await traffic.list()).toEqual([endpoint]);
    });

    it("creates only once", async () => {
      const first = moved(EMPTY_TRAFFIC, { [version(1)]: 100 }, "c1");
      await written(first);
      expect(await traffic.write(endpoint, first)).toEqual({ kind: "conflict" });
    });

    it("refuses to create at a resource version that it never gave", async () => {
      const document = { ...moved(EMPTY_TRAFFIC, { [version(1)]: 100 }, "c1"), resourceVersion: 7 };
      expect(await traffic.write(endpoint, document)).toEqual({ kind: "conflict" });
      expect(await traffic.read(endpoint)).toBeUndefined();
    });

    it("writes nothing at an older resource version", async () => {
      const first = await written(moved(EMPTY_TRAFFIC, { [version(1)]: 100 }, "c1"));
      const second = await written(
        setHold(first, { cause: "h", actor: "ada", reason: "look", time: "2026-03-01T10:00:00.000Z" }),
      );
      expect(await traffic.write(endpoint, moved(first, { [version(2)]: 100 }, "late"))).toEqual({
        kind: "conflict",
      });
      expect(await traffic.read(endpoint)).toEqual(second);
    });

    it("ends a drift by any write, and stores none", async () => {
      const first = await written(moved(EMPTY_TRAFFIC, { [version(1)]: 100 }, "c1"));
      const again = await written({ ...first, drift: { theirs: 7 } });
      expect(again).not.toHaveProperty("drift");
      const document = await traffic.read(endpoint);
      expect(document).toEqual(again);
      expect(document).not.toHaveProperty("drift");
    });

    it("lets exactly one of eight racing writers in, round after round", async () => {
      let document = await written(moved(EMPTY_TRAFFIC, { [version(1)]: 100 }, "c1"));
      for (let round = 1; round <= 5; round++) {
        const base = document;
        const results = await Promise.all(
          Array.from({ length: 8 }, (_, racer) =>
            traffic.write(endpoint, moved(base, { [version(racer + 2)]: 100 }, `round-${round}-${racer}`)),
          ),
        );
        const winners = results.filter((result) => result.kind === "written");
        expect(winners).toHaveLength(1);
        document = (await traffic.read(endpoint)) ?? EMPTY_TRAFFIC;
        expect(winners[0]).toEqual({ kind: "written", document });
        expect(document.traffic.epoch).toBe(round + 1);
      }
    });

    it("keeps the documents of endpoints apart", async () => {
      const other = "teams/search/endpoints/ranker";
      await written(moved(EMPTY_TRAFFIC, { [version(1)]: 100 }, "c1"));
      await written(
        setHold(EMPTY_TRAFFIC, {
          cause: "h",
          actor: "ada",
          reason: "look",
          time: "2026-03-01T10:00:00.000Z",
        }),
        other,
      );
      expect((await traffic.read(other))?.weights).toEqual({});
      expect((await traffic.read(endpoint))?.traffic.hold).toBeNull();
      expect((await traffic.list()).toSorted()).toEqual([endpoint, other]);
    });
  });
}
