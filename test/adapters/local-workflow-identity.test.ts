import { decodeJwt } from "jose";
import { createWorkflowIdentity } from "../../shared/adapters/local/workflow-identity.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createIssuer, makeIssuerKey } from "../../shared/runtime/tokens.ts";
import { itBehavesLikeAWorkflowIdentity } from "../contracts/workflow-identity.ts";

itBehavesLikeAWorkflowIdentity("the identity of this machine", async ({ tokens }) => {
  const key = await makeIssuerKey();
  const { mint } = createIssuer({
    privateKeyJwk: key,
    issuer: "https://issuer.test",
    clock,
  });
  return {
    identity: createWorkflowIdentity({ mint, accessToken: () => (tokens ? "ya29.test" : undefined) }),
    remedy: /SIGNALBOX_ACCESS_TOKEN/,
    audienceOf: (token) => String(decodeJwt(token).aud),
  };
});
