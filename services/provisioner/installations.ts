// Which repositories the App may see: what is new is read, what is gone is planned no more.
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { Fact } from "../../shared/domain/fact.ts";
import { mergedChange } from "./merge.ts";
import type { ProvisionerPorts } from "./ports.ts";
import { withdrawPlans } from "./supersede.ts";

/** Reads the configuration of a repository as it stands; nothing is applied for it. */
async function readRepository(ports: ProvisionerPorts, repository: string, cause: string): Promise<void> {
  try {
    const mergeCommit = await ports.access?.defaultCommit(repository);
    if (mergeCommit === undefined) return;
    const of = `${cause}/${repository}`;
    await mergedChange(ports, {
      repository,
      base: undefined,
      mergeCommit,
      pullRequest: undefined,
      cause: of,
    });
  } catch (error) {
    // An empty repository, or one that was taken away again: its first merge is a delivery of its own.
    if (!(error instanceof ControlPlaneError) || error.code !== "NOT_FOUND") throw error;
    ports.log.info({ repository, error }, "A repository of the installation cannot be read.");
  }
}

/** Reacts to `installation` and `installation_repositories`. */
export async function receiveInstallation(
  ports: ProvisionerPorts,
  fact: Fact<"delivery.received">,
): Promise<void> {
  const { installation, action } = fact.data;
  if (installation === undefined) return;
  const { added, removed, account, id } = installation;
  ports.log.info(
    { installation: id, account, action, added, removed },
    "The GitHub App's installation has changed.",
  );
  for (const repository of removed) {
    const reason = `the GitHub App may no longer see ${repository} (${action})`;
    await withdrawPlans(ports, `${repository}#`, { by: fact.subject, reason });
  }
  for (const repository of added) await readRepository(ports, repository, fact.id);
}
