import { isRecord, type Json, type JsonObject } from '../../json.js';
import { below, idOf } from '../json-api.js';

/** A job that Pixazo accepted, as it is stored. */
export interface PixazoOperation {
  requestId: string;
  model: string;
  /** Where Pixazo wants to be asked; only ever an address of Pixazo itself. */
  pollingUrl: string | undefined;
  /** Milliseconds since 1970. */
  submittedAt: number;
  /** Who published the image for Pixazo, when somebody had to. */
  hostedBy: string | undefined;
}

/** The operation that a submit's reply speaks of; undefined when it names no request. */
export function operationOf(
  reply: unknown,
  model: string,
  submittedAt: number,
  base: string,
  hostedBy: string | undefined,
): PixazoOperation | undefined {
  if (!isRecord(reply)) return undefined;
  const requestId = idOf(reply['request_id']) ?? idOf(reply['task_id']);
  if (requestId === undefined) return undefined;
  return { requestId, model, pollingUrl: ownUrl(reply['polling_url'], base), submittedAt, hostedBy };
}

/**
 * The text as a URL that may be called with the key: below the configured base URL. Undefined for any other, since whoever writes the reply could otherwise have the key sent to himself.
 */
function ownUrl(text: unknown, base: string): string | undefined {
  if (typeof text !== 'string' || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const { origin, pathname } = new URL(base);
  const own = url.origin === origin && url.pathname.startsWith(`${pathname.replace(/\/$/, '')}/`);
  return own && !url.username && !url.password ? url.href : undefined;
}

export function storeOperation(operation: PixazoOperation): JsonObject {
  const { requestId, model, pollingUrl, submittedAt, hostedBy } = operation;
  return {
    request_id: requestId,
    model,
    ...(pollingUrl === undefined ? {} : { polling_url: pollingUrl }),
    submitted_at: submittedAt,
    ...(hostedBy === undefined ? {} : { hosted_by: hostedBy }),
  };
}

/** @param base checked again: the configuration may have changed since */
export function readOperation(stored: Json, base: string): PixazoOperation {
  const requestId = isRecord(stored) ? idOf(stored['request_id']) : undefined;
  const model = isRecord(stored) ? idOf(stored['model']) : undefined;
  if (!isRecord(stored) || requestId === undefined || model === undefined) {
    throw new Error('not an operation of Pixazo');
  }
  const { submitted_at: submittedAt, hosted_by: hostedBy } = stored;
  return {
    requestId,
    model,
    pollingUrl: ownUrl(stored['polling_url'], base),
    submittedAt: typeof submittedAt === 'number' ? submittedAt : Date.now(),
    hostedBy: typeof hostedBy === 'string' ? hostedBy : undefined,
  };
}

/** Where to ask, best first: as Pixazo said, as its pages for all models say, and as its page for this one does. */
export function addressesOf(
  { requestId, model, pollingUrl }: PixazoOperation,
  base: string,
): readonly [URL, ...URL[]] {
  const universal = below(base, `/v2/requests/status/${requestId}`);
  const own = below(base, `/${model}/v1/result/${requestId}`);
  if (pollingUrl === undefined || pollingUrl === universal.href) return [universal, own];
  return [new URL(pollingUrl), universal, own];
}
