import { setTimeout as pause } from 'node:timers/promises';
import type { TestClient } from '../support/clients.js';
import { ballPng, dataUri } from '../support/images.js';
import { type Findings, findingsOf } from './check.js';
import { openWorld, PAID, type World } from './world.js';

/**
 * Two servers on one data folder are killed with SIGKILL at random moments, again and again, while clients order free
 * and paid jobs and repeat every order whose answer they did not get. Then what is there is held against what was
 * promised and what the providers' books say.
 */

export interface CrashOptions {
  kills: number;
  /** Answers 0 to 1; orders, victims and moments follow from it. */
  random: () => number;
  /** Longest time from an order to the kill, milliseconds. */
  withinMs?: number;
  /** Called after every kill. */
  onKill?: (kills: number) => void;
}

/** What was ordered: equal calls are one order, and bought once. */
export interface Order {
  tool: string;
  args: Record<string, unknown>;
  /** Ids that were answered. */
  jobs: Set<string>;
  /** What was answered last in place of an id. */
  refusal?: string;
}

export interface CrashSummary extends Findings {
  kills: number;
  orders: number;
  /** Calls, repetitions among them. */
  calls: number;
}

const SERVERS = 2;
/** Of the orders, those for the local generator; it takes a processor for a second. */
const FREE = 0.06;
const REPEATS = 0.35;
const BOTH = 0.1;

export async function crash({ kills, random, withinMs = 400, onKill }: CrashOptions): Promise<CrashSummary> {
  const world = await openWorld(400);
  try {
    const orders: Order[] = [];
    let calls = 0;
    const servers: Promise<TestClient>[] = Array.from({ length: SERVERS }, (_, slot) => world.start(slot));
    const answers = new Set<Promise<void>>();
    const pick = <Item>(items: readonly Item[]): Item | undefined =>
      items[Math.floor(random() * items.length)];

    const place = (client: TestClient, order: Order): void => {
      calls++;
      const answer = client.call(order.tool, { ...order.args, wait_seconds: random() < 0.5 ? 0 : 3 }).then(
        ({ structured, text }) => {
          order.refusal = text.slice(0, 200);
          if (typeof structured?.['job_id'] === 'string') order.jobs.add(structured['job_id']);
        },
        // Its server was killed.
        () => undefined,
      );
      answers.add(answer);
      void answer.finally(() => answers.delete(answer));
    };

    for (let killed = 0; killed < kills;) {
      const victim = Math.floor(random() * SERVERS);
      const clients = await Promise.all(servers);
      for (let n = 1 + Math.floor(random() * 3); n > 0; n--) {
        const client = random() < 0.7 ? clients[victim] : pick(clients);
        const known = random() < REPEATS ? pick(orders.slice(-8)) : undefined;
        const order = known ?? (await newOrder(orders.length, random));
        if (!known) orders.push(order);
        if (client) place(client, order);
      }
      await pause(random() * withinMs);
      for (const slot of random() < BOTH ? servers.keys() : [victim]) {
        const client = clients[slot];
        if (typeof client?.pid !== 'number') throw new Error('a server without a process');
        process.kill(client.pid, 'SIGKILL');
        killed++;
        servers[slot] = client.close().then(
          () => world.start(slot),
          () => world.start(slot),
        );
      }
      onKill?.(killed);
    }

    await Promise.all(answers);
    const [first, second] = await Promise.all(servers);
    if (!first || !second) throw new Error('no server is left');
    // Agents that never got an answer ask once more; nothing may be bought by that.
    for (const [i, order] of orders.entries()) place(i % 2 === 0 ? first : second, order);
    await Promise.all(answers);
    await untilQuiet(first);
    await Promise.all([first.close(), second.close()]);
    await restartOnce(world);
    return { kills, orders: orders.length, calls, ...(await findingsOf(world, orders)) };
  } finally {
    await world.close();
  }
}

async function newOrder(index: number, random: () => number): Promise<Order> {
  if (random() < FREE) {
    const image_url = dataUri(await ballPng(index, 160));
    const args = {
      image_url,
      depth: 0.5 + (index % 1_000) / 2_000,
      target_triangles: 2_000,
      texture_size: 1_024,
    };
    return { tool: 'local_image_to_3d', args, jobs: new Set() };
  }
  const provider = PAID[Math.floor(random() * PAID.length)] ?? 'fal';
  // Every order has a seed of its own, by which it is known in the provider's books.
  const upload = provider === 'scenario' || random() < 0.3;
  const image_url = upload ? dataUri(await ballPng(index, 64)) : `https://example.com/${index}.png`;
  return { tool: 'pixal3d', args: { image_url, provider, seed: index + 1 }, jobs: new Set() };
}

/** All jobs have ended, also those that nobody asks for. */
async function untilQuiet(client: TestClient): Promise<void> {
  for (;;) {
    const lists = await Promise.all(
      ['queued', 'running'].map(async (status) => client.call('list_jobs', { status, limit: 1 })),
    );
    const open = lists.flatMap(({ structured }) =>
      Array.isArray(structured?.['jobs']) ? structured['jobs'] : ['unreadable'],
    );
    if (open.length === 0) return;
    await pause(500);
  }
}

/** What a process left behind is removed by the next one. */
async function restartOnce(world: World): Promise<void> {
  const client = await world.start(0);
  await client.call('list_jobs', { limit: 1 });
  await pause(1_000);
  await client.close();
}
