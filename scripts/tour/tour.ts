// The tour: the product's journeys, played on the running control plane as its users would play them.
import { declareDataset, processCatalogue } from "./datasets.ts";
import { askLineage, askServingAt } from "./lineage.ts";
import { createPlatform, mergePullRequest, openPullRequest } from "./provisioning.ts";
import { badVersion, firstVersion, goodVersion, rollBack } from "./serving.ts";
import type { Stage } from "./stage.ts";

/** Plays all chapters. Throws a TourError at the first step that does not do what it says. */
export async function playTour(stage: Stage): Promise<void> {
  const { narrator } = stage;

  narrator.chapter("1 · A pull request becomes a plan");
  const clone = await createPlatform(stage);
  const opened = await openPullRequest(stage, clone);

  narrator.chapter("2 · The merge applies exactly that plan");
  await mergePullRequest(stage, clone, opened);

  narrator.chapter("3 · Two versions of a model: the second is rolled out on evidence");
  narrator.say(
    "The example's policy is quicker than the default (5 s and 40 requests a step instead of 60 s and 200).",
  );
  const commit = await clone.git("rev-parse", "HEAD");
  const dataset =
    stage.ray === undefined ? await declareDataset(stage) : await processCatalogue(stage, commit);
  const traffic = await firstVersion(stage);
  try {
    await goodVersion(stage, traffic, {
      trainingRun: "teams/default/runs/train-ranker-2",
      datasets: [dataset],
      commit,
    });

    narrator.chapter("4 · The third answers one request in ten with an error");
    await badVersion(stage, traffic);

    narrator.chapter("5 · What trained the version that serves now?");
    await askLineage(stage, "2", dataset);

    narrator.chapter("6 · One call takes version 2 back");
    const { before } = await rollBack(stage, traffic);
    await askLineage(stage, "1", undefined);
    await askServingAt(stage, before);
    narrator.say("The endpoint is held: nothing rolls out until someone has looked.");
    narrator.detail("npx signalbox --as grace resume ranker --reason 'looked at it'");
  } finally {
    await traffic.stop();
  }
}
