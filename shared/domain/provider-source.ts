// Provider source addresses (https://developer.hashicorp.com/terraform/language/providers/requirements#source-addresses).

/** The provider that is part of Terraform itself; `terraform_data` is its only managed resource. */
export const BUILT_IN_PROVIDER = "terraform.io/builtin/terraform";

const PART = /^[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?$/;
const HOST = /^[a-z0-9][-.a-z0-9]*(?::[0-9]{1,5})?$/;

/** `google` or `hashicorp/google` in full, lower case; undefined when it is not an address. */
export function providerAddress(source: string): string | undefined {
  const parts = source.toLowerCase().split("/");
  const [type = "", namespace = "hashicorp", host = "registry.terraform.io"] = parts.toReversed();
  if (parts.length > 3 || !PART.test(type) || !PART.test(namespace) || !HOST.test(host)) return undefined;
  return `${host}/${namespace}/${type}`;
}

/** The address of a provider's local name in a module that does not declare it. */
export function impliedProvider(localName: string): string {
  return localName === "terraform" ? BUILT_IN_PROVIDER : (providerAddress(localName) ?? localName);
}

/** The local name that a resource type implies: what stands before its first underscore. */
export function localNameOf(resourceType: string): string {
  return resourceType.split("_", 1)[0] ?? resourceType;
}
