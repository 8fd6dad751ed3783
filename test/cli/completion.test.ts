// Completion as shells really do it: bash, and zsh and fish where they are installed, each with its own script.
import { spawnSync, spawn } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../support/folder.ts";
import { ROOT } from "../support/source-files.ts";
import { callCli } from "./call-cli.ts";

/** Names as a control plane lists them; one that must not reach a terminal as it is. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  "/v1/teams/-/endpoints": {
    endpoints: [{ name: "teams/default/endpoints/ranker" }, { name: "teams/search/endpoints/rerank" }],
    nextPageToken: "",
  },
  "/v1/teams/-/endpoints/-/rollouts": {
    rollouts: [
      { name: "teams/default/endpoints/ranker/rollouts/ranker-3-1-d336", state: "RUNNING\u001b[2J" },
    ],
    nextPageToken: "",
  },
  "/v1/stacks": { stacks: [{ name: "stacks/playground", state: "APPLIED" }], nextPageToken: "" },
};

async function instance(): Promise<NodeJS.ProcessEnv> {
  const server = createServer((request, response) => {
    const answer = ANSWERS[new URL(request.url ?? "/", "http://x").pathname];
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { SIGNALBOX_URL: `http://127.0.0.1:${port}`, SIGNALBOX_TOKEN: "t" };
}

async function offered(words: readonly string[], env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const { code, out, err } = await callCli(["complete", "--", ...words], { env });
  expect([code, err]).toEqual([0, ""]);
  return out.split("\n").flatMap((line) => line.split("\t", 1)[0] || []);
}

describe("what may come next", () => {
  test("is a command, then its own commands, options of it and of all, and the choices of an argument", async () => {
    expect(await offered(["roll"], {})).toEqual(["rollouts", "rollback"]);
    expect(await offered(["workflows", "che"], {})).toEqual(["check"]);
    expect(await offered(["rollback", "--"], {})).toEqual(
      expect.arrayContaining(["--reason", "--from", "--validate-only", "--state", "--help"]),
    );
    expect(await offered(["completion", ""], {})).toEqual(["bash", "zsh", "fish"]);
  });

  test("is never the hidden command that answers it", async () => {
    expect(await offered(["comp"], {})).toEqual(["completion"]);
  });

  test("is a name of what runs here, by the argument in whose place it stands", async () => {
    const env = await instance();
    expect(await offered(["rollback", "r"], env)).toEqual(["ranker"]);
    expect(await offered(["rollback", ""], env)).toEqual(["ranker", "search/rerank"]);
    expect(await offered(["--json", "advance", "--reason", "x", "ranker-"], env)).toEqual([
      "ranker-3-1-d336",
    ]);
    expect(await offered(["unblock", ""], env)).toEqual(["playground"]);
    expect(await offered(["rollback", "ranker", ""], env)).toEqual([]);
  });

  test("is nothing, and no message, when nobody answers", async () => {
    expect(
      await offered(["rollback", ""], { SIGNALBOX_URL: "http://127.0.0.1:1", SIGNALBOX_TOKEN: "t" }),
    ).toEqual([]);
  });
});

/** Every question of a shell starts the program anew, which takes seconds on a machine that is busy. */
const SHELL_MS_MAX = 180_000;

/** A folder for PATH in which `signalbox` is the program of this repository. */
function programFolder(): string {
  const folder = temporaryFolder();
  const program = join(folder, "signalbox");
  const script = join(ROOT, "cli", "signalbox.ts");
  writeFileSync(
    program,
    `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${script}' "$@"\n`,
  );
  chmodSync(program, 0o755);
  return folder;
}

/** Runs a script in a shell with our completion loaded; answers its output. */
async function inShell(shell: string, args: readonly string[], script: string): Promise<string> {
  const names = await instance();
  const env = {
    ...process.env,
    ...names,
    PATH: `${programFolder()}${delimiter}${process.env["PATH"] ?? ""}`,
  };
  const child = spawn(shell, [...args, "-c", script], { env, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (out += text));
  await new Promise((resolve) => child.once("close", resolve));
  return out.trim();
}

const isInstalled = (shell: string): boolean => spawnSync(shell, ["--version"]).status === 0;

describe.skipIf(!isInstalled("bash"))("bash", () => {
  test(
    "completes commands and names, and leaves files to itself",
    async () => {
      const complete = (words: string) =>
        `COMP_WORDS=(signalbox ${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _signalbox; echo "\${COMPREPLY[*]}"`;
      const lines = await inShell(
        "bash",
        ["--norc"],
        `source <(signalbox completion bash); ${complete("roll")}; ${complete("resume ''")}; ${complete("events publish ''")}; complete -p signalbox`,
      );
      expect(lines.split("\n")).toEqual([
        "rollouts rollback",
        "ranker search/rerank",
        "",
        "complete -o default -F _signalbox signalbox",
      ]);
    },
    SHELL_MS_MAX,
  );
});

describe.skipIf(!isInstalled("zsh"))("zsh", () => {
  test(
    "completes commands with what they do, names, and otherwise files",
    async () => {
      // `_describe` and `_files` draw into the line editor; here they say what they were given.
      const before = `compdef() {}; _describe() { print -l -- "\${(@P)2}" }; _files() { print files };`;
      const complete = (words: string) => `words=(signalbox ${words}); CURRENT=\${#words}; _signalbox;`;
      const lines = await inShell(
        "zsh",
        ["-f"],
        `${before} source <(signalbox completion zsh); ${complete("rollb")} ${complete("advance ranker-")} ${complete("events publish ''")}`,
      );
      expect(lines.split("\n")).toEqual([
        "rollback:Move an endpoint's traffic back to its last good version, at once",
        "ranker-3-1-d336:RUNNING",
        "files",
      ]);
    },
    SHELL_MS_MAX,
  );
});

describe.skipIf(!isInstalled("fish"))("fish", () => {
  test(
    "completes commands with what they do, and names",
    async () => {
      const lines = await inShell(
        "fish",
        ["--no-config"],
        "signalbox completion fish | source; complete -C 'signalbox rollb'; complete -C 'signalbox resume '",
      );
      expect(lines.split("\n")).toEqual([
        "rollback\tMove an endpoint's traffic back to its last good version, at once",
        expect.stringMatching(/^ranker\t/),
        expect.stringMatching(/^search\/rerank\t/),
      ]);
    },
    SHELL_MS_MAX,
  );
});
