// One Firestore emulator per test file, a project of its own per test.
import { afterAll, beforeAll, describe, onTestFinished } from "vitest";
import { openStore, type Store } from "../../../shared/adapters/google/firestore.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { type Emulator, emulatorJar, emulatorMissing, startEmulator } from "./emulators.ts";
import { firestoreAnswers, FIRST_ANSWER_MS } from "./first-answer.ts";

let projects = 0;

/** Opens the same project again, as another process would. */
export interface StoreUnderTest {
  readonly store: Store;
  readonly project: string;
  readonly reopen: () => StoreUnderTest;
}

/** A fresh project of a running emulator. */
export type FreshStore = () => StoreUnderTest;

function openIn(host: string, project: string): StoreUnderTest {
  const store = openStore({ project, emulator: host }, systemClock);
  onTestFinished(() => store.close());
  return { store, project, reopen: () => openIn(host, project) };
}

/** Runs the tests against the emulator, or skips them and says what is missing. */
export function withFirestore(body: (fresh: FreshStore, emulator: () => Emulator) => void): void {
  if (emulatorJar("firestore") === undefined) {
    describe.skip(`SKIPPED: ${emulatorMissing("firestore")}`, () =>
      body(
        () => openIn("127.0.0.1:1", "none"),
        () => {
          throw new Error("skipped");
        },
      ));
    return;
  }
  let running: Emulator | undefined;
  beforeAll(async () => {
    running = await startEmulator("firestore");
    await firestoreAnswers(running.host);
  }, FIRST_ANSWER_MS);
  afterAll(() => running?.stop());
  const emulator = (): Emulator => {
    if (running === undefined) throw new Error("the emulator has not started");
    return running;
  };
  body(() => openIn(emulator().host, `test-${process.pid}-${++projects}`), emulator);
}
