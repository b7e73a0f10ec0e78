import { SCENARIO_TEST_KEY, SCENARIO_TEST_SECRET } from '../emulator/scenario.js';
import { emulator } from '../emulator/scenario-support.js';
import { providerFor, uploaded } from './scenario-support.js';
import { serviceSuite } from './suite.js';

serviceSuite('Scenario', async () => {
  const scenario = await emulator();
  const { clock, journal, ledger } = scenario;
  const image = await uploaded(providerFor(scenario));
  return {
    open: () => providerFor(scenario),
    openWith: ({ key }) => providerFor(scenario, { key, secret: 'wrong-secret' }),
    request: { jobId: 'job_1', model: 'model_pixal3d', body: { image } },
    delivers: 'urls',
    cancels: 'unsupported',
    lists: true,
    secrets: [
      SCENARIO_TEST_KEY,
      SCENARIO_TEST_SECRET,
      Buffer.from(`${SCENARIO_TEST_KEY}:${SCENARIO_TEST_SECRET}`).toString('base64'),
    ],
    role: 'api',
    clock,
    journal,
    ledger,
    fault: (op, action, times = 1) => void scenario.fault({ match: { role: 'api', op }, action, times }),
    failNext: () =>
      void scenario.fault({ match: { op: 'submit' }, action: { type: 'job', failure: 'text' } }),
    failureCharged: 'no',
    down: () => scenario.down('api'),
    forget: () => scenario.reset(),
  };
});
