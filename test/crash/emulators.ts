import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { canonicalJson, sha256 } from '../emulator/common/json.js';
import { isJson } from '../../src/json.js';
import type { Random } from '../fuzz/random.js';

/** The three services as processes of their own: what they accepted is the truth of what was bought. */

export const SERVICES = ['fal', 'pixazo', 'scenario'] as const;
export type Service = (typeof SERVICES)[number];

/** One job that a service accepted. */
export interface Accepted {
  service: Service;
  requestId: string;
  /** The seed of the call that it was bought for; undefined when no submit with this input was seen. */
  seed: number | undefined;
}

interface Emulator {
  service: Service;
  process: ChildProcess;
  control: string;
  cdn: string;
  environment: Record<string, string>;
  /** Seeds by the hash of the whole input that was sent. */
  seeds: Map<string, number>;
}

const startedSchema = z.object({
  urls: z.object({ control: z.string(), cdn: z.string() }),
  environment: z.record(z.string(), z.string()),
});
const ledgerSchema = z.object({
  entries: z.array(z.object({ requestId: z.string(), inputHash: z.string() })),
});
const submitsSchema = z.array(z.object({ body: z.unknown() }));
const seedSchema = z.object({ seed: z.int() });

const MAIN = fileURLToPath(new URL('../emulator/main.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Jobs are this short, and up to so much longer, so that a kill meets every stage of many. */
const JOB_MS = 200;
const JITTER_MS = 1_500;
/** The journal forgets; submits are noted before it can. */
const NOTE_EVERY_MS = 1_500;

export class Emulators {
  readonly #emulators: Emulator[] = [];
  #noting: NodeJS.Timeout | undefined;

  static async start(): Promise<Emulators> {
    const emulators = new Emulators();
    try {
      const fal = await startOne('fal', []);
      emulators.#emulators.push(fal);
      // Pixazo takes images that are public; fal hosts them.
      const others = await Promise.all([
        startOne('pixazo', ['--public-origin', fal.cdn]),
        startOne('scenario', []),
      ]);
      emulators.#emulators.push(...others);
    } catch (error) {
      emulators.close();
      throw error;
    }
    emulators.#noting = setInterval(
      () => void emulators.#note().catch(() => undefined),
      NOTE_EVERY_MS,
    ).unref();
    return emulators;
  }

  /** What points a server at all of them. */
  get environment(): Record<string, string> {
    const all = this.#emulators.map(({ environment }) => environment);
    const hosts = all.map((environment) => environment['MESHWRIGHT_ALLOW_HOSTS']);
    return { ...Object.assign({}, ...all), MESHWRIGHT_ALLOW_HOSTS: hosts.join(',') };
  }

  /** Lets one answer that is to come be slow: of a submit, after it was accepted, or of a download. */
  async slowDown(service: Service, random: Random): Promise<void> {
    const emulator = this.#of(service);
    const rule = random.chance(0.5)
      ? { match: { op: 'submit' }, action: { type: 'delay', ms: 20 + random.below(380) } }
      : {
          match: { op: 'download' },
          action: { type: 'drip', bytes: 512 + random.below(2_000), everyMs: 10 + random.below(40) },
        };
    await ask(emulator, '/faults', { method: 'POST', body: JSON.stringify(rule) });
  }

  /** Everything that was accepted so far. */
  async accepted(): Promise<Accepted[]> {
    await this.#note();
    const all = await Promise.all(
      this.#emulators.map(async (emulator) => {
        const { entries } = ledgerSchema.parse(await ask(emulator, '/ledger'));
        return entries.map(({ requestId, inputHash }) => ({
          service: emulator.service,
          requestId,
          seed: emulator.seeds.get(inputHash),
        }));
      }),
    );
    return all.flat();
  }

  close(): void {
    clearInterval(this.#noting);
    for (const { process } of this.#emulators) process.kill('SIGKILL');
  }

  async #note(): Promise<void> {
    for (const emulator of this.#emulators) {
      for (const { body } of submitsSchema.parse(await ask(emulator, '/journal?op=submit'))) {
        const { data } = seedSchema.safeParse(body);
        if (data && isJson(body)) emulator.seeds.set(sha256(canonicalJson(body)), data.seed);
      }
    }
  }

  #of(service: Service): Emulator {
    const found = this.#emulators.find((emulator) => emulator.service === service);
    if (!found) throw new Error(`There is no emulator of ${service}.`);
    return found;
  }
}

async function startOne(service: Service, options: string[]): Promise<Emulator> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', MAIN, service, '--job-ms', `${JOB_MS}`, '--jitter-ms', `${JITTER_MS}`, ...options],
    // It ends with its parent, however that ends.
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  );
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout ?? process.stdin }), 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error(`The emulator of ${service} did not start.`))),
  ]);
  const { urls, environment } = startedSchema.parse(JSON.parse(String(line)));
  return { service, process: child, ...urls, environment, seeds: new Map() };
}

async function ask({ control, service }: Emulator, path: string, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(control + path, init);
  if (!response.ok) throw new Error(`${service} ${path}: ${await response.text()}`);
  return response.json();
}
