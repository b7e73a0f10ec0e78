import type { Json, JsonObject } from '../../json.js';
import { isRecord } from '../../json.js';
import type { FalHosts } from './hosts.js';

/** What is stored of a submitted job: enough for any process to ask for it, look at it and cancel it. */
export interface FalOperation {
  requestId: string;
  /** The full endpoint id that it was submitted to. */
  endpoint: string;
  /** As fal returned them, those that were on fal's own host. */
  statusUrl: string | undefined;
  responseUrl: string | undefined;
  cancelUrl: string | undefined;
  /** Milliseconds since 1970. */
  submittedAt: number;
}

/** Ids become parts of a path. */
const SAFE_ID = /^[\w.-]{1,200}$/;

/**
 * The operation that a submit's reply speaks of, URLs of other hosts left out; undefined when it names no request.
 * Only `request_id` is required of the reply (fal's OpenAPI).
 */
export function operationOf(
  reply: unknown,
  endpoint: string,
  submittedAt: number,
  hosts: FalHosts,
): FalOperation | undefined {
  const requestId = isRecord(reply) ? reply['request_id'] : undefined;
  if (!isRecord(reply) || typeof requestId !== 'string' || !SAFE_ID.test(requestId)) return undefined;
  const checked = (value: unknown): string | undefined =>
    typeof value === 'string' && hosts.queueUrl(value, requestId) ? value : undefined;
  return {
    requestId,
    endpoint,
    statusUrl: checked(reply['status_url']),
    responseUrl: checked(reply['response_url']),
    cancelUrl: checked(reply['cancel_url']),
    submittedAt,
  };
}

export function storeOperation(operation: FalOperation): JsonObject {
  const { requestId, endpoint, statusUrl, responseUrl, cancelUrl, submittedAt } = operation;
  return {
    request_id: requestId,
    endpoint,
    ...(statusUrl === undefined ? {} : { status_url: statusUrl }),
    ...(responseUrl === undefined ? {} : { response_url: responseUrl }),
    ...(cancelUrl === undefined ? {} : { cancel_url: cancelUrl }),
    submitted_at: submittedAt,
  };
}

export function readOperation(stored: Json): FalOperation {
  const text = (name: string): string | undefined => {
    const value = isRecord(stored) ? stored[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const requestId = text('request_id');
  const endpoint = text('endpoint');
  if (!isRecord(stored) || requestId === undefined || endpoint === undefined || !SAFE_ID.test(requestId)) {
    throw new Error('not an operation of fal');
  }
  const { submitted_at: submittedAt } = stored;
  return {
    requestId,
    endpoint,
    statusUrl: text('status_url'),
    responseUrl: text('response_url'),
    cancelUrl: text('cancel_url'),
    submittedAt: typeof submittedAt === 'number' ? submittedAt : Date.now(),
  };
}

export type Read = 'status' | 'result' | 'cancel';

/**
 * Where to ask, best first: the URL that fal returned, then `owner/alias` as the client builds it, then the whole
 * endpoint id as fal's OpenAPI prints it. Which of the built ones is served was not the same at all times.
 */
export function addressesOf(operation: FalOperation, read: Read, hosts: FalHosts): URL[] {
  const { requestId, endpoint } = operation;
  const returned = {
    status: operation.statusUrl,
    result: operation.responseUrl,
    cancel: operation.cancelUrl,
  };
  const first = hosts.queueUrl(returned[read], requestId);
  const parts = endpoint.split('/');
  const owner = parts[0] === 'workflows' || parts[0] === 'comfy' ? 3 : 2;
  const end = read === 'result' ? '' : `/${read}`;
  const paths = [parts.slice(0, owner).join('/'), endpoint].map(
    (app) => `/${app}/requests/${requestId}${end}`,
  );
  if (read === 'result') paths.push(`${paths[0]}/response`);
  const all = [...(first ? [first] : []), ...paths.map((path) => hosts.queuePath(path))];
  return all.filter((url, index) => all.findIndex(({ href }) => href === url.href) === index);
}
