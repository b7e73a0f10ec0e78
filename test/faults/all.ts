import { type Bench, openBench } from './bench.js';
import { type Cell, cellName } from './cells.js';
import { runCell } from './run.js';

/** Runs cells, several at a time, and tells what was wrong with each. */

export interface Outcome {
  cell: Cell;
  complaints: string[];
  ms: number;
}

/** @param onDone called for every cell as soon as it is over */
export async function runAll(
  cells: readonly Cell[],
  atOnce: number,
  onDone: (outcome: Outcome) => void = () => undefined,
): Promise<Outcome[]> {
  const waiting = [...cells];
  const outcomes: Outcome[] = [];
  const idle = new Map<string, Bench[]>();
  const work = async (): Promise<void> => {
    for (let cell = waiting.shift(); cell; cell = waiting.shift()) {
      const key = `${cell.provider} ${cell.stream ? 'stream' : ''}`;
      const bench =
        (cell.fresh ? undefined : idle.get(key)?.pop()) ??
        (await openBench(cell.provider, { stream: cell.stream ?? false }));
      const since = performance.now();
      const complaints = await runCell(bench, cell).catch((error: unknown) => [
        `the test broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      ]);
      const outcome = { cell, complaints, ms: Math.round(performance.now() - since) };
      outcomes.push(outcome);
      onDone(outcome);
      // What still goes on would get into the way of the next one.
      const { rows } = await bench.jobs.list('local', { limit: 1, states: ['intent', 'submitting', 'searching', 'submitted', 'storing'] }); // prettier-ignore
      if (rows.length > 0 || cell.fresh) {
        await bench.close();
        continue;
      }
      await bench.mend();
      bench.reset();
      for (const { id } of (await bench.jobs.assets.list('local', { limit: 100 })).rows) await bench.jobs.assets.delete('local', id); // prettier-ignore
      idle.set(key, [...(idle.get(key) ?? []), bench]);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  await Promise.all([...idle.values()].flat().map((bench) => bench.close()));
  return outcomes;
}

/** In words, one line each. */
export function faultsOf({ cell, complaints, ms }: Outcome): string[] {
  return complaints.map((text) => `${cellName(cell)} (${ms} ms): ${text}`);
}
