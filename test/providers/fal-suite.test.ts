import { FAL_TEST_KEY } from '../emulator/fal.js';
import { emulator } from '../emulator/support.js';
import { IMAGE_URL, PIXAL3D, providerFor, sharedClock } from './fal-support.js';
import { serviceSuite } from './suite.js';

serviceSuite('fal', async () => {
  const fal = await emulator();
  const { clock, journal, ledger } = fal;
  // Looking from time to time moves the emulator's clock; listening to the stream is held to its own tests.
  const open = (key = FAL_TEST_KEY) => providerFor(fal, { key, clock: sharedClock(fal), pollMs: 3_000 });
  return {
    open: () => open(),
    openWith: ({ key }) => open(key),
    request: { jobId: 'job_1', model: PIXAL3D, body: { image_url: IMAGE_URL } },
    delivers: 'urls',
    cancels: 'removed',
    secrets: FAL_TEST_KEY.split(':'),
    role: 'queue',
    clock,
    journal,
    ledger,
    fault: (op, action, times = 1) => void fal.fault({ match: { role: 'queue', op }, action, times }),
    failNext: () =>
      void fal.fault({ match: { op: 'submit' }, action: { type: 'job', failure: 'content-policy' } }),
    failureCharged: 'no',
    down: () => fal.down('queue'),
    forget: () => fal.reset(),
  };
});
