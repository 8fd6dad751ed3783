// The law of the workflow identity port, tried on every adapter.
import { describe, expect, test } from "vitest";
import type { WorkflowIdentity } from "../../shared/ports/workflow-identity.ts";

/** What a suite needs to know of an identity. */
export interface IdentityUnderTest {
  readonly identity: WorkflowIdentity;
  /** The audience that an identity token names. */
  readonly audienceOf: (token: string) => string;
  /** What the person whose workflow asked is told to do where there are no access tokens. */
  readonly remedy: RegExp;
}

/** Tries the whole law; `create` is told whether the world has tokens. */
export function itBehavesLikeAWorkflowIdentity(
  name: string,
  create: (has: { readonly tokens: boolean }) => Promise<IdentityUnderTest>,
): void {
  describe(`${name} vouches for workflows`, () => {
    test("an identity token is for the audience that was asked for", async () => {
      const { identity, audienceOf } = await create({ tokens: true });
      for (const audience of ["https://one.example.com", "client-7.apps.example.com"])
        expect(audienceOf(await identity.identityToken(audience))).toBe(audience);
    });

    test("an access token is given where there is one", async () => {
      const { identity } = await create({ tokens: true });
      expect(await identity.accessToken(["https://www.googleapis.com/auth/cloud-platform"])).not.toBe("");
    });

    test("a world without access tokens says what to do about it", async () => {
      const { identity, remedy } = await create({ tokens: false });
      await expect(identity.accessToken([])).rejects.toThrow(remedy);
    });
  });
}
