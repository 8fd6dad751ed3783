// How people are told: the channel that notifications.json names, and the way out.
import { createOutgoing } from "../../shared/adapters/local/outgoing.ts";
import { createChannelReader } from "../../shared/runtime/notification-channel.ts";
import type { StateFolder } from "./state-folder.ts";

/** The ports of telling people; nothing is sent yet. */
export const openNotifying = (state: Pick<StateFolder, "path">) => ({
  outgoing: createOutgoing(),
  readNotificationChannel: createChannelReader(state.path("notifications.json")),
});
