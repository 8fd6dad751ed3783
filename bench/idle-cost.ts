// What an installation costs while nothing happens, item by item, from Terraform's own plans on a mocked provider.
//   TF_CLI_CONFIG_FILE=… node scripts/launch.mjs bench/idle-cost.ts
import { join } from "node:path";
import { idleCosts, totalOf } from "./idle-prices.ts";
import {
  copyOfTerraform,
  PROVIDER_MISSING,
  type PlannedResource,
  readTestReport,
  terraform,
} from "../test/support/terraform-roots.ts";

const usd = (value: number): string => `$${value.toFixed(2)}`;

function print(title: string, resources: readonly PlannedResource[]): void {
  const costs = idleCosts(resources);
  const total = totalOf(costs);
  const rows = costs.map(
    ({ item, count, usd: list, usdAfterFree, price }) =>
      `| ${item} | ${Math.round(count)} | ${usd(list)} | ${usd(usdAfterFree)} | ${price} |`,
  );
  process.stdout.write(
    [
      `\n## ${title}: ${resources.length} resources\n`,
      "| item | count | a month at list price | after what is free | price |",
      "|---|---|---|---|---|",
      ...rows,
      `| **all** | | **${usd(total.usd)}** | **${usd(total.usdAfterFree)}** | |`,
      "",
    ].join("\n"),
  );
}

if (PROVIDER_MISSING !== "") {
  process.stderr.write(`${PROVIDER_MISSING}.\n`);
  process.exitCode = 1;
} else {
  const { folder, remove } = copyOfTerraform();
  try {
    for (const [root, file, runs] of [
      [
        "control-plane",
        "tests/options.tftest.hcl",
        { smallest: "optional parts off", everything: "everything on" },
      ],
      ["platform", "tests/platform.tftest.hcl", { protected_in_prod: "the cluster" }],
    ] as const) {
      await terraform(join(folder, root), "init", "-backend=false");
      const words = ["test", "-json", "-verbose", `-filter=${file}`];
      const { plans } = readTestReport((await terraform(join(folder, root), ...words)).stdout);
      for (const [run, title] of Object.entries(runs)) print(`${root}, ${title}`, plans[run] ?? []);
    }
  } finally {
    remove();
  }
}
