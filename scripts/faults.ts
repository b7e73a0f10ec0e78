import { parseArgs } from 'node:util';
import { faultsOf, type Outcome, runAll } from '../test/faults/all.js';
import { cellName } from '../test/faults/cells.js';
import { cells } from '../test/faults/matrix.js';

/**
 * Every fault at every step of a job at every provider, over the emulators: how each ends, what is said of it and of
 * the money. Writes nothing outside a temporary folder.
 *
 * `npm run faults [-- --quick] [-- --only PATTERN]`; PATTERN is looked for in the names of the cells, and the quick
 * form leaves out the silences, which take as long as a client waits for a sign of life.
 */

const AT_ONCE = 8;

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string', default: '' } },
});
const pattern = new RegExp(values.only);
const chosen = cells().filter((cell) => pattern.test(cellName(cell)) && !(values.quick && cell.slow));

const groups = new Map<string, Outcome[]>();
for (const { provider, step } of chosen) groups.set(`${provider} ${step}`, []);
const outcomes = await runAll(chosen, AT_ONCE, (outcome) => {
  groups.get(`${outcome.cell.provider} ${outcome.cell.step}`)?.push(outcome);
});
let faults = 0;
for (const [name, group] of groups) {
  const wrong = group.flatMap(faultsOf);
  faults += wrong.length;
  console.log(`${name}: ${group.length} cells, ${wrong.length} faults`);
  for (const line of wrong) console.log(`  ${line}`);
}
console.log(`cells ${outcomes.length}, faults ${faults}`);
process.exitCode = faults === 0 ? 0 : 1;
