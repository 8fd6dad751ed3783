// Builds as whoever only looks sees them: their objects, read. Nothing is settled, cancelled or asked of Cloud Build here, so that who
// looks needs no right to any of it.
import { requireBuildId } from "../../domain/build-id.ts";
import {
  type BuildObjects,
  type BuildOrderObject,
  buildObject,
  type FenceObject,
  type FinishedObject,
} from "../../ports/build-objects.ts";
import type { Builds, BuildStatus } from "../../ports/builds.ts";
import { readRecord } from "./builds-records.ts";

/** Status and logs of builds that others start and watch. A build whose end nobody has written down yet is still running. */
export function createBuildLook(objects: Pick<BuildObjects, "read">): Pick<Builds, "status" | "logs"> {
  const statusOf = async (id: string): Promise<BuildStatus> => {
    const finished = await readRecord<FinishedObject>(objects, id, "result");
    if (finished !== undefined) return { state: "done", ...finished };
    const fence = await readRecord<FenceObject>(objects, id, "fence");
    if (fence !== undefined) return { state: "running", startedAt: fence.startedAt };
    const order = await readRecord<BuildOrderObject>(objects, id, "order");
    return order === undefined ? { state: "unknown" } : { state: "running", startedAt: order.at };
  };
  return {
    status: async (id) => statusOf(requireBuildId(id)),
    async logs(id, offset) {
      const { state } = await statusOf(requireBuildId(id));
      const bytes = await objects.read(buildObject(id, "log"));
      const text = bytes === undefined ? "" : new TextDecoder().decode(bytes);
      const from = Math.max(0, Math.min(offset, text.length));
      return { text: text.slice(from), next: text.length, complete: state === "done" };
    },
  };
}
