// Loaded into a server before its own code: tells, when asked over the channel, for how long its event loop was held up
// since it was asked last. On a busy machine a thread also waits for a processor, so what the loop's own thread worked
// in the meantime is told as well (Linux).
import { readFileSync } from 'node:fs';

const EVERY_MS = 2;
let longest = { ms: 0, workMs: 0 };
let last = performance.now();
let worked = workedMs();

setInterval(() => {
  const now = performance.now();
  const work = workedMs();
  longest = {
    ms: Math.max(longest.ms, now - last - EVERY_MS),
    workMs: Math.max(longest.workMs, work - worked),
  };
  last = now;
  worked = work;
}, EVERY_MS).unref();

process.on('message', () => {
  process.send(longest);
  longest = { ms: 0, workMs: 0 };
});
process.channel?.unref();

function workedMs() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return Number.NaN;
  }
}
