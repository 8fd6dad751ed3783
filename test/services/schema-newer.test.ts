// Every service on a database that a newer program has written: it says so and does not start, so that nothing of it is misread.
import { expect, test } from "vitest";
import { openLedger } from "../../scripts/compose/open-ledger.ts";
import { openKeys, openStateFolder } from "../../scripts/compose/state-folder.ts";
import { readTopology } from "../../scripts/compose/topology.ts";
import { FIRESTORE_SCHEMA } from "../../shared/adapters/google/firestore-schema.ts";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { temporaryFolder } from "../support/folder.ts";
import { withFirestore } from "../support/google/firestore-fixture.ts";
import { startService } from "../support/service-process.ts";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";

const TIMEOUT_MS = 60_000;

const SERVICES = Object.keys(readTopology()).map((service) => {
  const lacks = service === "provisioner" && TERRAFORM_MISSING;
  return { service, lacks, name: `${lacks ? TERRAFORM_NOTE : ""}the ${service} service` };
});

/** A state folder as a first start leaves it, and what a service is started with on it. */
async function folder() {
  const state = await openStateFolder(temporaryFolder());
  await openKeys(state);
  const environment = {
    SIGNALBOX_STATE: state.root,
    SIGNALBOX_PUSH_TOKEN: "a push token of a test, long enough to be one",
    SIGNALBOX_SUBSCRIBERS: "registry=http://127.0.0.1:9/",
    SIGNALBOX_API_URL: "http://127.0.0.1:9",
    SIGNALBOX_GATEWAY_PORT: "0",
    PORT: "0",
  };
  return { state, environment };
}

withFirestore((fresh, emulator) => {
  for (const { service, lacks, name } of SERVICES)
    test.skipIf(lacks)(
      `${name} does not start on a Firestore database of a newer program, and leaves it as it is`,
      { timeout: TIMEOUT_MS },
      async () => {
        const { store, project } = fresh();
        const schema = store.db.collection("meta").doc("schema");
        await schema.set({ version: FIRESTORE_SCHEMA + 1 });
        const running = startService(service, {
          ...(await folder()).environment,
          SIGNALBOX_WORLD: "google-cloud",
          GOOGLE_CLOUD_PROJECT: project,
          SIGNALBOX_DATABASE: "(default)",
          SIGNALBOX_FACTS_TOPIC: "facts",
          SIGNALBOX_SUBSCRIPTION: "projects/p/subscriptions/s",
          FIRESTORE_EMULATOR_HOST: emulator().host,
          PUBSUB_EMULATOR_HOST: "127.0.0.1:9",
          METADATA_SERVER_DETECTION: "none",
        });
        expect(await running.ended(), running.output()).toBe(1);
        expect(running.output()).toContain(
          `The database was written by a newer program (schema ${FIRESTORE_SCHEMA + 1}, this one knows ${FIRESTORE_SCHEMA}).`,
        );
        expect(running.output()).not.toContain(`"${service} started"`);
        expect((await schema.get()).data()).toMatchObject({ version: FIRESTORE_SCHEMA + 1 });
      },
    );
});

for (const { service, lacks, name } of SERVICES)
  test.skipIf(lacks)(
    `${name} does not start on a state folder of a newer program`,
    { timeout: TIMEOUT_MS },
    async () => {
      const { state, environment } = await folder();
      openLedger(state).db.close();
      const db = openDatabase(state.path("ledger.db"));
      await db.write((sql) => sql.run("UPDATE schema_versions SET version = version + 1"));
      db.close();
      const running = startService(service, environment);
      expect(await running.ended(), running.output()).toBe(1);
      expect(running.output()).toMatch(/was written by a newer Signalbox: its \w+ tables/);
      expect(running.output()).not.toContain(`"${service} started"`);
    },
  );
