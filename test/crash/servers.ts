import { EventEmitter, once } from 'node:events';
import { CLIENT_KINDS, connect, serverEnv, type TestClient, type ToolResult } from '../support/clients.js';
import { messageOf } from '../../src/errors.js';
import type { Random } from '../fuzz/random.js';

/** A process that was killed. */
export interface Killed {
  pid: number;
  /** Milliseconds since 1970. */
  at: number;
}

/** Two servers on one data folder, each started again as soon as it was killed. */
export class Servers {
  readonly #envs: readonly Record<string, string>[];
  readonly #random: Random;
  readonly #up = new Map<number, TestClient>();
  readonly #starting = new Map<number, Promise<void>>();
  readonly #changed = new EventEmitter().setMaxListeners(0);
  readonly killed: Killed[] = [];
  /** Calls that a server did not answer although it lived, in words. */
  readonly complaints: string[] = [];
  #stopped = false;
  #calls = 0;

  constructor(dataDir: string, environment: Record<string, string>, random: Random) {
    const env = serverEnv(dataDir, { ...environment, MESHWRIGHT_DEDUPE_SECONDS: '86400' });
    this.#envs = ['400', '100'].map((pollMs) => ({ ...env, MESHWRIGHT_POLL_MS: pollMs }));
    this.#random = random;
  }

  /** Starts both, and waits until both answer. */
  async start(): Promise<void> {
    await Promise.all([this.#start(0), this.#start(1)]);
  }

  /** How many calls were made. */
  get calls(): number {
    return this.#calls;
  }

  /** Waits until so many of the two answer. */
  async atLeast(count: number): Promise<void> {
    while (this.#up.size < count) await once(this.#changed, 'up');
  }

  /**
   * Calls a tool of either server, as soon as one answers.
   *
   * @throws when the server was killed before it answered
   */
  async call(name: string, args: Record<string, unknown>): Promise<ToolResult> {
    await this.atLeast(1);
    const clients = [...this.#up.values()];
    const client = this.#random.pick(clients);
    if (!client) throw new Error('No server is up.');
    this.#calls++;
    try {
      return await client.call(name, args);
    } catch (error) {
      // Nobody killed it, so it should have answered.
      if ([...this.#up.values()].includes(client))
        this.complaints.push(`${name} got no answer: ${messageOf(error)}`);
      throw error;
    }
  }

  /** Calls until an answer comes, as an agent does whose call got none. */
  async insist(name: string, args: Record<string, unknown>): Promise<ToolResult> {
    for (;;) {
      try {
        return await this.call(name, args);
      } catch (error) {
        if (this.#stopped) throw error;
      }
    }
  }

  /** `kill -9` of one of the servers that are up, now and then of both; they are started again at once. */
  kill(both: boolean): number {
    const numbers = [...this.#up.keys()];
    const one = this.#random.pick(numbers);
    const victims = both ? numbers : one === undefined ? [] : [one];
    for (const number of victims) this.#kill(number);
    return victims.length;
  }

  /** Ends both as their clients would. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#starting.values());
    await Promise.all([...this.#up.values()].map((client) => client.close()));
    this.#up.clear();
  }

  #kill(number: number): void {
    const client = this.#up.get(number);
    this.#up.delete(number);
    if (client?.pid === null || client === undefined) return;
    process.kill(client.pid, 'SIGKILL');
    this.killed.push({ pid: client.pid, at: Date.now() });
    const closed = client.close().catch(() => undefined);
    void this.#start(number, closed);
  }

  #start(number: number, after: Promise<unknown> = Promise.resolve()): Promise<void> {
    const kind = this.#random.pick(CLIENT_KINDS) ?? 'v1';
    const starting = (async () => {
      const client = await connect(kind, this.#envs[number] ?? {});
      this.#up.set(number, client);
      this.#changed.emit('up');
      await after;
    })();
    this.#starting.set(number, starting);
    return starting;
  }
}
