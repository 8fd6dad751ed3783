// Children that do not outlive this program, however it ends short of SIGKILL.
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";

/** What is undone, last first, when the program ends by `process.exit` or an error that nobody caught. */
const undone = new Set<() => void>();

function undoAll(): void {
  for (const undo of [...undone].toReversed()) undo();
}

/** Calls `undo`, which must not wait, if the program ends before the answer is called. */
export function atExit(undo: () => void): () => void {
  if (undone.size === 0) process.once("exit", undoAll);
  undone.add(undo);
  return () => {
    undone.delete(undo);
    if (undone.size === 0) process.off("exit", undoAll);
  };
}

/**
 * Starts a program in a process group of its own, so that a Ctrl-C in the terminal reaches us alone, who stop things in order.
 * What has not ended when we end is killed.
 */
export function spawnHeld(
  command: string,
  args: readonly string[],
  options: Pick<SpawnOptions, "env" | "stdio">,
): ChildProcess {
  const child = spawn(command, args, { ...options, detached: true });
  const release = atExit(() => void child.kill("SIGKILL"));
  child.once("exit", release);
  child.once("error", release);
  return child;
}
