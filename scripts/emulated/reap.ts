// Ends what services on a state folder have left behind: `node reap.ts FOLDER`, for a program that ends at once.
import { endLeftovers } from "../compose/leftovers.ts";

await endLeftovers(process.argv[2] ?? "");
