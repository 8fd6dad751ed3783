// Which addresses a message to the outside may go to. A name is judged by the addresses that it leads to, at the moment of connecting.
import { lookup as systemLookup, type LookupAddress, type LookupOptions } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { ControlPlaneError } from "../../domain/errors.ts";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Networks that are not the public Internet (iana.org: special-purpose address registries), loopback apart. */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const)
  PRIVATE.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of [
  ["::", 96], // unspecified, and IPv4 in the oldest notation
  ["64:ff9b::", 96], // translated to IPv4
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 23], // protocol assignments, Teredo among them
  ["2001:db8::", 32],
  ["2002::", 16], // 6to4 holds any IPv4 address
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const)
  PRIVATE.addSubnet(network, prefix, "ipv6");

const family = (address: string): "ipv4" | "ipv6" => (isIP(address) === 6 ? "ipv6" : "ipv4");

/** Whether the host of a URL says itself, in plain words, that it is this machine. */
export const namesLoopback = (hostname: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);

/** What the one who asks allows. */
export interface AddressRule {
  readonly allowPrivateNetwork: boolean;
  /** The host says itself that it is loopback: then it must be, and only it may be. */
  readonly loopback: boolean;
}

function isAllowed(address: string, { allowPrivateNetwork, loopback }: AddressRule): boolean {
  if (isIP(address) === 0) return false;
  const here = LOOPBACK.check(address, family(address));
  if (loopback || here) return loopback && here;
  return allowPrivateNetwork || !PRIVATE.check(address, family(address));
}

/** PERMISSION_DENIED unless the address may be connected to. */
export function requireAddress(host: string, address: string, rule: AddressRule): void {
  if (isAllowed(address, rule)) return;
  throw new ControlPlaneError(
    "PERMISSION_DENIED",
    `${host} leads to ${address}, which is not on the public Internet: set "allowPrivateNetwork": true if that is meant; this machine itself is named 127.0.0.1.`,
    { reason: "ADDRESS_REFUSED", metadata: { host, address } },
  );
}

/** Resolves names as the system does, and refuses a name of which any address is not allowed. */
export function guardedLookup(
  rule: AddressRule,
  resolve: typeof systemLookup = systemLookup,
): LookupFunction {
  return (hostname: string, options: LookupOptions, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found: readonly LookupAddress[]) => {
      if (error !== null) return callback(error, "", 0);
      try {
        for (const { address } of found) requireAddress(hostname, address, rule);
      } catch (refused) {
        return callback(refused as NodeJS.ErrnoException, "", 0);
      }
      const [first] = found;
      if (options.all === true) return callback(null, [...found]);
      return callback(null, first?.address ?? "", first?.family ?? 0);
    });
  };
}
