import type { Json } from '../../json.js';
import { type ProviderContext, SubmitError, type SubmitRequest } from '../provider.js';
import type { Call, FalConnection } from './connection.js';
import { operationOf, storeOperation } from './operation.js';
import { submitErrorOf } from './refusal.js';

/** The caller's deadline ends a submit; a slow answer must not be given up, since the job may be there. */
const STALL_MS = 120_000;

/**
 * One POST to the full endpoint id over a connection of its own, never repeated.
 *
 * @returns the operation as it is stored
 * @throws SubmitError
 */
export async function submit(
  connection: FalConnection,
  { model, body, callbackUrl }: SubmitRequest,
  { signal }: ProviderContext,
  submittedAt: number,
): Promise<Json> {
  const call: Call = { signal, fresh: true, stallMs: STALL_MS };
  let reply: unknown;
  try {
    const client = connection.client(call);
    reply = await client.queue.submit(model, {
      input: body,
      ...(callbackUrl === undefined ? {} : { webhookUrl: callbackUrl }),
    });
  } catch (error) {
    throw submitErrorOf(error, model, call.sent ?? false);
  }
  const operation = operationOf(reply, model, submittedAt, connection.hosts);
  if (!operation) throw new SubmitError('unclear', 'fal answered without the id of a job');
  return storeOperation(operation);
}
