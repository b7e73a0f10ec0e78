import { parseArgs } from 'node:util';
import { crash } from '../test/crash/run.js';

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
const seconds = (): number => Math.round((performance.now() - since) / 1000);
console.log(`seed ${values.seed}`);
let told = 0;
const summary = await crash({
  kills: Number(values.kills),
  seed: Number(values.seed),
  onKill: (kills) => {
    if (kills < told + 50) return;
    told = kills - (kills % 50);
    console.log(`${kills} kills (${seconds()} s)`);
  },
});
const { kills, orders, calls, jobs, succeeded, unconfirmed, bought, ...faults } = summary;
const { lost, boughtTwice, halfFiles, orphans } = faults;
for (const line of [...lost, ...boughtTwice, ...halfFiles, ...orphans]) console.log(`  ${line}`);
console.log(
  `of the unconfirmed jobs, ${bought} had been taken by their provider and ${unconfirmed - bought} had not`,
);
console.log(
  `kills ${kills}, orders ${orders}, calls ${calls}, jobs ${jobs}, succeeded ${succeeded}, unconfirmed ${unconfirmed}, ` +
    `lost ${lost.length}, bought twice ${boughtTwice.length}, half files ${halfFiles.length}, orphans ${orphans.length} ` +
    `(${seconds()} s)`,
);
process.exitCode = lost.length + boughtTwice.length + halfFiles.length + orphans.length === 0 ? 0 : 1;
