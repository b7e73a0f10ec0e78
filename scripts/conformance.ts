import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { isRecord } from '../src/json.js';
import { startFixtureServer } from '../test/conformance/server.js';
import { removeFolder, serverEnv, temporaryFolder } from '../test/support/clients.js';
import { startHttpProcess } from '../test/support/http-server.js';

/**
 * The official conformance runner over HTTP, on the wires of both revisions: on the built server the scenarios that
 * need nothing of their own, and on a server with the runner's tools, resources and prompts all that it has. It brings
 * its own Node 24, so it needs the npm registry.
 *
 * `npm run conformance`
 */
const RUNNER = '@modelcontextprotocol/conformance@0.2.0-alpha.12';

/** The runner's list of a revision, with the extensions and drafts that it runs beside it: how many scenarios it has. */
const LISTS = { '2025-11-25': 33, '2026-07-28': 50 } as const;

/** What the server as it is must pass. */
const GENERIC: Readonly<Record<keyof typeof LISTS, readonly string[]>> = {
  '2025-11-25': [
    'server-initialize',
    'ping',
    'tools-list',
    'resources-list',
    'prompts-list',
    'resources-subscribe',
    'resources-unsubscribe',
    'server-session-lifecycle',
    'server-sse-polling',
    'server-sse-multiple-streams',
    'dns-rebinding-protection',
  ],
  '2026-07-28': [
    'tools-list',
    'resources-list',
    'prompts-list',
    'caching',
    'sep-2164-resource-not-found',
    'server-sse-multiple-streams',
    'http-header-validation',
    'dns-rebinding-protection',
    'server-stateless',
  ],
};

/** Checks of generic scenarios that call a tool which only the other server has. */
const NEEDS_FIXTURES: ReadonlySet<string> = new Set([
  'sep-2575-server-rejects-undeclared-capability',
  'sep-2575-missing-capability-http-400',
  'sep-2575-http-server-no-independent-requests-on-stream',
  'sep-2575-server-no-log-without-loglevel',
  'server-sse-disconnect-resume',
]);

interface Check {
  id: string;
  status: string;
  message: string;
}

/** Runs all that the runner has for a revision; the checks by scenario. */
async function run(url: string, revision: string, folder: string): Promise<Map<string, Check[]>> {
  const packages = ['-p', 'node@24', '-p', RUNNER];
  const args = ['server', '--url', `${url}/mcp`, '--requirements', revision, '-o', folder];
  const child = spawn('npx', ['-y', ...packages, 'conformance', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'close');
  const found = new Map<string, Check[]>();
  for (const name of await readdir(folder).catch(() => [])) {
    const [, scenario] = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name) ?? [];
    if (scenario === undefined) continue;
    const checks: unknown = JSON.parse(await readFile(path.join(folder, name, 'checks.json'), 'utf8'));
    found.set(scenario, Array.isArray(checks) ? checks.flatMap(checkOf) : []);
  }
  // A runner that did not run is no success.
  if (found.size === 0) throw new Error(`the runner did nothing:\n${text}`);
  return found;
}

function checkOf(value: unknown): Check[] {
  if (!isRecord(value)) return [];
  const { id, status, errorMessage } = value;
  if (typeof id !== 'string' || typeof status !== 'string') return [];
  return [{ id, status, message: typeof errorMessage === 'string' ? errorMessage : '' }];
}

const sums = { scenarios: 0, checks: 0, failed: 0 };

/** Prints what came of one scenario, and counts it. */
function tell(where: string, scenario: string, checks: readonly Check[]): void {
  const good = checks.filter(({ status }) => status === 'SUCCESS').length;
  const bad = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING');
  const skipped = checks.filter(({ status }) => status === 'SKIPPED').length;
  const hasFailed = bad.length > 0 || good + skipped === 0;
  sums.scenarios++;
  sums.checks += good;
  if (hasFailed) sums.failed++;
  const verdict = hasFailed ? 'FAILED' : good > 0 ? 'passed' : 'skipped';
  const notes = [
    `${good} checks passed`,
    ...(skipped > 0 ? [`${skipped} skipped by the runner`] : []),
    ...bad.map(({ id, message }) => `${id}: ${message}`),
  ];
  process.stdout.write(`${where}  ${scenario.padEnd(46)} ${verdict}: ${notes.join('; ')}\n`);
}

const folder = await temporaryFolder();
const real = await startHttpProcess(serverEnv(path.join(folder, 'data')));
const fixtures = await startFixtureServer(path.join(folder, 'fixtures'));
try {
  for (const [revision, size] of Object.entries(LISTS)) {
    const all = await run(fixtures.url, revision, path.join(folder, `fixtures ${revision}`));
    for (const [scenario, checks] of all) tell(`${revision}  fixtures`, scenario, checks);
    if (all.size !== size) {
      sums.failed++;
      process.stdout.write(`${revision}  fixtures  the runner has ${size} scenarios and ran ${all.size}\n`);
    }
  }
  for (const [revision, scenarios] of Object.entries(GENERIC)) {
    const all = await run(real.origin, revision, path.join(folder, `server ${revision}`));
    for (const scenario of scenarios) {
      const checks = (all.get(scenario) ?? []).filter(({ id }) => !NEEDS_FIXTURES.has(id));
      tell(`${revision}  server  `, scenario, checks);
    }
  }
} finally {
  await Promise.all([fixtures.close(), real.stop()]);
  await removeFolder(folder);
}
const { scenarios, checks, failed } = sums;
process.stdout.write(`${scenarios} scenarios, ${checks} checks passed, ${failed} scenarios failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
