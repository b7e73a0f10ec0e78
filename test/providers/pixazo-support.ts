import { PixazoProvider, type PixazoOptions } from '../../src/providers/pixazo.js';
import type { Json, JsonObject } from '../../src/json.js';
import { PIXAZO_TEST_KEY, type PixazoEmulator } from '../emulator/pixazo.js';
import { IMAGE } from '../emulator/pixazo-support.js';
import { context, sharedClock } from './support.js';

/** The provider pointed at the emulator, on its clock; what a test does not set is as in production. */
export function providerFor(pixazo: PixazoEmulator, options: Partial<PixazoOptions> = {}): PixazoProvider {
  return new PixazoProvider({
    key: PIXAZO_TEST_KEY,
    url: pixazo.urls.gateway,
    clock: sharedClock(pixazo),
    ...options,
  });
}

export function submitTo(provider: PixazoProvider, body: JsonObject = { image_url: IMAGE }): Promise<Json> {
  return provider.submit({ jobId: 'job_1', model: 'pixal3d', body }, context());
}
