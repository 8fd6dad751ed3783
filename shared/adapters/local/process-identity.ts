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

/** Fields of /proc/<pid>/stat after the command, which stands in parentheses and may hold anything: state is 0, start time 19. */
async function linuxIdentity(pid: number): Promise<ProcessIdentity | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, ticks] = [fields[0], fields[19]];
  if (ticks === undefined || state === "Z" || state === "X") return undefined;
  const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  return { pid, started: `${boot}:${ticks}` };
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
