import { describe } from "vitest";
import { buildsContract } from "../../contracts/builds.ts";
import { createCloudBuildsWorld } from "../../support/google/cloud-builds.ts";
import { killContainer } from "../../support/google/container.ts";
import { hasTerraform, PLAIN, planned, SLOW, useInstallations } from "../../support/terraform-stacks.ts";
import { until } from "../../support/until.ts";

const install = useInstallations();

describe.skipIf(!hasTerraform)("builds on Cloud Build", { timeout: 120_000 }, () => {
  buildsContract("the Cloud Build adapter", async () => {
    const at = install();
    const { builds, make, fake, object } = await createCloudBuildsWorld(at);
    return {
      builds,
      restarted: () => make(),
      quick: await at.planSpec(PLAIN),
      slow: () => planned(at, SLOW),
      kill: async (id) => {
        await until(
          "what is being changed",
          async () => object(id, "changing.json")?.includes("slow") || undefined,
        );
        const [build] = [...fake.builds.values()];
        if (build?.child?.pid === undefined) throw new Error("The build does not run.");
        killContainer(build.child.pid);
      },
    };
  });
});
