// Blobs, artifacts and secrets as files.
import { execFileSync } from "node:child_process";
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { createArtifacts } from "../../shared/adapters/local/artifacts.ts";
import { createBlobs } from "../../shared/adapters/local/blobs.ts";
import { createSecrets } from "../../shared/adapters/local/secrets.ts";
import { type ArtifactsUnderTest, itBehavesLikeArtifacts } from "../contracts/artifacts.ts";
import { itBehavesLikeBlobs } from "../contracts/blobs.ts";
import { temporaryFolder } from "../support/folder.ts";

itBehavesLikeBlobs("the blobs in a folder", async () => {
  const folder = join(temporaryFolder(), "blobs");
  const names = async (): Promise<string[]> => readdir(join(folder, "sha256"));
  return {
    blobs: createBlobs(folder),
    damage: (digest) => writeFile(join(folder, "sha256", digest.slice("sha256:".length)), "another"),
    count: async () => (await names()).length,
  };
});

test("a blob that was cut short by a crash is written again", async () => {
  const folder = temporaryFolder();
  const blobs = createBlobs(folder);
  const content = new TextEncoder().encode("a whole plan");
  const digest = await blobs.put(content);
  await writeFile(join(folder, "sha256", digest.slice("sha256:".length)), "a who");
  await blobs.put(content);
  expect(new TextDecoder().decode(await blobs.get(digest))).toBe("a whole plan");
});

test("a blobs folder that cannot be written to is named with a remedy", async () => {
  const folder = temporaryFolder();
  await writeFile(join(folder, "file"), "");
  await expect(createBlobs(join(folder, "file")).put(new Uint8Array())).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: expect.stringContaining(join(folder, "file")),
  });
});

async function artifactsFolder(): Promise<ArtifactsUnderTest & { readonly root: string }> {
  const folder = temporaryFolder();
  const root = join(folder, "artifacts");
  await mkdir(root);
  await writeFile(join(folder, "artifacts-secret"), "outside");
  return {
    root,
    artifacts: createArtifacts({ roots: [root] }),
    async write(path, content, { executable = false } = {}) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
      await chmod(join(root, path), executable ? 0o755 : 0o644);
    },
    uri: (path) => pathToFileURL(join(root, path)).href,
    read: (path) => readFile(path, "utf8"),
    outside: pathToFileURL(join(folder, "artifacts-secret")).href,
  };
}

itBehavesLikeArtifacts("the artifacts in a folder", artifactsFolder);

describe("artifacts in a folder", () => {
  test("are never reached through a symbolic link, wherever it stands", async () => {
    const { root, artifacts, write, uri } = await artifactsFolder();
    await write("m/a", "1");
    await symlink(join(root, "m"), join(root, "linked"));
    await symlink("/etc/hostname", join(root, "m", "host"));
    for (const path of ["linked", "linked/a", "m/host", "m"]) {
      await expect(artifacts.digest(uri(path)), path).rejects.toMatchObject({
        code: "PERMISSION_DENIED",
        reason: "ARTIFACT_NOT_REGULAR",
      });
    }
  });

  test("hold no sockets or pipes, and reading one does not hang", async () => {
    const { root, artifacts, write, uri } = await artifactsFolder();
    await write("m/a", "1");
    const server = createServer().listen(join(root, "m", "socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    onTestFinished(() => void server.close());
    execFileSync("mkfifo", [join(root, "pipe")]);
    for (const path of ["m", "m/socket", "pipe"]) {
      await expect(artifacts.digest(uri(path)), path).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    }
  });

  test("may lie below a root that is itself a link of the machine", async () => {
    const { root, write } = await artifactsFolder();
    await write("m", "1");
    const link = join(temporaryFolder(), "root");
    await symlink(root, link);
    const linked = createArtifacts({ roots: [link] });
    expect(await linked.path(pathToFileURL(join(link, "m")).href)).toBe(join(root, "m"));
  });

  test("may have blanks and letters of any script in their names", async () => {
    const { artifacts, write, uri } = await artifactsFolder();
    await write("modèle ü/данные 100%.bin", "1");
    expect(await artifacts.digest(uri("modèle ü/данные 100%.bin"))).toMatch(/^sha256:/);
    expect(await artifacts.digest(uri("modèle ü"))).toMatch(/^tree-sha256:/);
  });

  test("are all refused when no root is configured", async () => {
    const { uri } = await artifactsFolder();
    await expect(createArtifacts({ roots: [] }).digest(uri("m"))).rejects.toThrow(
      /No folder for artifacts is configured/,
    );
  });
});

describe("secrets in a folder", () => {
  const secret = async (folder: string, name: string, content: string, mode = 0o600): Promise<void> =>
    writeFile(join(folder, name), content, { mode });

  test("are read at every use, with the previous value while it is there", async () => {
    const folder = temporaryFolder();
    const secrets = createSecrets(folder);
    await secret(folder, "webhook-secret", "one\n");
    expect(await secrets.get("webhook-secret")).toEqual({ current: "one" });
    await secret(folder, "webhook-secret", "two\n");
    await secret(folder, "webhook-secret.previous", "one\n");
    expect(await secrets.get("webhook-secret")).toEqual({ current: "two", previous: "one" });
    await secret(folder, "webhook-secret.previous", "\n");
    expect(await secrets.get("webhook-secret")).toEqual({ current: "two" });
  });

  test("that are absent or empty are refused with the path to write to", async () => {
    const folder = temporaryFolder();
    await secret(folder, "empty", " \n");
    for (const name of ["absent", "empty"]) {
      await expect(createSecrets(folder).get(name)).rejects.toMatchObject({
        code: "FAILED_PRECONDITION",
        reason: "SECRET_MISSING",
        message: expect.stringContaining(join(folder, name)),
      });
    }
  });

  test("that others can read are refused, without showing them", async () => {
    const folder = temporaryFolder();
    await secret(folder, "token", "hunter2", 0o644);
    const error: unknown = await createSecrets(folder)
      .get("token")
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "FAILED_PRECONDITION", reason: "SECRET_EXPOSED" });
    expect(JSON.stringify(error) + String(error)).not.toContain("hunter2");
  });

  test("have plain names", async () => {
    for (const name of ["../token", "", "a/b", "A"]) {
      await expect(createSecrets("/nowhere").get(name)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        field: "name",
      });
    }
  });
});
