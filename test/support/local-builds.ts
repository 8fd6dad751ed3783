// A state folder with repositories, blobs, and the real build program as a child process.
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMPILED_CODE_WORDS } from "../../scripts/compose/compiled-code.ts";
import { createBlobs } from "../../shared/adapters/local/blobs.ts";
import { BUILD_FILES, type BuildSettings } from "../../shared/adapters/local/builds-folder.ts";
import { createLocalBuilds } from "../../shared/adapters/local/builds.ts";
import { createLocalCodeHost } from "../../shared/adapters/local/code-host.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { closureDigest, closureOf } from "../../shared/domain/closure.ts";
import type { BuildSpec } from "../../shared/ports/builds.ts";
import { commitFiles, createRepository } from "./git-repository.ts";

/** A key that must never be seen outside. */
export const KEY_CANARY = "canary-installation-key-7f3a";
/** A configured secret that must never be seen outside. */
export const SECRET_CANARY = "canary-configured-secret-51bc";

/** Files of the stack `s` in the repository `acme/platform`. */
export type StackFiles = Readonly<Record<string, string>>;

/** Everything about one installation in a temporary folder. */
export interface LocalInstallation {
  readonly root: string;
  readonly program: readonly [string, ...string[]];
  readonly settings: BuildSettings;
  readonly builds: ReturnType<typeof createLocalBuilds>;
  readonly blobs: ReturnType<typeof createBlobs>;
  readonly restarted: () => ReturnType<typeof createLocalBuilds>;
  /** Commits the files and answers the specification of their plan. */
  readonly planSpec: (files: StackFiles, change?: Partial<BuildSpec>) => Promise<BuildSpec>;
  /** A file of a build's folder. */
  readonly file: (id: string, name: keyof typeof BUILD_FILES) => string;
}

/** Makes an installation. */
export function createInstallation(more: Partial<BuildSettings> = {}): LocalInstallation {
  const root = mkdtempSync(join(tmpdir(), "signalbox-builds-"));
  const path = process.env["PATH"] ?? "";
  const settings: BuildSettings = {
    repositories: join(root, "repos"),
    blobs: join(root, "blobs"),
    states: join(root, "terraform"),
    path,
    planKey: { id: "k1", secret: KEY_CANARY },
    secrets: [SECRET_CANARY],
    graceMs: 3_000,
    ...more,
  };
  const program = [
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    ...COMPILED_CODE_WORDS,
    join(import.meta.dirname, "../../services/provisioner/build/main.ts"),
  ] as const;
  const repository = createRepository(settings.repositories, "acme/platform");
  const codeHost = createLocalCodeHost({ root: settings.repositories, path });
  const restarted = () =>
    createLocalBuilds({ folder: join(root, "builds"), program, settings, clock: systemClock });
  return {
    root,
    program,
    settings,
    builds: restarted(),
    blobs: createBlobs(settings.blobs),
    restarted,
    file: (id, name) => readFileSync(join(root, "builds", id, BUILD_FILES[name]), "utf8"),
    async planSpec(files, change = {}) {
      const tree = commitFiles(repository, { files });
      const entries = await codeHost.tree("acme/platform", tree);
      const { directory = "s", varFiles = [] } = change;
      const closure = await closureOf({ directory, varFiles, watch: [] }, entries, ({ objectId }) =>
        codeHost.blob("acme/platform", objectId),
      );
      // A stack whose files cannot be told has all files of the tree here, so that the program itself has to refuse it.
      const all = entries.map(({ path: file, mode, objectId }) => ({ path: file, mode, objectId }));
      const closureFiles = closure.kind === "closure" ? closure.files : all;
      return {
        kind: "plan",
        stack: "stacks/web",
        repository: "acme/platform",
        tree,
        directory,
        varFiles,
        files: closureFiles,
        allow: { providers: [], provisioners: [], dataSources: [], modules: [] },
        timeLimitMs: 60_000,
        lockTimeoutSeconds: 1,
        closureDigest: closureDigest(closureFiles),
        configDigest: "sha256:config",
        ...change,
      };
    },
  };
}
