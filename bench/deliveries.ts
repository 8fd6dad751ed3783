// Signed deliveries of about 6 KB, each with content of its own unless asked for the same one.
import { createHmac } from "node:crypto";
import type { LoadRequest } from "./http-load.ts";

/** The secret that measured servers know. */
export const BENCH_SECRET = "a-secret-of-the-bench-and-of-nothing-else";

const PADDING = "x".repeat(5_400);

const commit = (number: number): string => number.toString(16).padStart(40, "0");

/** The delivery with this number: an `opened` pull request, with all that makes the webhook accept it and record its fact. */
export function deliveryRequest(number: number, guid = `bench-${process.pid}-${number}`): LoadRequest {
  const body = Buffer.from(
    JSON.stringify({
      action: "opened",
      number: number + 1,
      pull_request: {
        id: number,
        number: number + 1,
        state: "open",
        title: PADDING,
        merged: false,
        merge_commit_sha: null,
        user: { login: "ada-dev" },
        head: { sha: commit(number), repo: { id: 1 } },
        base: { sha: commit(1), ref: "main" },
      },
      repository: {
        id: 1,
        full_name: "acme/platform",
        default_branch: "main",
        owner: { login: "acme", id: 7 },
      },
      sender: { login: "ada-dev", id: 1 },
      installation: { id: 42 },
    }),
  );
  return {
    method: "POST",
    path: "/webhooks/github",
    headers: {
      "content-type": "application/json",
      "x-github-event": "pull_request",
      "x-github-delivery": guid,
      "x-hub-signature-256": `sha256=${createHmac("sha256", BENCH_SECRET).update(body).digest("hex")}`,
    },
    body,
  };
}
