// Grants in Firestore, so that a person who signed in with one process is known to all.
import { Timestamp } from "@google-cloud/firestore";
import { invalidArgument } from "../../domain/errors.ts";
import type { Grant, Grants } from "../../ports/grants.ts";
import { changeDocument } from "./firestore-change.ts";
import { wellFormed } from "./firestore-documents.ts";
import { FIRESTORE_PAGE_DOCUMENTS_MAX, type Store } from "./firestore.ts";

const KEY = /^[0-9a-f]{64}$/;

const grantOf = ({ kind, principal, expiresMs }: Grant): Grant => ({ kind, principal, expiresMs });

/** Grants that live in this database. What has ended is removed by Firestore's TTL, and is no grant before that either. */
export function createGrants(store: Store): Grants {
  const grants = store.db.collection("grants");
  const place = (key: string) => {
    if (KEY.test(key)) return grants.doc(key);
    throw invalidArgument("key", "A grant is kept under a SHA-256 in hex.");
  };
  return {
    async put(key, grant) {
      const principal = wellFormed(grant.principal, "The principal of a grant");
      const expires = Timestamp.fromMillis(grant.expiresMs);
      const document = place(key);
      await store.commit("Keeping a grant", (writes) =>
        writes.set(document, { ...grantOf(grant), principal, expires }),
      );
    },
    async get(key) {
      const found = (await store.get("Reading a grant", place(key))).data() as Grant | undefined;
      return found === undefined ? undefined : grantOf(found);
    },
    async take(key) {
      // The delete names what was read, so of all who take it one deletes it.
      const found = await changeDocument<Grant>(store, "Taking a grant", place(key), (grant) =>
        grant === undefined ? undefined : "delete",
      );
      return found === undefined ? undefined : grantOf(found);
    },
    async list() {
      const all: { key: string; grant: Grant }[] = [];
      let query = grants.orderBy("__name__").limit(FIRESTORE_PAGE_DOCUMENTS_MAX);
      for (;;) {
        const page = await store.query("Listing the grants", query);
        all.push(...page.map((each) => ({ key: each.id, grant: grantOf(each.data() as Grant) })));
        const last = page.at(-1);
        if (last === undefined || page.length < FIRESTORE_PAGE_DOCUMENTS_MAX) return all;
        query = query.startAfter(last);
      }
    },
  };
}
