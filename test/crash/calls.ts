import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../fuzz/random.js';
import { ballPng, dataUri } from '../support/images.js';
import type { ToolResult } from '../support/clients.js';
import { type Service, SERVICES } from './emulators.js';
import type { Servers } from './servers.js';

/** A call that an agent makes, perhaps more than once. The seed tells it from every other, here and in the ledgers. */
export interface Call {
  seed: number;
  /** `local` costs nothing. */
  provider: Service | 'local';
  tool: string;
  args: Record<string, unknown>;
  /** How often it was sent with force_new: each may buy one more. */
  forced: number;
  /** The ids it was answered with. */
  jobs: Set<string>;
  /** The ids that calls with force_new were answered with. */
  forcedJobs: Set<string>;
}

const IMAGES = 5;

/** Agents that call, call again when no answer comes, and now and then buy anew. */
export class Agents {
  readonly calls: Call[] = [];
  /** Answers that are no job, in words. */
  readonly complaints: string[] = [];
  readonly #servers: Servers;
  readonly #random: Random;
  readonly #running = new Set<Promise<void>>();
  #images: string[] = [];

  constructor(servers: Servers, random: Random) {
    this.#servers = servers;
    this.#random = random;
  }

  async prepare(): Promise<void> {
    this.#images = await Promise.all(Array.from({ length: IMAGES }, (_, i) => ballPng(i, 96).then(dataUri)));
  }

  /** Makes a call, or one that was made before, unless so many wait; does not wait for the answer. */
  act(mostWaiting: number): void {
    if (this.#running.size >= mostWaiting) return;
    const known = this.#random.chance(0.35) ? this.#random.pick(this.calls) : undefined;
    const running = known ? this.#again(known) : this.#anew();
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Resolves when one of the calls that wait is answered, or after so many milliseconds. */
  async answered(ms: number): Promise<void> {
    await Promise.race([...this.#running, pause(ms)]);
  }

  async #anew(): Promise<void> {
    const seed = this.calls.length + 1;
    // Local jobs take the time of a processor that the servers need to start.
    const provider = this.#random.chance(0.12) ? 'local' : this.#random.pick(SERVICES);
    // Scenario takes bytes only; the others are given URLs of their own, too.
    const url = provider !== 'scenario' && provider !== 'local' && this.#random.chance(0.5);
    const image = url ? `https://example.com/${seed}.png` : (this.#random.pick(this.#images) ?? '');
    const paid = { image_url: image, provider, seed, texture_size: 1024 };
    const local = { image_url: image, depth: 0.3 + seed / 10_000, target_triangles: 500, texture_size: 1024 };
    const call: Call = {
      seed,
      provider,
      tool: provider === 'local' ? 'local_image_to_3d' : 'pixal3d',
      args: provider === 'local' ? local : paid,
      forced: 0,
      jobs: new Set(),
      forcedJobs: new Set(),
    };
    this.calls.push(call);
    await this.#make(call);
  }

  async #again(call: Call): Promise<void> {
    if (!this.#random.chance(0.2)) return this.#make(call);
    call.forced++;
    // Not again by itself: whoever sets force_new asks for one more each time.
    const args = { ...call.args, wait_seconds: 0, force_new: true };
    const result = await this.#servers.call(call.tool, args).catch(() => undefined);
    if (result) this.#note(result, call, call.forcedJobs);
  }

  async #make(call: Call): Promise<void> {
    const wait = this.#random.chance(0.3) ? 1 : 0;
    this.#note(await this.#servers.insist(call.tool, { ...call.args, wait_seconds: wait }), call, call.jobs);
  }

  #note({ structured, text }: ToolResult, call: Call, jobs: Set<string>): void {
    const id = structured?.['job_id'];
    if (typeof id === 'string') jobs.add(id);
    else
      this.complaints.push(
        `call ${call.seed} over ${call.provider} was answered with: ${text.slice(0, 300)}`,
      );
  }
}
