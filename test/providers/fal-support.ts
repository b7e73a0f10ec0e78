import { createHash } from 'node:crypto';
import { silentLog } from '../../src/log.js';
import type { Json } from '../../src/json.js';
import { FalProvider, type FalOptions } from '../../src/providers/fal.js';
import type {
  FollowContext,
  InputFile,
  ProviderContext,
  ProviderStatus,
} from '../../src/providers/provider.js';
import { FAL_TEST_KEY, type FalEmulator } from '../emulator/fal.js';

export const IMAGE_URL = 'https://example.com/dog.png';
export const PIXAL3D = 'fal-ai/pixal3d';

/** The provider pointed at the emulator; what a test does not set is as in production. */
export function providerFor(fal: FalEmulator, options: Partial<FalOptions> = {}): FalProvider {
  return new FalProvider({
    key: FAL_TEST_KEY,
    queueUrl: fal.urls.queue,
    restUrl: fal.urls.rest,
    allowHosts: [new URL(fal.urls.cdn).host],
    ...options,
  });
}

/** The emulator's clock as the provider's: to wait is to move the clock, so hours pass in no time. */
export function sharedClock(fal: FalEmulator): NonNullable<FalOptions['clock']> & { slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    now: () => fal.clock.now(),
    async sleep(ms, signal) {
      signal.throwIfAborted();
      slept.push(ms);
      fal.clock.advance(ms);
      await Promise.resolve();
    },
  };
}

export function context(signal = new AbortController().signal): ProviderContext {
  return { signal, log: silentLog, readInput: () => Promise.reject(new Error('not used')) };
}

export function followContext(signal?: AbortSignal): FollowContext & { reports: ProviderStatus[] } {
  const reports: ProviderStatus[] = [];
  return { ...context(signal), reports, report: (status) => void reports.push(status) };
}

export function submitTo(
  provider: FalProvider,
  model = PIXAL3D,
  body: Record<string, Json> = { image_url: IMAGE_URL },
  signal?: AbortSignal,
): Promise<Json> {
  return provider.submit({ jobId: 'job_1', model, body }, context(signal));
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
