// How long Firestore itself may work on a commit: what the client puts on the wire, and not only how long we wait.
import { Server, ServerCredentials, type ServerUnaryCall } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { FIRESTORE_CALL_TIMEOUT_MS, openStore } from "../../../shared/adapters/google/firestore.ts";
import { COMMIT_TAKES_MS_MAX } from "../../../shared/adapters/google/ledger-list.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";

/** Serves `Commit` alone, with an empty answer; tells how many milliseconds each call had. */
async function committing() {
  const had: number[] = [];
  const bytes = (value: Buffer): Buffer => value;
  const server = new Server();
  const commit = (
    call: ServerUnaryCall<Buffer, Buffer>,
    reply: (error: null, value: Buffer) => void,
  ): void => {
    had.push(Number(call.getDeadline()) - Date.now());
    reply(null, Buffer.alloc(0));
  };
  server.addService(
    {
      Commit: {
        path: "/google.firestore.v1.Firestore/Commit",
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    },
    { Commit: commit },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  onTestFinished(() => server.forceShutdown());
  return { host: `127.0.0.1:${port}`, had };
}

test("a commit carries our deadline, so that none is made longer after its request than a listing allows for", async () => {
  const { host, had } = await committing();
  const store = openStore({ project: "p", emulator: host }, systemClock);
  onTestFinished(() => store.close());
  await store.commit("Committing", (writes) => writes.set(store.db.doc("a/b"), { c: 1 }));
  expect(had).toHaveLength(1);
  expect(had[0]).toBeGreaterThan(0);
  expect(had[0]).toBeLessThanOrEqual(FIRESTORE_CALL_TIMEOUT_MS);
  expect(FIRESTORE_CALL_TIMEOUT_MS).toBeLessThan(COMMIT_TAKES_MS_MAX);
});
