// What the provisioner is handed.
import type { Blobs } from "../../shared/ports/blobs.ts";
import type { Builds } from "../../shared/ports/builds.ts";
import type { Checks } from "../../shared/ports/checks.ts";
import type { CodeHostAccess } from "../../shared/ports/code-host-access.ts";
import type { CodeHost } from "../../shared/ports/code-host.ts";
import type { Views } from "../../shared/ports/views.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { RecordPorts } from "../../shared/runtime/record.ts";

/** Time limits of the two kinds of build, in milliseconds. */
export interface BuildLimits {
  readonly planTimeLimitMs: number;
  readonly applyTimeLimitMs: number;
}

/** What applies unless the composer says otherwise. */
export const BUILD_LIMITS: BuildLimits = { planTimeLimitMs: 15 * 60_000, applyTimeLimitMs: 60 * 60_000 };

/** How long Terraform waits for the state lock, in seconds. */
export const LOCK_TIMEOUT_SECONDS = 60;

/** Builds that run at the same time; the rest waits its turn. */
export const BUILDS_RUNNING_MAX = 4;

/** The ports of the provisioner. */
export interface ProvisionerPorts extends RecordPorts {
  readonly views: Views;
  readonly codeHost: CodeHost;
  readonly checks: Checks;
  /** Absent where the code host knows no people: then nobody lets code in from outside, and no review counts. */
  readonly access?: CodeHostAccess;
  readonly builds: Builds;
  /** Where the build program put canonical plans. */
  readonly blobs: Blobs;
  readonly log: Log;
  readonly limits: BuildLimits;
  /** Base URL of the API, for links on checks. */
  readonly url: string;
}

/** The actor of everything that this service records. */
export const ACTOR = "services/provisioner";
