// An App on the fake, with one repository of known content.
import { mkdtempSync, rmSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createGithubApp,
  type GithubApp,
  type GithubAppOptions,
} from "../../../shared/adapters/github/app.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { createRepository } from "../git-repository.ts";
import { type GithubFake, startGithubFake } from "./github-fake.ts";
import type { FakeRepository } from "./world.ts";

/** Lines that were logged. */
export interface CapturedLog extends Log {
  readonly lines: string[];
}

/** A log that can be read. */
export function capturedLog(): CapturedLog {
  const lines: string[] = [];
  const write = (fields: object, message: string): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  return { lines, info: write, warn: write, error: write };
}

/** The App of the fake, without pauses between writes. */
export function appOf(fake: GithubFake, change: Partial<GithubAppOptions> = {}): GithubApp {
  return createGithubApp({
    appId: String(fake.settings.appId),
    privateKey: fake.privateKey,
    baseUrl: fake.url,
    clock: systemClock,
    log: capturedLog(),
    pacing: "none",
    ...change,
  });
}

/** A fake with the repository `acme/platform`. */
export interface GithubWorld {
  readonly fake: GithubFake;
  readonly repository: FakeRepository;
  /** Moves a branch. */
  branch(name: string, commit: string): void;
  /** Opens a pull request into main and answers its number. */
  open(head: string, change?: { readonly author?: string; readonly looksUntilMergeable?: number }): number;
  close(): Promise<void>;
}

/** Starts a fake with one empty repository. */
export async function startGithubWorld(): Promise<GithubWorld> {
  const root = mkdtempSync(join(tmpdir(), "signalbox-github-"));
  const folder = createRepository(root, "acme/platform");
  const fake = await startGithubFake();
  const repository = fake.addRepository(folder);
  return {
    fake,
    repository,
    branch(name, commit) {
      execFileSync("git", ["--git-dir", folder, "update-ref", `refs/heads/${name}`, commit]);
    },
    open(head, { author = "ada", looksUntilMergeable = 0 } = {}) {
      const number = repository.pulls.size + 1;
      repository.pulls.set(number, {
        number,
        state: "open",
        head,
        base: "main",
        author,
        looksUntilMergeable,
      });
      return number;
    },
    async close() {
      await fake.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
