import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import ipaddr from 'ipaddr.js';
import { MeshwrightError } from '../errors.js';

/**
 * Which IP addresses a URL from outside may lead to, and a name lookup that enforces it. The lookup runs inside
 * the connection: the address that was checked is the address that is dialled, so a name whose answer changes
 * between two questions (DNS rebinding) gains nothing.
 */

export interface ResolvedAddress {
  address: string;
  family: number;
}

/** Answers every address of a name. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** The system's resolver, hosts file included. */
export const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true });

/** All public IPv6 space there is (IANA). It leaves out `::127.0.0.1`, which the library takes for unicast. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/** Public by number, but on every Azure machine it is the platform's own service, with secrets behind it. */
const AZURE_PLATFORM = '168.63.129.16';

/** Where clouds keep the keys of a machine for whoever asks from it, besides link-local addresses. */
const METADATA: ReadonlySet<string> = new Set([
  AZURE_PLATFORM,
  '100.100.100.200',
  '192.0.0.192',
  'fd00:ec2::254',
]);
const METADATA_NAMES = /^(metadata|instance-data|metadata\.google\.internal|metadata\.goog)\.?$/i;

const WORDS: Readonly<Record<string, string>> = {
  unspecified: 'an unspecified address',
  broadcast: 'a broadcast address',
  multicast: 'a multicast address',
  linkLocal: 'a link-local address',
  loopback: 'a loopback address',
  carrierGradeNat: 'a carrier network address',
  private: 'a private address',
  uniqueLocal: 'a private address',
  ipv4Mapped: 'an IPv4 address inside an IPv6 address',
  rfc6052: 'an IPv4 address inside an IPv6 address',
  rfc6145: 'an IPv4 address inside an IPv6 address',
  '6to4': 'an IPv4 address inside an IPv6 address',
  teredo: 'an IPv4 address inside an IPv6 address',
};

/**
 * What is wrong with an IP address as a target, in words that follow "is"; undefined when it is public.
 *
 * @param address IPv4 or IPv6 without brackets
 */
export function whyNotPublic(address: string): string | undefined {
  if (isIP(address) === 0) return 'not an IP address';
  const ip = ipaddr.parse(address);
  const range = ip.range();
  if (range !== 'unicast') return WORDS[range] ?? 'a reserved address';
  if (ip instanceof ipaddr.IPv6) return ip.match(GLOBAL_UNICAST) ? undefined : 'a reserved address';
  return ip.toString() === AZURE_PLATFORM ? 'a cloud platform address' : undefined;
}

/** Whether an address is of the machine or its cloud alone: no caller is told how to have it opened. */
function isMachines(address: string): boolean {
  if (isIP(address) === 0) return false;
  const ip = ipaddr.process(translated(address));
  return ip.range() === 'linkLocal' || METADATA.has(ip.toString());
}

/** The IP address that a URL's host is, without brackets; undefined when the host is a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname;
  return isIP(bare) === 0 ? undefined : bare;
}

/** On networks without IPv4 the resolver writes an IPv4 address into an IPv6 one (DNS64, RFC 6052): what counts is inside. */
function translated(address: string): string {
  if (isIP(address) !== 6) return address;
  const ip = ipaddr.parse(address);
  return ip.range() === 'rfc6052' ? ipaddr.fromByteArray(ip.toByteArray().slice(-4)).toString() : address;
}

/**
 * All addresses of a name; one that is not public refuses the whole name.
 *
 * @throws MeshwrightError `url_refused`; whatever `resolve` throws
 */
export async function resolvePublic(hostname: string, resolve: Resolve): Promise<readonly ResolvedAddress[]> {
  const addresses = await resolve(hostname);
  for (const { address } of addresses) {
    const reason = whyNotPublic(translated(address));
    // The address itself stays out of the sentence: it would tell a stranger how the inner network is laid out.
    if (reason) {
      const entry = isMachines(address) ? undefined : hostname;
      throw refusedHost(hostname, `the name leads to ${reason}`, entry, new PassingRefusal(reason));
    }
  }
  return addresses;
}

/** A name in the DNS has no more characters (RFC 1035). */
const MAX_SHOWN_HOST = 253;

/** A host was refused for what its name or a redirect leads to at present; it may lead elsewhere tomorrow. */
export class PassingRefusal extends Error {
  override readonly name = 'PassingRefusal';
}

/**
 * The refusal of a host, with the way out for an operator who means it.
 *
 * @param entry - what to allow, `host[:port]`; absent where nobody should
 */
export function refusedHost(
  hostname: string,
  reason: string,
  entry: string | undefined,
  cause?: PassingRefusal,
): MeshwrightError {
  const hidden = METADATA_NAMES.test(hostname) || isMachines(literalAddress(hostname) ?? '');
  const wayOut =
    hidden || entry === undefined || entry.length > MAX_SHOWN_HOST
      ? ''
      : `; if this host is meant to be used, add ${entry} to MESHWRIGHT_ALLOW_HOSTS`;
  const shown = hostname.length > MAX_SHOWN_HOST ? `${hostname.slice(0, MAX_SHOWN_HOST)}…` : hostname;
  return new MeshwrightError(
    'url_refused',
    `Nothing is fetched from ${shown}: ${reason}. Give a public https URL${wayOut}.`,
    { cause },
  );
}

/** A lookup for `net.connect` and `tls.connect` that dials nothing but what `resolve` answered. */
export function lookupWith(resolve: Resolve): LookupFunction {
  const ask = callbackify(resolve);
  return (hostname, options, callback) => {
    ask(hostname, (error, addresses) => {
      const first = addresses?.[0];
      if (error) callback(error, '');
      else if (!first) callback(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '');
      else if (options.all) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
  };
}
