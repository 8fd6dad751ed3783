// Collections of the read models that this service keeps.

/** Endpoints by name. */
export const ENDPOINTS = "endpoints";
/** Rollouts by name. */
export const ROLLOUTS = "rollouts";
/** What served when, by `{endpoint}@{epoch, 10 digits}`. */
export const SERVING_INTERVALS = "servingIntervals";
