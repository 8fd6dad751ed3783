// Signed deliveries of about 6 KB, each with content of its own unless asked for the same one.
import { createHmac } from "node:crypto";
import type { LoadRequest } from "./http-load.ts";

/** The secret that measured servers know. */
export const BENCH_SECRET = "a-secret-of-the-bench-and-of-nothing-else";

const PADDING = "x".repeat(5_400);

/** The delivery with this number: a `pull_request` that no repository of the installation sent. */
export function deliveryRequest(number: number, guid = `bench-${process.pid}-${number}`): LoadRequest {
  const body = Buffer.from(
    JSON.stringify({
      action: "labeled",
      number,
      pull_request: { id: number, number, state: "open", title: PADDING },
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
