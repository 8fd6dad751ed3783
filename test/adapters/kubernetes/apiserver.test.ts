import { describe, expect, it } from "vitest";
import { Agent, request } from "undici";
import {
  KUBERNETES_MISSING,
  KUBERNETES_NOTE,
  KUBERNETES_START_MS,
  sharedApiServer,
} from "../../support/kubernetes/found.ts";

describe.skipIf(KUBERNETES_MISSING)(`${KUBERNETES_NOTE}the API server of the tests`, () => {
  it(
    "is a real one that serves routes, jobs of Ray and queues, and proves who it is",
    { timeout: KUBERNETES_START_MS },
    async () => {
      const { url, ca, tokens } = await sharedApiServer();
      const dispatcher = new Agent({ connect: { ca } });
      const get = async (path: string) => {
        const headers = { authorization: `Bearer ${tokens.admin}` };
        const answer = await request(new URL(path, url), { dispatcher, headers });
        return (await answer.body.json()) as Record<string, unknown>;
      };
      expect(await get("/version")).toMatchObject({ major: "1" });
      for (const path of ["gateway.networking.k8s.io/v1/httproutes", "ray.io/v1/rayjobs"])
        expect(await get(`/apis/${path}`)).toMatchObject({ items: expect.any(Array) });
      await dispatcher.close();
    },
  );
});
