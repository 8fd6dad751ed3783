// Who a process is: a pid alone is reused by the system, a pid with its start time is not.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";

/** How long `ps` may take. */
const PS_TIMEOUT_MS = 5_000;

/** Identifies one process of this boot of this machine. Safe to store and to compare after a restart of ours. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque text: on Linux the boot id and the start in clock ticks since boot, elsewhere what `ps -o lstart=` prints. */
  readonly started: string;
}

/**
 * Shell words that print who the shell is, before it becomes another program by `exec` and keeps pid and start time. What they
 * print is read by `printedIdentity`.
 */
export const PRINT_IDENTITY =
  'echo "$$"; cat "/proc/$$/stat" 2>/dev/null || LC_ALL=C TZ=UTC ps -o lstart= -p "$$"; echo end';

const bootId = async (): Promise<string> =>
  (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();

/** State and start time of /proc/<pid>/stat. Fields are counted after the command, which stands in parentheses and may hold anything. */
function statFields(stat: string): {
  readonly state: string | undefined;
  readonly ticks: string | undefined;
} {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0], ticks: fields[19] };
}

async function linuxIdentity(pid: number): Promise<ProcessIdentity | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  const { state, ticks } = statFields(stat);
  if (ticks === undefined || state === "Z" || state === "X") return undefined;
  return { pid, started: `${await bootId()}:${ticks}` };
}

function psIdentity(pid: number): Promise<ProcessIdentity | undefined> {
  return new Promise((resolve) => {
    const options = { timeout: PS_TIMEOUT_MS, env: { PATH: "/bin:/usr/bin", LC_ALL: "C", TZ: "UTC" } };
    execFile("ps", ["-o", "state=,lstart=", "-p", String(pid)], options, (error, stdout) => {
      const [state = "", ...started] = stdout.trim().split(/\s+/);
      const gone = error !== null || started.length === 0 || state.startsWith("Z");
      resolve(gone ? undefined : { pid, started: started.join(" ") });
    });
  });
}

/** The identity of a running process, or undefined when there is none under this pid or it has ended (a zombie has). */
export function processIdentity(pid: number): Promise<ProcessIdentity | undefined> {
  if (!Number.isInteger(pid) || pid < 1) return Promise.resolve(undefined);
  return process.platform === "linux" ? linuxIdentity(pid) : psIdentity(pid);
}

/** Reads what `PRINT_IDENTITY` printed; undefined as long as it is not complete. Whether the process still runs is another question. */
export async function printedIdentity(text: string): Promise<ProcessIdentity | undefined> {
  const lines = text.trimEnd().split("\n");
  const [pid = "", started = ""] = lines;
  if (lines.length !== 3 || lines[2] !== "end" || !/^[0-9]+$/.test(pid)) return undefined;
  if (process.platform !== "linux")
    return { pid: Number(pid), started: started.trim().split(/\s+/).join(" ") };
  return { pid: Number(pid), started: `${await bootId()}:${statFields(started).ticks ?? ""}` };
}

/** Whether this very process still runs. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  return (await processIdentity(identity.pid))?.started === identity.started;
}

/**
 * Sends a signal to this very process, or to the process group that it leads. Answers false when it no longer runs, so that
 * no stranger with a reused pid is hit.
 */
export async function signalProcess(
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
  target: "process" | "group",
): Promise<boolean> {
  if (!(await isRunning(identity))) return false;
  try {
    process.kill(target === "group" ? -identity.pid : identity.pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
