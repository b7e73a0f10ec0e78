import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Jobs, ServiceDeps } from '../jobs/service.js';
import { startOfDay } from '../jobs/spending.js';

/** What an operator watches, in the form of Prometheus. Nothing in it names a principal, a job or a key. */

const REQUEST_SECONDS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300];
const CALL_SECONDS = [0.05, 0.2, 0.5, 1, 2, 5, 15, 60, 180, 600];

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Histogram<'method' | 'route' | 'status'>;
  readonly #calls: Histogram<'provider' | 'call' | 'outcome'>;

  constructor() {
    const registers = [this.#registry];
    // Event-loop lag, heap, garbage collection, file descriptors.
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Histogram({
      name: 'meshwright_http_request_seconds',
      help: 'Time from a request to the end of its answer; streams count until they are closed.',
      labelNames: ['method', 'route', 'status'],
      buckets: REQUEST_SECONDS,
      registers,
    });
    this.#calls = new Histogram({
      name: 'meshwright_provider_call_seconds',
      help: 'Time that a provider took: upload, submit, follow until the end, result, cancel.',
      labelNames: ['provider', 'call', 'outcome'],
      buckets: CALL_SECONDS,
      registers,
    });
  }

  /** Adds what is read from the database whenever somebody asks. */
  watch(jobs: Jobs, sessions: () => number): void {
    const registers = [this.#registry];
    const tally = (): ReturnType<Jobs['store']['jobs']['tally']> =>
      jobs.store.jobs.tally(startOfDay(Date.now()));
    const byState = new Gauge({
      name: 'meshwright_jobs',
      help: 'Jobs by state and provider; those in intent, submitting, submitted and storing are unfinished.',
      labelNames: ['state', 'provider'],
      registers,
      async collect() {
        byState.reset();
        for (const { state, provider, jobs: count } of await tally()) byState.set({ state, provider }, count);
      },
    });
    const spent = new Gauge({
      name: 'meshwright_spent_today_usd',
      help: 'Dollars of the jobs of this UTC day: billed, or else estimated. Unknown prices are in no sum.',
      labelNames: ['provider'],
      registers,
      async collect() {
        spent.reset();
        for (const { provider, spentUsd } of await tally()) spent.inc({ provider }, spentUsd);
      },
    });
    const open = new Gauge({
      name: 'meshwright_mcp_sessions',
      help: 'Open sessions of clients of the revisions before 2026-07-28.',
      registers,
      collect() {
        open.set(sessions());
      },
    });
  }

  request(method: string, route: string, status: number, seconds: number): void {
    const known = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'].includes(method) ? method : 'other';
    this.#requests.observe({ method: known, route, status: String(status) }, seconds);
  }

  readonly providerCall: NonNullable<ServiceDeps['observe']> = ({ provider, call, seconds, ok }) => {
    this.#calls.observe({ provider, call, outcome: ok ? 'ok' : 'error' }, seconds);
  };

  async read(): Promise<{ text: string; type: string }> {
    return { text: await this.#registry.metrics(), type: this.#registry.contentType };
  }
}
