import { parseArgs } from 'node:util';
import { crash } from '../test/crash/run.js';
import { seeded } from '../test/crash/seeded.js';

/**
 * Kills servers with SIGKILL at random moments of free and paid jobs, and holds what is left against the providers'
 * books. Writes nothing outside a temporary folder.
 *
 * `npm run crash [-- --kills 500] [-- --seed N]`
 */

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '500' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const since = performance.now();
console.log(`seed ${values.seed}`);
const summary = await crash({
  kills: Number(values.kills),
  random: seeded(Number(values.seed)),
  onKill: (kills) => {
    if (kills % 50 === 0) console.log(`${kills} kills`);
  },
});
const { kills, orders, calls, jobs, succeeded, unconfirmed, lost, boughtTwice, halfFiles, orphans } = summary;
for (const line of [...lost, ...boughtTwice, ...halfFiles, ...orphans]) console.log(`  ${line}`);
console.log(
  `kills ${kills}, orders ${orders}, calls ${calls}, jobs ${jobs}, succeeded ${succeeded}, unconfirmed ${unconfirmed}, ` +
    `lost ${lost.length}, bought twice ${boughtTwice.length}, half files ${halfFiles.length}, orphans ${orphans.length} ` +
    `(${Math.round((performance.now() - since) / 1000)} s)`,
);
process.exitCode = lost.length + boughtTwice.length + halfFiles.length + orphans.length === 0 ? 0 : 1;
