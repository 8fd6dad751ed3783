// What the operations on runs touch.
import type { Artifacts } from "../../../shared/ports/artifacts.ts";
import type { Cluster } from "../../../shared/ports/cluster.ts";
import type { RecordPorts } from "../../../shared/runtime/record.ts";

/** Ports of the operations on runs. */
export interface RunPorts extends RecordPorts {
  readonly cluster: Cluster;
  readonly artifacts: Artifacts;
}
