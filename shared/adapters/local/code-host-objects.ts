// Small objects of a bare repository from one `git cat-file --batch` that is kept while it is asked: a process of its own costs
// ten times what the answer does. What it cannot tell is undefined, and the caller asks an ordinary Git command, which says why.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { gitArguments, gitEnvironment } from "./code-host-git.ts";

/** Bytes of one object that is read this way: commits and the upper trees are far smaller. */
export const OBJECT_BYTES_MAX = 1024 * 1024;
/** A process of which nothing is heard for so long is ended, whether it was asked or not. */
export const OBJECTS_IDLE_MS_MAX = 10_000;
/** Repositories that have such a process at one time; the one that was opened first makes room. */
export const OBJECT_PROCESSES_MAX = 8;
/** Questions that wait for one process; more are not asked of it. */
export const OBJECTS_WAITING_MAX = 1_000;
/** Bytes of the line before an object: its id, its type and its size. */
const HEADER_BYTES_MAX = 200;

/** One object. */
export interface GitObject {
  readonly type: string;
  readonly content: Buffer;
}

type Batch = ChildProcessByStdio<Writable, Readable, null>;
type Waiting = (object: GitObject | undefined) => void;

const LINE_END = 10;
const HEADER = /^[0-9a-f]{40,64} (blob|commit|tag|tree) ([0-9]{1,12})$/;

/** Takes answers out of the output; `undefined` for an object that is missing, `"broken"` when it cannot be read on. */
export function createAnswers(
  settle: (object: GitObject | undefined) => void,
): (chunk: Buffer) => "ok" | "broken" {
  let held: Buffer = Buffer.alloc(0);
  return (chunk) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    for (let end = held.indexOf(LINE_END); end !== -1; end = held.indexOf(LINE_END)) {
      const line = held.toString("latin1", 0, end);
      if (line.endsWith(" missing")) {
        held = held.subarray(end + 1);
        settle(undefined);
        continue;
      }
      const [, type = "", size = ""] = HEADER.exec(line) ?? [];
      if (type === "" || Number(size) > OBJECT_BYTES_MAX) return "broken";
      const last = end + 1 + Number(size);
      if (held.length <= last) return "ok";
      const content = Buffer.from(held.subarray(end + 1, last));
      held = held.subarray(last + 1);
      settle({ type, content });
    }
    return held.length > HEADER_BYTES_MAX ? "broken" : "ok";
  };
}

/** Lets the process keep ours alive only while it is asked. */
function hold(child: Batch, asked: boolean): void {
  for (const handle of [child, child.stdout as Socket, child.stdin as unknown as Socket]) {
    if (asked) handle.ref();
    else handle.unref();
  }
}

/** One process and who waits for it. `ended` is called once, when it is no more. */
function open(gitDirectory: string, path: string, ended: () => void) {
  const child = spawn("git", [...gitArguments(gitDirectory), "cat-file", "--batch"], {
    env: gitEnvironment(path),
    stdio: ["pipe", "pipe", "ignore"],
  });
  const waiting: Waiting[] = [];
  const kill = (): void => void child.kill("SIGKILL");
  const idle = setTimeout(kill, OBJECTS_IDLE_MS_MAX).unref();
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    clearTimeout(idle);
    ended();
    for (const each of waiting.splice(0)) each(undefined);
  };
  const take = createAnswers((object) => {
    waiting.shift()?.(object);
    if (waiting.length === 0) hold(child, false);
  });
  child.stdout.on("data", (chunk: Buffer) => {
    idle.refresh();
    if (take(chunk) === "broken") kill();
  });
  child.stdin.on("error", kill);
  child.on("error", end).on("close", end);
  hold(child, false);
  return {
    ask: (id: string): Promise<GitObject | undefined> =>
      new Promise((resolve) => {
        if (over || waiting.length >= OBJECTS_WAITING_MAX) return resolve(undefined);
        idle.refresh();
        hold(child, true);
        waiting.push(resolve);
        child.stdin.write(`${id}\n`);
      }),
    kill,
  };
}

/** Reads an object by its full id; undefined when it is missing, too large, or could not be read this way. */
export type ReadObject = (gitDirectory: string, id: string) => Promise<GitObject | undefined>;

/** Makes the reader. `path` is the PATH in which `git` is looked for; the caller has checked that ids are ids. */
export function createObjectReader(path: string): ReadObject {
  const processes = new Map<string, ReturnType<typeof open>>();
  return (gitDirectory, id) => {
    let known = processes.get(gitDirectory);
    if (known === undefined) {
      const [oldest] = processes;
      if (processes.size >= OBJECT_PROCESSES_MAX && oldest !== undefined) {
        processes.delete(oldest[0]);
        oldest[1].kill();
      }
      const opened = open(gitDirectory, path, () => {
        if (processes.get(gitDirectory) === opened) processes.delete(gitDirectory);
      });
      processes.set(gitDirectory, opened);
      known = opened;
    }
    return known.ask(id);
  };
}
