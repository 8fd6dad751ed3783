// The traffic double of virtual time keeps the same law as the real document.
import { trafficContract } from "../contracts/traffic.ts";
import { createMemoryTraffic } from "../support/memory-traffic.ts";

trafficContract("the traffic double of virtual time", async () => createMemoryTraffic());
