import { messageOf } from '../errors.js';
import type { Json } from '../json.js';
import { type Log, redact } from '../log.js';
import type { Provider, ProviderContext } from '../providers/provider.js';
import type { Bus, Job, JobStore } from '../store/types.js';
import { underOtherKey } from './other-key.js';
import type { JobEvent } from './transition.js';

export interface CancellingDeps {
  jobs: JobStore;
  bus: Bus;
  log: Log;
  advance: (id: string, event: JobEvent) => Promise<Job | undefined>;
}

/**
 * Passes every request to cancel a job on to its provider, once, and writes what came of it.
 *
 * @returns how to stop
 */
export function passOnCancellations(
  { jobs, bus, log, advance }: CancellingDeps,
  id: string,
  operation: Json,
  provider: Provider,
  context: ProviderContext,
): () => void {
  const failed = (error: unknown): void => log.warn('cannot cancel', { job: id, error: messageOf(error) });
  let passedOn = 0;
  const look = async (): Promise<void> => {
    const row = await jobs.get(id);
    const asked = row?.cancelAsked ?? 0;
    if (row?.state !== 'submitted' || asked <= passedOn || row.cancelOutcome !== undefined) return;
    passedOn = asked;
    const answer = await provider.cancel(operation, context).then(
      (outcome) => {
        const otherKey = outcome === 'finished' ? underOtherKey(row, provider) : undefined;
        if (otherKey === undefined) return { outcome };
        const why = `${provider.title} does not know it: ${otherKey}. The job goes on; call cancel_job again then.`;
        return { outcome: 'failed' as const, error: why };
      },
      (error: unknown) => {
        failed(error);
        return { outcome: 'failed' as const, error: redact(messageOf(error)) };
      },
    );
    await advance(id, { type: 'cancelAnswered', ...answer });
  };
  const watch = (): void => {
    look().catch(failed);
  };
  watch();
  return bus.subscribe(id, watch);
}
