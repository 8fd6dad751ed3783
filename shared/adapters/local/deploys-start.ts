// Starting and finding a model server: what has to be true before, and what is written down in between.
import { rm } from "node:fs/promises";
import { failedPrecondition } from "../../domain/errors.ts";
import type { Artifacts } from "../../ports/artifacts.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ReleaseRequest } from "../../ports/deploys.ts";
import type { Checkout } from "./deploys-checkout.ts";
import { freePort, launch, settleLaunch, watchProcess, type Running } from "./deploys-process.ts";
import { backendFile, type BackendRecord, type Launch } from "./deploys-record.ts";
import { isRunning } from "./process-identity.ts";

/** What starting takes. */
export interface StartParts {
  /** Folder of records, claims and logs. */
  readonly directory: string;
  readonly clock: Clock;
  readonly artifacts: Artifacts;
  readonly checkout: Checkout;
  /** The whole environment of a model server besides PORT, MODEL_VERSION and ARTIFACT; PATH belongs in it, secrets do not. */
  readonly environment: Readonly<Record<string, string>>;
}

const claimFile = (directory: string, backend: string, number: number): string =>
  backendFile(directory, backend, `${number}.claim`);

/** What stands between a request and a process: a command, and an artifact whose bytes are what was registered. */
async function requireStartable(artifacts: Artifacts, request: ReleaseRequest): Promise<readonly string[]> {
  const command = request.serving.local?.command ?? [];
  if (command.length === 0) {
    throw failedPrecondition(
      "NO_LOCAL_COMMAND",
      `${request.endpoint} does not say how to serve on this machine: add serving.local.command to .signalbox.yaml.`,
      { endpoint: request.endpoint },
    );
  }
  const digest = await artifacts.digest(request.artifact.uri);
  if (digest !== request.artifact.digest) {
    throw failedPrecondition(
      "ARTIFACT_DIGEST_MISMATCH",
      `The artifact of ${request.modelVersion} at ${request.artifact.uri} has digest ${digest}, and ${request.artifact.digest} was registered: put back the registered bytes, or register a new version.`,
      { uri: request.artifact.uri, digest, expected: request.artifact.digest },
    );
  }
  return command;
}

/**
 * Starts the next launch of a backend: artifact checked, folder checked out, number and port durable, then the process, then
 * who it is durable. Answers undefined when it ended at once.
 * Errors: FAILED_PRECONDITION `NO_LOCAL_COMMAND`, `ARTIFACT_DIGEST_MISMATCH`; those of artifacts and checkout.
 */
export async function startServer(
  parts: StartParts,
  record: BackendRecord,
  remember: (launch: Launch) => Promise<void>,
): Promise<Running | undefined> {
  const { directory, clock, artifacts, checkout, environment } = parts;
  const { request } = record;
  const command = await requireStartable(artifacts, request);
  const folder = await checkout(request.repository, request.commit, request.serving.directory);
  const artifact = await artifacts.path(request.artifact.uri);
  const number = (record.launch?.number ?? 0) + 1;
  const port = await freePort();
  await remember({ number, port, process: null });
  const claim = claimFile(directory, request.backend, number);
  const log = backendFile(directory, request.backend, "log");
  const own = { PORT: String(port), MODEL_VERSION: request.modelVersion, ARTIFACT: artifact };
  const running = await launch(
    { claim, command, folder, environment: { ...environment, ...own }, log },
    clock,
  );
  if (running === undefined) return undefined;
  await remember({ number, port, process: running.process });
  // Its predecessor is known to have ended, so nothing can claim it any more.
  if (number > 1) await rm(claimFile(directory, request.backend, number - 1), { force: true });
  return running;
}

/** The server of the last launch if it still runs, whoever started it; undefined when the next launch may begin. */
export async function adoptServer(
  { directory, clock }: StartParts,
  { request, launch }: BackendRecord,
  signal: AbortSignal,
): Promise<Running | undefined> {
  if (launch === null) return undefined;
  const process =
    launch.process ?? (await settleLaunch(claimFile(directory, request.backend, launch.number), clock));
  return process !== undefined && (await isRunning(process))
    ? watchProcess(process, clock, signal)
    : undefined;
}
