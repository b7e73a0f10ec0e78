import { PROTOCOL_VERSION_META_KEY, SERVER_INFO_META_KEY } from '@modelcontextprotocol/server';
import { isRecord } from '../json.js';
import { LIST_CACHE_HINT, type ServerDeps, registryOf, serverInfo } from '../server.js';
import type { ToolSource } from './registry.js';

/**
 * The same answers as a server object gives, for requests of 2026-07-28 that need nothing of what such an object is
 * for: no stream, no question to the user, no task. Over HTTP there would be one for every request, and making it
 * takes most of the time of a short answer.
 */

export const DIRECT_REVISION = '2026-07-28';

export type DirectRequest = {
  /** Of what the request says of itself; the protocol entry must have taken it once. */
  envelope: string;
  id: string | number;
} & ({ method: 'tools/list' } | { method: 'tools/call'; name: string; args: unknown });

const REQUEST_KEYS = new Set(['jsonrpc', 'id', 'method', 'params']);
const CALL_KEYS = new Set(['name', 'arguments', '_meta']);
const LIST_KEYS = new Set(['_meta']);
const META_PREFIX = 'io.modelcontextprotocol/';
/** Whatever else may be said asks for more than a plain answer. */
const META_KEYS = new Set(
  ['protocolVersion', 'clientInfo', 'clientCapabilities'].map((key) => META_PREFIX + key),
);
const MAX_ENVELOPE = 4_000;

/** A body that can be answered directly, or `undefined`: then it is the protocol entry's, also to refuse. */
export function directRequest(body: unknown): DirectRequest | undefined {
  if (!isRecord(body) || !hasOnly(body, REQUEST_KEYS) || body['jsonrpc'] !== '2.0') return undefined;
  const { id, method, params } = body;
  if (typeof id !== 'string' && !isSafeInteger(id)) return undefined;
  if (!isRecord(params)) return undefined;
  const envelope = envelopeOf(params['_meta']);
  if (envelope === undefined) return undefined;
  if (method === 'tools/list') return hasOnly(params, LIST_KEYS) ? { envelope, id, method } : undefined;
  const { name, arguments: args } = params;
  if (method !== 'tools/call' || !hasOnly(params, CALL_KEYS)) return undefined;
  if (typeof name !== 'string') return undefined;
  // The protocol entry drops an argument of this name.
  if (args !== undefined && (!isRecord(args) || Object.hasOwn(args, '__proto__'))) return undefined;
  return { envelope, id, method, name, args };
}

/**
 * The JSON text of the result; `undefined` when a server object has to answer.
 */
export async function directResult(deps: ServerDeps, request: DirectRequest): Promise<string | undefined> {
  const { tools } = registryOf(deps);
  if (request.method === 'tools/list') return listText(tools);
  const { name, args } = request;
  if (!tools.quick.has(name) || !tools.lists.list.tools.some((tool) => tool.name === name)) return undefined;
  const result = await tools.direct?.(name, args);
  return result && JSON.stringify(complete(result));
}

const listTexts = new WeakMap<object, string>();

function listText({ lists: { list } }: ToolSource): string {
  const known = listTexts.get(list);
  if (known !== undefined) return known;
  const text = JSON.stringify(complete({ ...list, ...LIST_CACHE_HINT }));
  listTexts.set(list, text);
  return text;
}

function complete(result: object): object {
  return { ...result, resultType: 'complete', _meta: { [SERVER_INFO_META_KEY]: serverInfo() } };
}

/** What a request says of its client and the protocol, as text; its trace is another one each time. */
function envelopeOf(meta: unknown): string | undefined {
  if (!isRecord(meta) || meta[PROTOCOL_VERSION_META_KEY] !== DIRECT_REVISION) return undefined;
  const { traceparent, tracestate, baggage, ...said } = meta;
  if (!hasOnly(said, META_KEYS) || ![traceparent, tracestate, baggage].every(isOptionalText))
    return undefined;
  const text = JSON.stringify(said);
  return text.length <= MAX_ENVELOPE ? text : undefined;
}

function hasOnly(value: object, keys: ReadonlySet<string>): boolean {
  return Object.keys(value).every((key) => keys.has(key));
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function isSafeInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
