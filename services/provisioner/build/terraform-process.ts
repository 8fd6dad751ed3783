// Runs Terraform as a process group of its own, in an environment that holds nothing of ours.
import { spawn } from "node:child_process";
import { constants } from "node:os";

/** Characters of one line of output that are kept; a plan as JSON is one line. */
export const OUTPUT_LINE_LENGTH_MAX = 64 * 1024 * 1024;
/** How long output may still come after the process has ended. */
const DRAIN_MS = 2_000;

/** How a run of Terraform ended. */
export interface TerraformEnd {
  /** Exit code; 128 + signal number when a signal ended it. */
  readonly code: number;
  /** `stopped`: we asked it to stop and it did; `killed`: it had to be killed, by us or by somebody else. */
  readonly how: "exited" | "stopped" | "killed";
}

/** One run. */
export interface TerraformRun {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Asks to stop: SIGTERM to the group, SIGKILL after `graceMs`. */
  readonly stop: AbortSignal;
  readonly graceMs: number;
  /** Called with each line of standard output and standard error. */
  readonly onLine: (line: string, stream: "stdout" | "stderr") => void;
  /** Called once with the process id, before any output. */
  readonly onStart?: (pid: number) => void;
}

/** Cuts chunks into lines of bounded length; what is beyond the bound is dropped. */
function lineSplitter(onLine: (line: string) => void): { write: (chunk: string) => void; end: () => void } {
  let held: string[] = [];
  let length = 0;
  const hold = (text: string): void => {
    const room = OUTPUT_LINE_LENGTH_MAX - length;
    if (room > 0 && text !== "") held.push(text.slice(0, room));
    length += text.length;
  };
  const flush = (): void => {
    onLine(held.join(""));
    held = [];
    length = 0;
  };
  return {
    write(chunk) {
      const lines = chunk.split("\n");
      for (const [index, line] of lines.entries()) {
        hold(line);
        if (index < lines.length - 1) flush();
      }
    },
    end() {
      if (length > 0) flush();
    },
  };
}

/** Signals a whole group; a group that is gone is what was wanted. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** Asks a group to stop, once, and kills it when it does not. */
function stopper(pid: number, graceMs: number) {
  const state = { asked: false, forced: false };
  let force: NodeJS.Timeout | undefined;
  return {
    state,
    ask: (): void => {
      if (state.asked) return;
      state.asked = true;
      signalGroup(pid, "SIGTERM");
      force = setTimeout(() => {
        state.forced = true;
        signalGroup(pid, "SIGKILL");
      }, graceMs);
    },
    clear: (): void => clearTimeout(force),
  };
}

/** Runs Terraform; rejects only when it cannot be started (ENOENT: it is not installed). */
export function runTerraform(run: TerraformRun): Promise<TerraformEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn("terraform", run.args, {
      cwd: run.cwd,
      env: { ...run.env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { pid } = child;
    child.once("error", reject);
    if (pid === undefined) return;
    run.onStart?.(pid);
    const streams = (["stdout", "stderr"] as const).map((name) => {
      const splitter = lineSplitter((line) => run.onLine(line, name));
      child[name].setEncoding("utf8").on("data", splitter.write);
      return splitter;
    });
    const stopping = stopper(pid, run.graceMs);
    if (run.stop.aborted) stopping.ask();
    run.stop.addEventListener("abort", stopping.ask, { once: true });
    child.once("exit", (code, signal) => {
      stopping.clear();
      run.stop.removeEventListener("abort", stopping.ask);
      const { asked, forced } = stopping.state;
      const how = forced || signal === "SIGKILL" ? "killed" : asked ? "stopped" : "exited";
      // Children of provisioners outlive Terraform when it is stopped, and hold its output open.
      if (how !== "exited") signalGroup(pid, "SIGKILL");
      const drain = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, DRAIN_MS);
      child.once("close", () => {
        clearTimeout(drain);
        for (const stream of streams) stream.end();
        resolve({ code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), how });
      });
    });
  });
}
