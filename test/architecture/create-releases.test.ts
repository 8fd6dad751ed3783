// scripts/delivery/create-releases.sh, with a gcloud of our own that remembers releases in a folder.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { IMAGE_NAME } from "../../scripts/delivery/manifest.ts";
import { temporaryFolder } from "../support/folder.ts";
import { ROOT } from "../support/source-files.ts";

const RELEASE = "r-0123456789ab";
const STAGING = "gs://p-signalbox-dev-artifacts/services/sources";
const SERVICES = ["signalbox-dev-api", "signalbox-dev-relay", "signalbox-dev-webhook"];

/** A release is a file named as its pipeline; rollouts are its lines. A file in `broken` makes the creation of that one fail. */
const GCLOUD = `#!/usr/bin/env bash
set -euo pipefail
echo "$*" >> "$WORLD/calls"
for word in "$@"; do case $word in
  --delivery-pipeline=*) pipeline=\${word#*=} ;;
  --to-target=*) target=\${word#*=} ;;
esac; done
at=$WORLD/releases/$pipeline
case "$2 $3" in
  "releases describe") [ -f "$at" ] ;;
  "releases create")
    if [ -f "$at" ]; then echo "ALREADY_EXISTS" >&2; exit 1; fi
    if [ -f "$WORLD/broken/$pipeline" ]; then echo "PERMISSION_DENIED" >&2; exit 1; fi
    echo "$target" > "$at" ;;
  "releases promote") echo "$target" >> "$at" ;;
  "rollouts list") cat "$at" ;;
  *) echo "unknown: $*" >&2; exit 2 ;;
esac
`;

/** Sources of three services, and Cloud Deploy as the script sees it. */
function createWorld() {
  const folder = temporaryFolder();
  const at = (...names: readonly string[]): string => join(folder, ...names);
  for (const name of ["bin", "releases", "broken"]) mkdirSync(at(name));
  writeFileSync(at("bin", "gcloud"), GCLOUD);
  chmodSync(at("bin", "gcloud"), 0o755);
  for (const name of SERVICES) {
    mkdirSync(at("sources", name), { recursive: true });
    writeFileSync(at("sources", name, "skaffold.yaml"), "");
  }
  const run = (sources = at("sources")) => {
    rmSync(at("calls"), { force: true });
    const words = [RELEASE, "us-central1", "r/services@sha256:1", STAGING, sources];
    const env = {
      ...process.env,
      WORLD: folder,
      PATH: `${at("bin")}${delimiter}${process.env["PATH"] ?? ""}`,
    };
    const path = join(ROOT, "scripts/delivery/create-releases.sh");
    const { status, stdout, stderr } = spawnSync("bash", [path, ...words], { encoding: "utf8", env });
    const calls = existsSync(at("calls")) ? readFileSync(at("calls"), "utf8").trim().split("\n") : [];
    return { status, stdout, stderr, changes: calls.filter((call) => /create|promote/.test(call)) };
  };
  return { at, run };
}

describe("the step that releases", () => {
  test("makes one release and one rollout of each service, from its own source, to its own target", () => {
    const { at, run } = createWorld();
    const { status, changes } = run();
    expect(status).toBe(0);
    expect(changes).toEqual(
      SERVICES.map((name) =>
        [
          `deploy releases create ${RELEASE} --delivery-pipeline=${name} --to-target=${name}`,
          `--source=${at("sources", name)} --skaffold-file=skaffold.yaml --gcs-source-staging-dir=${STAGING}`,
          `--images=${IMAGE_NAME}=r/services@sha256:1 --region=us-central1 --quiet`,
        ].join(" "),
      ),
    );
    for (const name of SERVICES) expect(readFileSync(at("releases", name), "utf8")).toBe(`${name}\n`);
  });

  test("does nothing for a commit that is released already", () => {
    const { run } = createWorld();
    run();
    const { status, changes, stdout } = run();
    expect([status, changes]).toEqual([0, []]);
    for (const name of SERVICES) expect(stdout).toContain(`${name}: ${RELEASE} is there already.`);
  });

  test("goes on after a failure, ends with its name, and makes what is missing when it runs again", () => {
    const { at, run } = createWorld();
    writeFileSync(at("broken", "signalbox-dev-api"), "");
    const failed = run();
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain("PERMISSION_DENIED");
    expect(failed.stderr).toContain("was not made for 1 of 3 services: signalbox-dev-api.");
    expect(readdirSync(at("releases"))).toEqual(["signalbox-dev-relay", "signalbox-dev-webhook"]);
    rmSync(at("broken", "signalbox-dev-api"));
    const { status, changes } = run();
    expect(status).toBe(0);
    expect(changes).toEqual([
      expect.stringContaining("create r-0123456789ab --delivery-pipeline=signalbox-dev-api "),
    ]);
  });

  test("makes the rollout of a release that was left without one", () => {
    const { at, run } = createWorld();
    for (const name of SERVICES)
      writeFileSync(at("releases", name), name === "signalbox-dev-relay" ? "" : "one\n");
    const { status, changes } = run();
    expect(status).toBe(0);
    expect(changes).toEqual([
      `deploy releases promote --release=${RELEASE} --delivery-pipeline=signalbox-dev-relay --to-target=signalbox-dev-relay --region=us-central1 --quiet`,
    ]);
  });

  test("fails where there is nothing to release", () => {
    const { at, run } = createWorld();
    const { status, stderr } = run(at("nowhere"));
    expect([status, stderr]).toEqual([1, expect.stringContaining("nothing was released")]);
  });
});
