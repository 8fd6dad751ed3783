// A fake of Ray's Jobs REST API that keeps state and answers as Ray 2.60 does, tracebacks included. It runs no Python: an
// entrypoint is a little script of words: `succeed`, `fail MESSAGE`, `hang`, or `do NAME` for a function that the test gives.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface FakeJob {
  status: "PENDING" | "RUNNING" | "STOPPED" | "SUCCEEDED" | "FAILED";
  message: string;
  logs: string;
  readonly entrypoint: string;
  readonly metadata: unknown;
  readonly runtimeEnvironment: unknown;
  looks: number;
}

/** The fake head. */
export interface RayFake {
  readonly address: string;
  readonly jobs: ReadonlyMap<string, FakeJob>;
  /** Requests by `METHOD path`, in order. */
  readonly requests: readonly string[];
  /** A restarted head forgets its jobs. */
  restart(): void;
  /** While away, every request is cut without an answer. */
  away(isAway: boolean): void;
  close(): Promise<void>;
}

const traceback = (error: string): string =>
  `Traceback (most recent call last):\n  File "job_head.py", line 419, in submit_job\nRuntimeError: Request failed with status code 400: Traceback (most recent call last):\n${error}\n.\n`;

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? {} : JSON.parse(text);
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(value));
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
}

/** Starts a fake head on a free loopback port. `work` holds what `do NAME` does when the job runs. */
export async function startRayFake(
  options: {
    readonly token?: string;
    readonly work?: Readonly<Record<string, (environment: unknown) => Promise<void>>>;
  } = {},
): Promise<RayFake> {
  const jobs = new Map<string, FakeJob>();
  const requests: string[] = [];
  let isAway = false;

  /** A job moves one state on each look: pending, running, ended. */
  async function advance(job: FakeJob): Promise<void> {
    job.looks += 1;
    if (job.status === "PENDING" && job.looks > 1) {
      job.status = "RUNNING";
      job.message = "Job is currently running.";
      return;
    }
    if (job.status !== "RUNNING") return;
    const [verb = "", ...rest] = job.entrypoint.split(" ");
    if (verb === "hang") return;
    job.logs += `Running entrypoint: ${job.entrypoint}\n`;
    if (verb === "fail") {
      job.logs += `${rest.join(" ")}\n`;
      job.status = "FAILED";
      job.message = `Job entrypoint command failed with exit code 1, last available logs (truncated to 20,000 chars):\n${job.logs}`;
      return;
    }
    if (verb === "do") await options.work?.[rest.join(" ")]?.(job.runtimeEnvironment);
    job.status = "SUCCEEDED";
    job.message = "Job finished successfully.";
  }

  function submit(response: ServerResponse, body: Record<string, unknown>): void {
    const id = String(body["submission_id"]);
    if (typeof body["entrypoint"] !== "string") {
      return plain(
        response,
        400,
        traceback("TypeError: missing 1 required positional argument: 'entrypoint'"),
      );
    }
    if (jobs.has(id)) {
      return plain(response, 500, traceback(`ValueError: Job with submission_id ${id} already exists.`));
    }
    jobs.set(id, {
      status: "PENDING",
      message: "Job has not started yet.",
      logs: "Runtime env is setting up.\n",
      entrypoint: body["entrypoint"],
      metadata: body["metadata"],
      runtimeEnvironment: body["runtime_env"],
      looks: 0,
    });
    return json(response, { job_id: id, submission_id: id });
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requests.push(`${request.method} ${request.url}`);
    if (isAway) return void request.socket.destroy();
    const { authorization } = request.headers;
    if (options.token !== undefined && authorization !== `Bearer ${options.token}`) {
      return plain(response, 401, "Unauthorized: Missing authentication token");
    }
    const [, , , id = "", verb] = (request.url ?? "").split("/");
    if (id === "") return submit(response, (await bodyOf(request)) as Record<string, unknown>);
    const job = jobs.get(id);
    if (job === undefined) return plain(response, 404, `Job ${id} does not exist`);
    if (verb === "logs") return json(response, { logs: job.logs });
    if (verb === "stop") {
      const running = job.status === "PENDING" || job.status === "RUNNING";
      if (running) Object.assign(job, { status: "STOPPED", message: "Job was intentionally stopped." });
      return json(response, { stopped: running });
    }
    await advance(job);
    const { status, message, entrypoint, metadata } = job;
    return json(response, { type: "SUBMISSION", submission_id: id, status, message, entrypoint, metadata });
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => plain(response, 500, String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    jobs,
    requests,
    restart: () => jobs.clear(),
    away: (away) => {
      isAway = away;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
