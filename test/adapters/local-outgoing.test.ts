// Messages to the outside over HTTP.
import type { lookup as systemLookup } from "node:dns";
import { isIP } from "node:net";
import { createOutgoing } from "../../shared/adapters/local/outgoing.ts";
import { itBehavesLikeOutgoing } from "../contracts/outgoing.ts";

itBehavesLikeOutgoing("undici", (names) =>
  createOutgoing({
    resolve: ((
      hostname: string,
      _: unknown,
      callback: (error: null, addresses: readonly { address: string; family: number }[]) => void,
    ) =>
      callback(
        null,
        (names[hostname] ?? []).map((address) => ({ address, family: isIP(address) })),
      )) as typeof systemLookup,
  }),
);
