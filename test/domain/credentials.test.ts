import { describe, expect, test } from "vitest";
import { requireNoCredential, requireOpenUri, shownUrl } from "../../shared/domain/credentials.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";

function refusal(act: () => void): ControlPlaneError | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof ControlPlaneError) return error;
    throw error;
  }
}

describe("a URI that is kept", () => {
  test.each([
    "https://me:hunter22@models.example.com/ranker",
    "https://hunter22@models.example.com/ranker",
    "gs://bucket/object?X-Goog-Algorithm=a&X-Goog-Signature=hunter22",
    "https://bucket.s3.amazonaws.com/o?X-Amz-Signature=hunter22",
    "https://store.example.com/o?sv=1&sig=hunter22",
    "https://store.example.com/o#access_token=hunter22",
    `https://store.example.com/ghp_${"hunter22".repeat(4)}`,
  ])("lets nobody in: %s is refused, and the refusal does not repeat it", (uri) => {
    const error = refusal(() => requireOpenUri(uri, "data.artifact.uri"));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", field: "data.artifact.uri" });
    expect(JSON.stringify([error?.message, error?.metadata])).not.toContain("hunter22");
  });

  test.each([
    "file:///srv/models/me@home/ranker",
    "gs://bucket/a@b/model?generation=17",
    "https://store.example.com/design?signed=no",
  ])("may have signs that only look like credentials: %s", (uri) => {
    expect(refusal(() => requireOpenUri(uri, "uri"))).toBeUndefined();
  });

  test("is shown without its user information", () => {
    expect(shownUrl("http://me:hunter22@ray:8265/x")).toBe("http://ray:8265/x");
    expect(shownUrl("http://ray:8265/@x")).toBe("http://ray:8265/@x");
  });
});

describe("a request that is kept", () => {
  test.each([
    [{ env_vars: { WANDB_API_KEY: "hunter22" } }, "e.env_vars.WANDB_API_KEY"],
    [{ env_vars: { github_token: "hunter22" } }, "e.env_vars.github_token"],
    [{ env_vars: { DB_PASSWORD: "hunter22" } }, "e.env_vars.DB_PASSWORD"],
    [{ pip: ["--extra-index-url", "https://me:hunter22@index.example.com/simple"] }, "e.pip[1]"],
    [`train --token ghp_${"hunter22".repeat(4)}`, "e"],
  ])("holds no credential: %j is refused at %s, without repeating it", (value, field) => {
    const error = refusal(() => requireNoCredential(value, "e"));
    expect(error).toMatchObject({ reason: "CREDENTIAL_IN_REQUEST", field });
    expect(JSON.stringify([error?.message, error?.metadata])).not.toContain("hunter22");
  });

  test("may have ordinary variables, and may say where a credential is", () => {
    const ordinary = {
      env_vars: {
        TOKENIZERS_PARALLELISM: "true",
        MAX_TOKENS: "512",
        KEY_COLUMN: "id",
        API_KEY_FILE: "/run/k",
      },
      pip: ["secret-santa==1.0"],
      DB_PASSWORD: "",
    };
    expect(refusal(() => requireNoCredential(ordinary, "e"))).toBeUndefined();
  });
});
