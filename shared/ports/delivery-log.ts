/** One attempt of the code host to deliver, as its log has it. */
export interface LoggedDelivery {
  /** Of this attempt. */
  readonly id: string;
  /** Of the event: the same for every attempt. */
  readonly guid: string;
  readonly event: string;
  /** RFC 3339. */
  readonly deliveredAt: string;
}

/**
 * What the code host says it has delivered. Law: `since` lists every attempt from then on, in no order; `redeliver` asks for another
 * attempt of the same event, which arrives like any delivery; asking twice is harmless.
 */
export interface DeliveryLog {
  since(time: Date): Promise<readonly LoggedDelivery[]>;
  redeliver(id: string): Promise<void>;
}
