import { PIXAZO_TEST_KEY } from '../emulator/pixazo.js';
import { emulator, IMAGE } from '../emulator/pixazo-support.js';
import { providerFor } from './pixazo-support.js';
import { serviceSuite } from './suite.js';

serviceSuite('Pixazo', async () => {
  const pixazo = await emulator();
  const { clock, journal, ledger } = pixazo;
  return {
    open: () => providerFor(pixazo),
    openWith: ({ key }) => providerFor(pixazo, { key }),
    request: { jobId: 'job_1', model: 'pixal3d', body: { image_url: IMAGE } },
    delivers: 'urls',
    cancels: 'unsupported',
    secrets: [PIXAZO_TEST_KEY],
    role: 'gateway',
    clock,
    journal,
    ledger,
    fault: (op, action, times = 1) => void pixazo.fault({ match: { role: 'gateway', op }, action, times }),
    failNext: () =>
      void pixazo.fault({ match: { op: 'submit' }, action: { type: 'job', failure: 'failed' } }),
    failureCharged: 'unknown',
    down: () => pixazo.down('gateway'),
    forget: () => pixazo.reset(),
    hostile: ['foreign-host', 'http', 'https://user:pass@127.0.0.1/x', 'file:///etc/passwd', 'no url'].map(
      (pollingUrl) => () => {
        pixazo.fault({ match: { op: 'submit' }, action: { type: 'job', pollingUrl } });
      },
    ),
  };
});
