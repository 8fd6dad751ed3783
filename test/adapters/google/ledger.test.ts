// The ledger and the outbox on the official Firestore emulator.
import { createLedger } from "../../../shared/adapters/google/ledger.ts";
import { createOutbox } from "../../../shared/adapters/google/outbox.ts";
import { itBehavesLikeALedger, type LedgerUnderTest } from "../../contracts/ledger.ts";
import { itBehavesLikeAnOutbox } from "../../contracts/outbox.ts";
import { type StoreUnderTest, withFirestore } from "../../support/google/firestore-fixture.ts";

const under = ({ store, reopen }: StoreUnderTest): LedgerUnderTest => ({
  ledger: createLedger(store),
  outbox: createOutbox(store),
  reopen: async () => under(reopen()),
});

withFirestore((fresh) => {
  itBehavesLikeALedger("the Firestore ledger", async () => under(fresh()));
  itBehavesLikeAnOutbox("the Firestore outbox", async () => under(fresh()));
});
