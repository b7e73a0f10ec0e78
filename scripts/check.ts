import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Every gate in one command, the quick ones first; all of them run, so that one look shows everything. */
const root = fileURLToPath(new URL('..', import.meta.url));
const gates: readonly (readonly [name: string, command: string])[] = [
  ['types', 'tsc'],
  ['lint and layers', 'oxlint --deny-warnings src test scripts bench'],
  ['formatting', 'prettier --check --log-level warn .'],
  ['generated files', 'tsx scripts/generate.ts --check'],
  ['tests', 'vitest run'],
];

const failed: string[] = [];
for (const [name, command] of gates) {
  console.log(`\n— ${name}: ${command}`);
  const { status } = spawnSync(`npx --no-install ${command}`, { cwd: root, stdio: 'inherit', shell: true });
  if (status !== 0) failed.push(name);
}
console.log(failed.length === 0 ? '\nAll gates passed.' : `\nFailed: ${failed.join(', ')}.`);
process.exitCode = failed.length === 0 ? 0 : 1;
