// The image without a container engine: the Dockerfile is read and followed in a folder, and every entry is started from there,
// with nothing of this repository and no package beside it.
import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  cpSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openKeys, openPrincipals, openStateFolder } from "../../scripts/compose/state-folder.ts";
import { readTopology } from "../../scripts/compose/topology.ts";
import { createLocalBuilds } from "../../shared/adapters/local/builds.ts";
import { ARTIFACT_PIECE_BYTES_MAX } from "../../shared/adapters/google/artifact-content.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { deliveryHeaders, pullRequestBody, sign } from "../services/github-delivery.ts";
import { parseDockerfile } from "../support/dockerfile.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startGoogle } from "../support/google/google-front.ts";
import { orderDigest } from "../support/google/ordered-digest.ts";
import { commandHere, environmentHere, type ImageFolder, makeImages } from "../support/image-folder.ts";
import { PEOPLE } from "../support/installation.ts";
import { createInstallation } from "../support/local-builds.ts";
import { startService } from "../support/service-process.ts";
import { readSource, ROOT } from "../support/source-files.ts";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";
import { until } from "../support/until.ts";

const BUILD_MS_MAX = 300_000;
const TIMEOUT_MS = 60_000;
/** Code, what was compiled of it, tasks and list of parts have 50 MB: each service has a copy of the code that it starts with (decision 0068). */
const SERVICES_BYTES_MAX = 55_000_000;
const FILES_READ_PRELOAD = join(ROOT, "test/support/files-read-preload.ts");
const SERVICES = Object.keys(readTopology());
const PUSH_TOKEN = "a push token of a test, long enough to be one";

const stages = parseDockerfile(readSource("Dockerfile"));
let folder = "";
let images: ReadonlyMap<string, ImageFolder>;

const pathOf = (program: string): string =>
  realpathSync(spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).stdout.trim());

/** The words of .dockerignore: all is left out but what is let in again. */
function ignored(path: string): boolean {
  const lines = readSource(".dockerignore").split("\n");
  if (!lines.includes("*")) throw new Error(".dockerignore has to leave everything out first.");
  return !lines.some(
    (line) => line === `!${path}` || (line.startsWith("!") && path.startsWith(`${line.slice(1)}/`)),
  );
}

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "signalbox-image-")));
  const node = { "usr/local/bin/node": process.execPath };
  const bases: Record<string, Readonly<Record<string, string>>> = {};
  for (const { from } of stages) {
    if (from.includes("/node:")) bases[from] = node;
    else if (from.includes("/terraform:"))
      bases[from] = TERRAFORM_MISSING
        ? { "bin/terraform": "/nowhere" }
        : { "bin/terraform": pathOf("terraform") };
    else if (from.includes("distroless")) bases[from] = {};
  }
  images = makeImages(stages, folder, {
    context: ROOT,
    bases,
    ignored,
    instead: {
      // The lockfile's packages, which are those of this tree; what a base image or root does is not done.
      "npm ci": (_, at) => symlinkSync(join(ROOT, "node_modules"), join(at, "node_modules")),
      "apt-get": () => {},
      "rm -rf /var/lib/apt": () => {},
      chown: () => {},
    },
  });
}, BUILD_MS_MAX);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function image(name: "services" | "builds"): ImageFolder {
  const found = images.get(name);
  if (found === undefined) throw new Error(`The Dockerfile has no stage ${name}.`);
  return found;
}

const command = (name: "services" | "builds", ...args: string[]): readonly [string, ...string[]] => {
  const [program = "", ...before] = commandHere(image(name));
  return [program, ...before, ...args];
};

/** Path → size and time of each file of an image, links left as they are. */
const contents = ({ root }: ImageFolder): readonly string[] =>
  globSync("**/*", { cwd: root })
    .sort()
    .map((path) => {
      const { size, mtimeMs } = statSync(join(root, path));
      return `${path} ${size} ${mtimeMs}`;
    });

/** Everything that the services' configurations ask for on one machine. */
async function environment() {
  const state = await openStateFolder(temporaryFolder());
  const keys = await openKeys(state);
  await openPrincipals(state, PEOPLE);
  const variables = {
    ...environmentHere(image("services")),
    SIGNALBOX_STATE: state.root,
    SIGNALBOX_PUSH_TOKEN: PUSH_TOKEN,
    SIGNALBOX_API_URL: "http://127.0.0.1:9",
    SIGNALBOX_GATEWAY_PORT: "0",
    SIGNALBOX_SUBSCRIBERS: "registry=http://127.0.0.1:9",
    PORT: "0",
  };
  return { keys, variables };
}

describe("the image of the services", () => {
  test("runs as nobody, has no shell or package manager, and brings Node, code and a list of its parts", () => {
    const { user, commands, entrypoint, root, environment } = image("services");
    expect(user).toBe("65532:65532");
    expect(commands).toEqual([]);
    expect(entrypoint.at(-1)).toBe("/app/main.js");
    expect(environment["NODE_ENV"]).toBe("production");
    expect(readdirSync(root).sort()).toEqual(["app", "nodejs"]);
    const files = readdirSync(join(root, "app"));
    expect(files).not.toContain("node_modules");
    expect(files).not.toContain("build.js");
    const bytes = globSync("app/**/*", { cwd: root })
      .map((path) => statSync(join(root, path)))
      .reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
    process.stderr.write(`The image of the services: ${(bytes / 1e6).toFixed(1)} MB besides Node.\n`);
    expect(bytes).toBeLessThan(SERVICES_BYTES_MAX);
    const bom = JSON.parse(readFileSync(join(root, "app/sbom.cdx.json"), "utf8")) as {
      bomFormat: string;
      components: { name: string }[];
    };
    expect(bom.bomFormat).toBe("CycloneDX");
    const names = bom.components.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["fastify", "typebox", "jose"]));
    expect(names).not.toContain("vitest");
  });

  test.each(SERVICES)(
    "starts %s from one file besides its program, with what was compiled of it",
    async (service) => {
      const app = join(image("services").root, "app");
      const { variables } = await environment();
      const [node, ...words] = command("services", service);
      const running = startService(service, variables, [node, "--import", FILES_READ_PRELOAD, ...words]);
      await until("its start", () => (running.output().includes(`"${service} started"`) ? true : undefined));
      expect(await running.stop()).toBe(0);
      const [, told = ""] = /^(\{"filesRead".*\})$/m.exec(running.output()) ?? [];
      const { filesRead } = JSON.parse(told) as { readonly filesRead: readonly string[] };
      const code = filesRead
        .filter((path) => path.startsWith(app) && /\.c?js$/.test(path))
        .map((path) => relative(app, path));
      const script = expect.stringMatching(new RegExp(`^${service}-\\w+\\.js$`)) as string;
      expect(code).toEqual([script, join("compiled", code[0] ?? "")]);
      expect(running.output()).not.toContain("the start is slower");
    },
    TIMEOUT_MS,
  );

  test("says that it starts more slowly with compiled code of another Node, and starts", async () => {
    const root = temporaryFolder();
    cpSync(join(image("services").root, "app"), root, { recursive: true });
    for (const file of readdirSync(join(root, "compiled")).filter((name) => name.startsWith("notifier-")))
      writeFileSync(join(root, "compiled", file), "no compiled code");
    const { variables } = await environment();
    const [node, ...words] = command("services", "notifier");
    const elsewhere = words.map((word) => (word.endsWith("/main.js") ? join(root, "main.js") : word));
    const running = startService("notifier", variables, [node, ...elsewhere]);
    await running.url();
    await until("the warning", () => (running.output().includes("the start is slower") ? true : undefined));
    expect(await running.stop()).toBe(0);
  });

  test("rebuilds the views as a task, and writes nothing into its root", async () => {
    const before = contents(image("services"));
    const { variables } = await environment();
    const [node, ...rest] = command("services");
    const args = [...rest.slice(0, -1), join(image("services").root, "app/tasks/rebuild-views.js"), "runs"];
    const { status, stdout, stderr } = spawnSync(node, args, { env: variables, encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toContain('"message":"rebuilt"');
    expect(contents(image("services"))).toEqual(before);
  });

  test("no command of the Dockerfile runs an install script", () => {
    const installs = stages.flatMap(({ instructions }) =>
      instructions.filter(({ keyword, text }) => keyword === "RUN" && /\bnpm (?:ci|install)\b/.test(text)),
    );
    expect(installs.map(({ text }) => text)).toEqual([expect.stringContaining("--ignore-scripts")]);
  });

  test.each(SERVICES)(
    "starts %s, answers, ends in order, and writes nothing into its root",
    async (service) => {
      const before = contents(image("services"));
      const { variables } = await environment();
      const running = startService(service, variables, command("services", service));
      if (service === "relay") {
        await until("relay to start", () =>
          running.output().includes('"relay started"') ? true : undefined,
        );
      } else {
        const url = await running.url();
        const { status } = await fetch(`${url}${service === "console" ? "/console.css" : "/healthz"}`);
        // A fact service answers nobody who does not say who they are.
        expect([200, 401]).toContain(status);
      }
      expect(await running.stop()).toBe(0);
      expect(running.output()).not.toMatch(/ERR_MODULE_NOT_FOUND|DEFECT|the start is slower/);
      expect(contents(image("services"))).toEqual(before);
    },
    TIMEOUT_MS,
  );

  test(
    "takes a delivery that was on its way when it was asked to stop",
    async () => {
      const { keys, variables } = await environment();
      const running = startService("webhook", variables, command("services", "webhook"));
      const url = new URL(`${await running.url()}/webhooks/github`);
      const body = JSON.stringify(pullRequestBody());
      const { host: _, ...headers } = deliveryHeaders("pull_request", body);
      const signed = { ...headers, "x-hub-signature-256": sign(body, keys.webhookSecret) };
      const sent = request(url, {
        method: "POST",
        headers: { ...signed, "content-length": String(Buffer.byteLength(body)) },
      });
      sent.write(body.slice(0, 10));
      await once(sent, "socket");
      await until("the connection", () => (sent.socket?.connecting === false ? true : undefined));
      // Another request answered means that the beginning of the first has been read.
      await (await fetch(new URL("/healthz", url))).text();
      const ended = running.stop();
      sent.end(body.slice(10));
      const [response] = (await once(sent, "response")) as [{ statusCode: number }];
      expect(response.statusCode).toBe(202);
      expect(await ended).toBe(0);
    },
    TIMEOUT_MS,
  );

  test("says which services there are to whoever names another", async () => {
    const [program, ...args] = command("services", "nothing");
    const { status, stderr } = spawnSync(program, args, { encoding: "utf8", env: {} });
    expect([status, stderr]).toEqual([64, expect.stringContaining(SERVICES.toSorted().join(", "))]);
  });
});

describe("the image of builds", () => {
  test("runs as nobody and brings the program, Terraform and Git", () => {
    const { user, commands, entrypoint, root } = image("builds");
    expect(user).toBe("65532:65532");
    expect(entrypoint.at(-1)).toBe("/app/build.js");
    expect(commands.join(" ")).toMatch(/ git /);
    expect(readdirSync(join(root, "usr/local/bin")).sort()).toEqual(["node", "terraform"]);
    expect(readdirSync(join(root, "app"))).not.toContain("main.js");
  });

  test.skipIf(TERRAFORM_MISSING)(
    `${TERRAFORM_NOTE}plans a stack`,
    async () => {
      const at = createInstallation({
        path: `${join(image("builds").root, "usr/local/bin")}:${process.env["PATH"]}`,
      });
      onTestFinished(() => rmSync(at.root, { recursive: true, force: true }));
      const builds = createLocalBuilds({
        folder: join(at.root, "builds"),
        program: command("builds"),
        settings: at.settings,
        clock: systemClock,
      });
      const spec = await at.planSpec({ "s/main.tf": 'output "word" {\n  value = "one"\n}\n' });
      await builds.start("plan-web-1", spec);
      const status = await until("the plan", async () => {
        const found = await builds.status("plan-web-1");
        return found.state === "running" ? undefined : found;
      });
      expect(status).toMatchObject({ state: "done", result: { state: "planned" } });
    },
    TIMEOUT_MS,
  );

  test(
    "computes the digest of an object in a bucket, as a step of Cloud Build, and writes it down once",
    async () => {
      const google = await startGoogle();
      const bytes = randomBytes(ARTIFACT_PIECE_BYTES_MAX + 1);
      const { environment, result } = await orderDigest(google, "digest-1", bytes);
      const env = { ...environmentHere(image("builds")), ...google.environment, ...environment };
      const step = async (): Promise<number | null> => {
        const [program, ...args] = command("builds", "digest");
        const child = spawn(program, args, { env, stdio: ["ignore", "inherit", "inherit"] });
        return ((await once(child, "close")) as [number | null])[0];
      };
      expect(await step()).toBe(0);
      const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
      expect(result()).toEqual({ digest });
      const read = google.storage.requests.length;
      expect(await step()).toBe(0);
      // The order and the result, and nothing of the artifact.
      expect(google.storage.requests.slice(read).filter((line) => line.includes("weights"))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test("refuses what is no order", async () => {
    const [program, ...args] = command("builds");
    const child = spawn(program, args, { stdio: ["pipe", "ignore", "pipe"], env: {} });
    child.stdin.end("no order");
    expect(await once(child, "close")).toEqual([1, null]);
  });
});
