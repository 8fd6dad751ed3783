// What the facts of deliveries mean for the documents that people read.
import type { Projection } from "../../shared/runtime/project.ts";

/** Deliveries that asked for work, one document each. */
export const deliveriesProjection: Projection = {
  name: "deliveries",
  types: ["delivery.received"],
  apply: async (fact) => {
    if (fact.type !== "delivery.received") return [];
    const document = { name: fact.subject, ...fact.data, createTime: fact.time, updateTime: fact.time };
    return [{ collection: "deliveries", key: fact.subject, document }];
  },
};
