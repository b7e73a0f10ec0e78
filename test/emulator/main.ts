import { parseArgs } from 'node:util';
import { FAL_TEST_KEY, startFalEmulator } from './fal.js';

/**
 * An emulator as a process of its own: `npx tsx test/emulator/main.ts fal [--clock virtual] [--time-scale 0.02]
 * [--job-ms 5000] [--jitter-ms 1000] [--control-port 4100] [--seed text]`. Prints one line of JSON with its URLs and the environment
 * that points meshwright at it, and runs until it is ended by a signal or by its parent.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      clock: { type: 'string', default: 'real' },
      'time-scale': { type: 'string' },
      'job-ms': { type: 'string' },
      'jitter-ms': { type: 'string', default: '0' },
      'control-port': { type: 'string', default: '0' },
      'journal-limit': { type: 'string', default: '10000' },
      seed: { type: 'string', default: 'fal' },
    },
  });
  if (positionals[0] !== 'fal') throw new Error('Say which emulator to start: fal.');
  const fal = await startFalEmulator({
    clock: values.clock === 'real' || values.clock === 'virtual' ? values.clock : Number(values.clock),
    ...(values['time-scale'] === undefined ? {} : { timeScale: Number(values['time-scale']) }),
    ...(values['job-ms'] === undefined ? {} : { jobMs: Number(values['job-ms']) }),
    jitterMs: Number(values['jitter-ms']),
    journalLimit: Number(values['journal-limit']),
    ports: { control: Number(values['control-port']) },
    seed: values.seed,
  });
  const environment = {
    FAL_KEY: FAL_TEST_KEY,
    MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
    MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
    MESHWRIGHT_ALLOW_HOSTS: new URL(fal.urls.cdn).host,
  };
  process.stdout.write(`${JSON.stringify({ emulator: 'fal', urls: fal.urls, environment })}\n`);
  const end = (): void => void fal.close();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  process.once('disconnect', end);
}

await main();
