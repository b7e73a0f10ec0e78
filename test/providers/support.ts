import { createHash } from 'node:crypto';
import { silentLog } from '../../src/log.js';
import type { Clock } from '../../src/providers/clock.js';
import type {
  FollowContext,
  InputFile,
  ProviderContext,
  ProviderStatus,
} from '../../src/providers/provider.js';
import type { Clock as EmulatorClock } from '../emulator/common/clock.js';

/** The emulator's clock as the provider's: to wait is to move the clock, so hours pass in no time. */
export function sharedClock({ clock }: { clock: EmulatorClock }): Clock & { slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    now: () => clock.now(),
    async sleep(ms, signal) {
      signal.throwIfAborted();
      slept.push(ms);
      clock.advance(ms);
      await Promise.resolve();
    },
  };
}

export function context(signal = new AbortController().signal): ProviderContext {
  return { signal, log: silentLog, readInput: () => Promise.reject(new Error('not used')) };
}

/** What was told of a job that is followed: where it stands, and why it could not be asked about. */
interface Told {
  reports: ProviderStatus[];
  troubles: (string | undefined)[];
}

export function followContext(signal?: AbortSignal): FollowContext & Told {
  const reports: ProviderStatus[] = [];
  const troubles: (string | undefined)[] = [];
  return {
    ...context(signal),
    reports,
    troubles,
    report: (status) => void reports.push(status),
    trouble: (why) => void (why !== troubles.at(-1) && troubles.push(why)),
  };
}

/** What a promise was rejected with. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

export function inputFile(bytes: Uint8Array, mimeType = 'image/png'): InputFile & { reads: number } {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    key: `input_${sha256}.png`,
    sha256,
    mimeType,
    reads: 0,
    read() {
      this.reads += 1;
      return Promise.resolve(bytes);
    },
  };
}
