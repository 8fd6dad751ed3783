// The folder of one build, as the adapter and the build program share it. Files are created once or replaced as a whole.
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { requireBuildId } from "../../domain/build-id.ts";
import type { PlanKey } from "../../domain/plan-digest.ts";
import type { BuildSpec } from "../../ports/builds.ts";
import type { ProcessIdentity } from "./process-identity.ts";

/** What stands in a build's folder. */
export const BUILD_FILES = {
  /** What was asked for; no secret. */
  spec: "spec.json",
  /** Created exclusively by the one process that does the work: who it is and since when. */
  fence: "fence.json",
  /** Terraform's own process, while it runs. */
  terraform: "terraform.json",
  /** Addresses of the resources that are being changed right now. */
  changing: "changing.json",
  /** Somebody asked the build to stop, and when. */
  cancel: "cancel.json",
  log: "log.txt",
  /** What the program itself printed, for the case that it broke. */
  program: "program.log",
  /** Written last. */
  result: "result.json",
  /** Working copy; removed at the end. */
  work: "work",
} as const;

/** Exit code of a second program for the same build: it has touched nothing (EX_TEMPFAIL of sysexits.h). */
export const DUPLICATE_EXIT_CODE = 75;

/** Where things are, and the secrets of the installation. Reaches the program through its standard input only. */
export interface BuildSettings {
  /** Folder of the bare repositories. */
  readonly repositories: string;
  readonly blobs: string;
  /** Folder with one folder of Terraform state a stack. */
  readonly states: string;
  /** Terraform's backend and its arguments, where states are not in `states`; `{stack}` in a value is the stack's id. */
  readonly stateBackend?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** PATH of every process of the build. */
  readonly path: string;
  readonly planKey: PlanKey;
  /** Texts that no log may show. */
  readonly secrets: readonly string[];
  /** Folder of a provider mirror, from which alone providers come; without one the allowed ones come from their registries. */
  readonly providerMirror?: string;
  /** Variables that Terraform gets from whoever started us, such as credentials; their values are secrets. Default: none. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Between SIGTERM and SIGKILL, in milliseconds. */
  readonly graceMs: number;
}

/** What the build program reads from its standard input. */
export interface BuildOrder {
  readonly folder: string;
  readonly spec: BuildSpec;
  readonly settings: BuildSettings;
}

/** Who does the work, as the fence says. */
export interface BuildFence {
  readonly process: ProcessIdentity;
  /** RFC 3339. */
  readonly startedAt: string;
}

/** The folder of a build; refuses ids that would lead elsewhere. */
export function buildFolder(root: string, id: string): string {
  return join(root, requireBuildId(id));
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;

let drafts = 0;

/** A synced file beside its place, about to be put there. */
async function draft(path: string, content: string | Uint8Array): Promise<string> {
  drafts += 1;
  const name = `${path}.${process.pid}.${drafts}.draft`;
  const file = await open(name, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  return name;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path));
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Creates a file with its whole content, or answers false when it is there already. Durable when it resolves. */
export async function createOnce(path: string, content: string | Uint8Array): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const name = await draft(path, content);
  try {
    await link(name, path);
  } catch (error) {
    if (isCode(error, "EEXIST")) return false;
    throw error;
  } finally {
    await rm(name, { force: true });
  }
  await syncFolder(path);
  return true;
}

/** Replaces a file as a whole. Durable when it resolves. */
export async function replaceJson(path: string, value: unknown): Promise<void> {
  await rename(await draft(path, JSON.stringify(value)), path);
  await syncFolder(path);
}

/** Replaces a file as a whole before it returns, so that it says what is so even if we are killed at the next instruction. */
export function replaceJsonNow(path: string, value: unknown): void {
  drafts += 1;
  const name = `${path}.${process.pid}.${drafts}.draft`;
  const file = openSync(name, "wx", 0o600);
  try {
    writeSync(file, JSON.stringify(value));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(name, path);
}

/** The JSON in a file of ours, or undefined when there is none. */
export async function readJsonFile<Content>(path: string): Promise<Content | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Content;
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
