// How model servers stand, for a process that does not supervise them: from their records in the shared folder, and their own answer.
import type { BackendStatus, Deploys } from "../../ports/deploys.ts";
import { probe } from "./deploys-probe.ts";
import { type BackendRecord, findRecord } from "./deploys-record.ts";
import { isRunning } from "./process-identity.ts";

const NEVER_PREPARED = "No such backend was prepared here.";

/** A process that runs and refuses connections does not listen yet; one that has ended is started again by its supervisor. */
async function askServer(
  { request, launch, since }: BackendRecord,
  timeoutMs: number,
): Promise<BackendStatus> {
  const status = (state: BackendStatus["state"], message: string): BackendStatus => ({
    state,
    message,
    since,
  });
  if (launch?.process == null) return status("preparing", "It is being started.");
  // Another program may listen on the port of a server that has ended.
  if (!(await isRunning(launch.process))) return status("unready", "Its process ended.");
  const origin = `http://127.0.0.1:${launch.port}`;
  const answer = await probe(origin, request.serving.local?.readiness ?? "/", timeoutMs);
  if (answer === "ready") return status("ready", "It is ready.");
  if (answer === "silent") return status("unknown", `It did not answer within ${timeoutMs} ms.`);
  if (answer === "gone") return status("preparing", "It does not listen yet.");
  return status("unready", `Its readiness is: ${answer}.`);
}

/** The status of backends whose records lie in `directory`. It starts nothing and writes nothing. */
export function createDeploysLook(directory: string): Pick<Deploys, "status"> {
  return {
    async status(backend, timeoutMs) {
      const record = await findRecord(directory, backend);
      if (record === undefined) return { state: "unknown", message: NEVER_PREPARED, since: "" };
      if (record.wanted === "running") return askServer(record, timeoutMs);
      return { state: record.wanted, message: record.message, since: record.since };
    },
  };
}
