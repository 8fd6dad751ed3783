// The yardstick: fastify and one HMAC, nothing parsed, nothing kept.
import { createHmac, timingSafeEqual } from "node:crypto";
import fastify from "fastify";

const secret = process.env.WEBHOOK_SECRET;
const app = fastify();
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
app.post("/webhooks/github", async (request, reply) => {
  const wanted = Buffer.from(`sha256=${createHmac("sha256", secret).update(request.body).digest("hex")}`);
  const given = Buffer.from(String(request.headers["x-hub-signature-256"]));
  const same = wanted.length === given.length && timingSafeEqual(wanted, given);
  return reply.code(same ? 202 : 401).send({ ok: same });
});
console.log(JSON.stringify({ url: await app.listen({ host: "127.0.0.1", port: 0 }) }));
