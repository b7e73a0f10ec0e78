import type { Json } from '../../src/json.js';
import { FalProvider, type FalOptions } from '../../src/providers/fal.js';
import { FAL_TEST_KEY, type FalEmulator } from '../emulator/fal.js';
import { context } from './support.js';

export { context, errorOf, followContext, inputFile, sharedClock } from './support.js';

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

export function submitTo(
  provider: FalProvider,
  model = PIXAL3D,
  body: Record<string, Json> = { image_url: IMAGE_URL },
  signal?: AbortSignal,
): Promise<Json> {
  return provider.submit({ jobId: 'job_1', model, body }, context(signal));
}
