// Probot with a handler that does nothing: verification and parsing, no deduplication, nothing durable.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createNodeMiddleware, createProbot } from "probot";

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "pkcs1", format: "pem" },
});
const overrides = { appId: 1, privateKey, secret: process.env.WEBHOOK_SECRET, logLevel: "fatal" };
const middleware = await createNodeMiddleware(
  (app) => {
    app.on("pull_request", async () => {});
  },
  {
    probot: createProbot({ overrides }),
    webhooksPath: "/webhooks/github",
  },
);
const server = createServer((request, response) => void middleware(request, response));
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` }));
});
