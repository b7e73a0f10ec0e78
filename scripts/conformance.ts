import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { removeFolder, serverEnv, temporaryFolder } from '../test/support/clients.js';
import { startHttpProcess } from '../test/support/http-server.js';

/**
 * The official conformance runner against the built server over HTTP: the scenarios that need no fixtures, on both
 * wires. It brings its own Node 24, so it needs the npm registry.
 *
 * `npm run conformance`
 */
const RUNNER = '@modelcontextprotocol/conformance@0.2.0-alpha.12';

const SCENARIOS: Readonly<Record<string, readonly string[]>> = {
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
};

/** Checks of generic scenarios that call a tool which only a fixture server has. */
const NEEDS_FIXTURES: ReadonlySet<string> = new Set([
  'sep-2575-server-rejects-undeclared-capability',
  'sep-2575-missing-capability-http-400',
  'sep-2575-http-server-no-independent-requests-on-stream',
  'sep-2575-server-no-log-without-loglevel',
]);

async function run(url: string, scenario: string, revision: string): Promise<string> {
  const packages = ['-p', 'node@24', '-p', RUNNER];
  const args = ['server', '--url', url, '--scenario', scenario, '--spec-version', revision];
  const child = spawn('npx', ['-y', ...packages, 'conformance', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'close');
  return stripVTControlCharacters(text);
}

const folder = await temporaryFolder();
const server = await startHttpProcess(serverEnv(path.join(folder, 'data')));
let [passed, failed] = [0, 0];
try {
  for (const [revision, scenarios] of Object.entries(SCENARIOS)) {
    for (const scenario of scenarios) {
      const text = await run(`${server.origin}/mcp`, scenario, revision);
      const checks = [...text.matchAll(/\[([\w-]+) *\] +(SUCCESS|FAILURE|WARNING)/g)];
      const bad = checks.filter(
        ([, name = '', verdict]) => verdict === 'FAILURE' && !NEEDS_FIXTURES.has(name),
      );
      const good = checks.filter(([, , verdict]) => verdict === 'SUCCESS').length;
      passed += good;
      // A runner that did not run is no success.
      failed += good === 0 ? 1 : bad.length;
      const names = bad.map(([, name]) => name).join(', ');
      process.stdout.write(
        `${revision}  ${scenario.padEnd(32)} ${good} passed${names && `, failed: ${names}`}${good === 0 ? `\n${text}` : ''}\n`,
      );
    }
  }
} finally {
  await server.stop();
  await removeFolder(folder);
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
