import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { z } from 'zod';
import { RELIABILITY, reliabilityPage, type Trials, trialsSchema } from './reliability.js';

/**
 * Tries to break what the README promises, and writes what came of it to `docs/reliability.md`.
 *
 * `npm run proof [-- --only crash,faults] [-- --kills 500] [-- --minutes 10]`; `--minutes` are those of each target of
 * the fuzzer. Hours, with what is given here; what is not tried this time keeps its row.
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const data = path.join(root, RELIABILITY);

interface Run {
  output: string;
  code: number | null;
}

interface Trial {
  /** As it is typed after `npm run`, or `npx`. */
  command: string;
  run: () => Promise<Run>;
  /** How often it was tried and what was found; undefined when the output says nothing of it. */
  read: (output: string) => { times: string; found: string } | undefined;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      kills: { type: 'string', default: '500' },
      minutes: { type: 'string', default: '10' },
    },
  });
  const all = trials(values.kills, values.minutes);
  const names = values.only === '' ? Object.keys(all) : values.only.split(',');
  const unknown = names.find((name) => !(name in all));
  if (unknown !== undefined)
    throw new Error(`There is no ${unknown}; there are ${Object.keys(all).join(', ')}.`);
  let good = true;
  for (const name of names) {
    const trial = all[name];
    if (!trial) continue;
    const since = Date.now();
    const { output, code } = await trial.run();
    const row = trial.read(output);
    if (!row) throw new Error(`${trial.command} said nothing that could be read:\n${output.slice(-2_000)}`);
    good &&= code === 0;
    const minutes = Math.max(1, Math.round((Date.now() - since) / 60_000));
    const date = new Date(since).toISOString().slice(0, 10);
    await put(name, { ...row, passed: code === 0, command: trial.command, date, minutes });
    console.log(`${name}: ${row.times}; ${row.found} (${minutes} min)`);
  }
  process.exitCode = good ? 0 : 1;
}

function trials(kills: string, minutes: string): Record<string, Trial> {
  return {
    crash: {
      command: `npm run crash -- --kills ${kills}`,
      run: () => npm(['run', '--silent', 'crash', '--', '--kills', kills]),
      read: (output) => {
        const said = /kills (\d+), orders (\d+), calls (\d+), jobs (\d+), succeeded (\d+), unconfirmed (\d+), lost (\d+), bought twice (\d+), half files (\d+), orphans (\d+)/.exec(output); // prettier-ignore
        if (!said) return undefined;
        const [, killed, orders, calls, jobs, succeeded, unconfirmed, lost, twice, half, orphans] = said;
        return {
          times: `${killed} kills; ${orders} orders in ${calls} calls`,
          found: `${jobs} jobs: ${succeeded} succeeded, ${unconfirmed} unconfirmed; ${lost} lost, ${twice} bought twice, ${half} half files, ${orphans} orphans`,
        };
      },
    },
    faults: {
      command: 'npm run faults',
      run: () => npm(['run', '--silent', 'faults']),
      read: (output) => {
        const said = /cells (\d+), faults (\d+)/.exec(output);
        return said
          ? { times: `${said[1]} faults`, found: `${said[2]} that did not end as they must` }
          : undefined;
      },
    },
    transitions: {
      command: `PROPERTY_RUNS=${PROPERTY_RUNS} npx vitest run --project source ${PROPERTIES}`,
      run: () => tests([PROPERTIES], { PROPERTY_RUNS: String(PROPERTY_RUNS) }),
      read: (output) =>
        counted(output, ({ passed, failed }) => ({
          times: `${(passed + failed) * PROPERTY_RUNS} histories of a job`,
          found: `${failed} promises broken`,
        })),
    },
    addresses: {
      command: `npx vitest run --project source ${ADDRESSES.join(' ')}`,
      run: () => tests(ADDRESSES),
      read: (output) =>
        counted(output, ({ passed, failed }) => ({
          times: `${passed + failed} tests, of ${addressForms} forms of an address`,
          found: `${failed} that were fetched from`,
        })),
    },
    weather: {
      command: 'npx vitest run --project built test/weather',
      run: () => tests(['test/weather'], {}, 'built'),
      read: (output) =>
        counted(output, ({ passed, failed }) => ({
          times: `${passed + failed} tests on real servers`,
          found: `${failed} in which a job was lost or held up, or nobody was told`,
        })),
    },
    principals: {
      command: `npx vitest run --project built ${PRINCIPALS.join(' ')}`,
      run: () => tests(PRINCIPALS, {}, 'built'),
      read: (output) =>
        counted(output, ({ passed, failed }) => ({
          times: `${passed + failed} tests, with some 400 generated attempts`,
          found: `${failed} that reached what is another's`,
        })),
    },
    fuzz: {
      command: `npm run fuzz -- --minutes ${minutes}`,
      run: () => npm(['run', '--silent', 'fuzz', '--', '--minutes', minutes]),
      read: (output) => {
        const said = /(\d+) targets, (\d+) inputs: (\d+ crashes, \d+ hangs[^,]*, \d+ over \d+ MB)/.exec(
          output,
        );
        if (!said) return undefined;
        const [, targets, inputs, found = ''] = said;
        return { times: `${targets} parsers, ${minutes} min each, ${inputs} inputs`, found };
      },
    },
  };
}

const PROPERTY_RUNS = 100_000;
const PROPERTIES = 'test/jobs/transition-properties.test.ts';
const ADDRESSES = [
  'test/jobs/hostile-urls.test.ts',
  'test/providers/url-policy.test.ts',
  'test/providers/address.test.ts',
];
const PRINCIPALS = ['test/e2e/http-principals.test.ts', 'test/e2e/http-strangers.test.ts'];
const { HOSTILE_NAMES, HOSTILE_URLS } = await import('../test/support/hostile-urls.js');
const addressForms = Object.values(HOSTILE_URLS).flat().length + Object.keys(HOSTILE_NAMES).length;

const npm = (args: string[]): Promise<Run> => start('npm', args, {});

/** Its output is what the test runner's report says. */
async function tests(
  files: readonly string[],
  env: Record<string, string> = {},
  project = 'source',
): Promise<Run> {
  const folder = await mkdtemp(path.join(tmpdir(), 'meshwright-proof-'));
  const report = path.join(folder, 'report.json');
  try {
    const args = ['vitest', 'run', '--project', project, '--testTimeout=3600000', '--reporter=json', `--outputFile=${report}`, ...files]; // prettier-ignore
    const { code } = await start('npx', args, env);
    return { output: await readFile(report, 'utf8'), code };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const reportSchema = z.object({ numPassedTests: z.number(), numFailedTests: z.number() });

function counted<Row>(report: string, row: (counts: { passed: number; failed: number }) => Row): Row {
  const { numPassedTests: passed, numFailedTests: failed } = reportSchema.parse(JSON.parse(report));
  return row({ passed, failed });
}

/** What it says is shown as it comes. */
function start(command: string, args: string[], env: Record<string, string>): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      process.stdout.write(text);
    });
    child.on('error', reject).on('close', (code) => resolve({ output, code }));
  });
}

async function put(name: string, row: Trials[string]): Promise<void> {
  const known = trialsSchema.parse(JSON.parse(await readFile(data, 'utf8')));
  const next = { ...known, [name]: row };
  await writeFile(data, `${JSON.stringify(next, null, 2)}\n`);
  const file = path.join(root, 'docs/reliability.md');
  await writeFile(
    file,
    await format(reliabilityPage(next), { ...(await resolveConfig(file)), filepath: file }),
  );
}

await main();
