import { MeshwrightError, messageOf } from '../../errors.js';
import { isRecord } from '../../json.js';
import type { CancelOutcome, ProviderContext } from '../provider.js';
import { CallError, type Reply } from '../call-error.js';
import type { Clock } from '../clock.js';
import type { Call, FalConnection } from './connection.js';
import { addressesOf, type FalOperation } from './operation.js';
import { lookOnce } from './result.js';
import { backoffMs } from '../schedule.js';

const TRIES = 4;

/**
 * Asks fal to cancel, and answers what that did. A job that runs is only sent a signal, which most models do not
 * listen to. Asking twice does no harm.
 *
 * @throws MeshwrightError `provider_unreachable` when fal did not answer
 */
export async function cancel(
  connection: FalConnection,
  clock: Clock,
  operation: FalOperation,
  { signal }: ProviderContext,
): Promise<CancelOutcome> {
  const { requestId, endpoint } = operation;
  const addresses = addressesOf(operation, 'cancel', connection.hosts);
  let at = 0;
  for (let tries = 1; ;) {
    const call: Call = { signal, address: addresses[at] };
    try {
      const client = connection.client(call);
      await client.queue.cancel(endpoint, { requestId });
      return await outcomeOf(call.reply, connection, operation, signal);
    } catch (error) {
      signal.throwIfAborted();
      const reply = error instanceof CallError ? error.reply : undefined;
      if (reply?.status === 404 && ++at < addresses.length) continue;
      if (reply?.status === 400 || reply?.status === 404 || reply?.status === 410) {
        return outcomeOf(reply, connection, operation, signal);
      }
      if (tries++ === TRIES) throw unreachable(error);
      await clock.sleep(backoffMs(tries), signal);
    }
  }
}

/** Two generations of fal's documents: a status with a word, or 200 with `success`, which says less. */
async function outcomeOf(
  reply: Reply | undefined,
  connection: FalConnection,
  operation: FalOperation,
  signal: AbortSignal,
): Promise<CancelOutcome> {
  const body = parse(reply?.text ?? '');
  const word = isRecord(body) ? body['status'] : undefined;
  if (word === 'OK') return 'removed';
  if (word === 'CANCELLATION_REQUESTED' || reply?.status === 202) return 'running';
  if (word === 'ALREADY_COMPLETED') return 'finished';
  const status = await lookOnce(connection, operation, signal);
  const accepted = isRecord(body) && body['success'] === true;
  if (status?.state === 'done') {
    const cancelled = `${status.error ?? ''} ${status.errorType ?? ''}`;
    return accepted && /499|cancell?ed/.test(cancelled) ? 'removed' : 'finished';
  }
  if (status?.state === 'queued' && accepted) return 'removed';
  return status || accepted || reply?.status === 200 ? 'running' : 'finished';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreachable(error: unknown): MeshwrightError {
  return new MeshwrightError(
    'provider_unreachable',
    `fal did not take the cancellation: ${messageOf(error)}. The job goes on; call cancel_job again.`,
    { retryable: true, charged: 'unknown', cause: error },
  );
}
