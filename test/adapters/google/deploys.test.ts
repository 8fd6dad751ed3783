import { deploysContract } from "../../contracts/deploys.ts";
import { createCloudDeploysWorld, manifests } from "../../support/google/cloud-deploys.ts";

deploysContract("the Cloud Deploy adapter", async () => {
  const { deploys, cluster, request, dispose } = await createCloudDeploysWorld();
  let made = 0;
  return {
    deploys,
    request: async (kind) => {
      made += 1;
      const asked = request(made, manifests(kind === "never-ready" ? "never-ready" : "serve"));
      const wrong = { ...asked.artifact, digest: `sha256:${"0".repeat(64)}` };
      return kind === "wrong-digest" ? { ...asked, artifact: wrong } : asked;
    },
    starts: async (backend) => cluster.starts(backend),
    kill: async (backend) => cluster.kill(backend),
    dispose,
  };
});
