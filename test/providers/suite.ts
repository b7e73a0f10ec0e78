import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type { Json } from '../../src/json.js';
import {
  type CancelOutcome,
  idIn,
  type LostAttempt,
  type Provider,
  ProviderFailure,
  SubmitError,
  type SubmitRequest,
} from '../../src/providers/provider.js';
import type { commonActionSchema } from '../emulator/common/actions.js';
import type { Clock } from '../emulator/common/clock.js';
import type { Journal } from '../emulator/common/journal.js';
import type { Ledger } from '../emulator/common/ledger.js';
import * as support from './support.js';
import { context, errorOf } from './support.js';

/** What every provider must do, whoever it is. A new one adds its emulator and one call of each suite. */

/** A provider and what a test needs to know of it. */
export interface Subject {
  /** A new instance, as after a restart. */
  open: () => Provider;
  request: SubmitRequest;
  /** Images by the keys that the request names. */
  inputs?: Readonly<Record<string, Uint8Array>>;
  /** Where the files of a result are: URLs in the body, bytes for a generator in this process. */
  delivers: 'urls' | 'bytes';
  /** What a cancel does to a job that runs. */
  cancels: CancelOutcome;
}

export type Fault = z.input<typeof commonActionSchema>;

export interface ServiceSubject extends Subject {
  openWith: (options: { key: string }) => Provider;
  /** Texts that no other host and no message may see. */
  secrets: readonly string[];
  /** The role of the emulator that sees the key; no other one may. */
  role: string;
  clock: Clock;
  journal: Journal;
  ledger: Ledger;
  fault: (op: 'submit' | 'status', action: Fault, times?: number | 'always') => void;
  /** The next job fails at the provider. */
  failNext: () => void;
  /** What is known about the money of such a job. */
  failureCharged: 'no' | 'yes' | 'unknown';
  down: () => Promise<void>;
  /** The provider loses all jobs. */
  forget: () => void;
  /** Whether it lists its jobs, so that one whose answer was lost can be found. */
  lists?: true;
  /** Replies that would lead the key elsewhere, beside redirects; placed before the submit. */
  hostile?: readonly (() => void)[];
}

type Prepare<S> = () => Promise<S>;

/** Handed through the store and read by another process. */
function stored(operation: Json): Json {
  const copy: Json = JSON.parse(JSON.stringify(operation));
  return copy;
}

async function submitTo({ request }: Subject, provider: Provider): Promise<Json> {
  return stored(await provider.submit(request, context()));
}

function followContext(subject: Subject, signal?: AbortSignal): ReturnType<typeof support.followContext> {
  const { inputs = {} } = subject;
  const readInput = async (key: string): Promise<Uint8Array> => inputs[key] ?? new Uint8Array();
  return { ...support.followContext(signal), readInput };
}

/** From the operation to the result. */
async function finish(subject: Subject, provider: Provider, operation: Json): ReturnType<Provider['result']> {
  const following = followContext(subject);
  await provider.follow(operation, following);
  return provider.result(operation, following);
}

export function providerSuite(name: string, prepare: Prepare<Subject>): void {
  describe(`${name} as a provider`, () => {
    it('takes a job, tells its progress without ever going back, and delivers', async () => {
      const subject = await prepare();
      const provider = subject.open();
      const operation = await submitTo(subject, provider);
      const following = followContext(subject);
      await provider.follow(operation, following);
      const progress = following.reports.map((report) => report.progress ?? 0);
      expect(progress).toEqual(progress.toSorted((a, b) => a - b));
      expect(following.reports.some(({ running }) => running)).toBe(true);
      expect(following.reports.every(({ stage }) => stage !== undefined && stage !== '')).toBe(true);
      const { body, files = [] } = await provider.result(operation, context());
      if (subject.delivers === 'urls') expect(JSON.stringify(body)).toMatch(/"url":"http/);
      else expect(Buffer.from(files[0] ?? []).toString('latin1', 0, 4)).toBe('glTF');
    });

    it('is taken up by another process from what was stored', async () => {
      const subject = await prepare();
      const operation = await submitTo(subject, subject.open());
      const { body } = await finish(subject, subject.open(), operation);
      expect(body).toBeTruthy();
    });

    it('says what a cancel does to a job that runs', async () => {
      const subject = await prepare();
      const provider = subject.open();
      const operation = await submitTo(subject, provider);
      expect(await provider.cancel(operation, context())).toBe(subject.cancels);
    });

    it('stops following when it is told to', async () => {
      const subject = await prepare();
      const provider = subject.open();
      const operation = await submitTo(subject, provider);
      const stop = new AbortController();
      const following = errorOf(provider.follow(operation, followContext(subject, stop.signal)));
      stop.abort(new Error('stop'));
      expect(await following).toBeInstanceOf(Error);
    });
  });
}

const RETRY_AFTER = 7;

/** Answers to a submit, and what they mean for the user's money. */
const OUTCOMES: [name: string, fault: Fault, outcome: SubmitError['outcome'], accepted: number][] = [
  ['an unknown key', { type: 'auth', kind: 'unknown-key' }, 'refused', 0],
  ['a locked account', { type: 'auth', kind: 'locked', reason: 'Suspended' }, 'refused', 0],
  ['a 402', { type: 'server', status: 402 }, 'refused', 0],
  ['a 404', { type: 'server', status: 404 }, 'refused', 0],
  ['a rate limit', { type: 'throttle', retryAfter: RETRY_AFTER }, 'refused', 0],
  ['a rate limit without a time', { type: 'throttle' }, 'refused', 0],
  ['a 400', { type: 'respond', status: 400, json: { message: 'Bad body' } }, 'rejected', 0],
  ['a 422 in HTML', { type: 'respond', status: 422, text: '<html>no</html>' }, 'rejected', 0],
  ['a reset before acceptance', { type: 'reset' }, 'unclear', 0],
  ['a reset after acceptance', { type: 'reset', accept: true }, 'unclear', 1],
  ['a 500', { type: 'server', status: 500 }, 'unclear', 0],
  ['a 502 in HTML', { type: 'server', status: 502, body: 'html' }, 'unclear', 0],
  ['a 503 without a body', { type: 'server', status: 503, body: 'empty' }, 'unclear', 0],
  ['a reply that breaks off', { type: 'reset-at', byte: 10 }, 'unclear', 1],
  ['a reply that is no JSON', { type: 'truncate', byte: 10, declare: 'actual' }, 'unclear', 1],
  ['a reply without an id', { type: 'respond', status: 200, json: {} }, 'unclear', 0],
  ['a page with status 200', { type: 'respond', status: 200, text: '<html></html>' }, 'unclear', 0],
  ['a redirect', { type: 'redirect', to: 'private' }, 'unclear', 0],
];

/** What may happen to a status, and goes by. */
const PASSING: [name: string, fault: Fault, times: number][] = [
  ['a 500', { type: 'server', status: 500 }, 1],
  ['half an hour of 503', { type: 'server', status: 503, body: 'html' }, 65],
  ['rate limits', { type: 'throttle', retryAfter: RETRY_AFTER }, 3],
  ['an absurd pause', { type: 'throttle', retryAfter: 'huge' }, 1],
  ['resets', { type: 'reset' }, 5],
  ['a reply that breaks off', { type: 'reset-at', byte: 12 }, 2],
  ['a reply that is no status', { type: 'respond', status: 200, json: { ok: true } }, 2],
  ['a reply that is no JSON', { type: 'respond', status: 200, text: '<html></html>' }, 2],
  ['a key that is refused for a while', { type: 'auth', kind: 'unknown-key' }, 4],
  ['a lock', { type: 'auth', kind: 'locked', reason: 'Check' }, 4],
  ['two 404', { type: 'server', status: 404 }, 2],
  ['redirects', { type: 'redirect', to: 'mirror' }, 3],
];

/** @param prepare on a virtual clock that moves when the provider sleeps */
export function serviceSuite(name: string, prepare: Prepare<ServiceSubject>): void {
  providerSuite(name, prepare);

  /** Whatever happened, the key went to one host, and no text names it. */
  function expectKept({ journal, role, secrets }: ServiceSubject, ...texts: string[]): void {
    const others = journal.entries().filter((entry) => entry.role !== role);
    for (const secret of secrets) {
      expect(JSON.stringify(others.map(({ headers, query }) => [headers, query]))).not.toContain(secret);
      for (const text of texts) expect(text).not.toContain(secret);
    }
    expect(journal.count('private')).toBe(0);
    expect(journal.count('mirror')).toBe(0);
  }

  describe(`${name}: a submit`, () => {
    it.each(OUTCOMES)('that meets %s', async (_name, fault, outcome, accepted) => {
      const subject = await prepare();
      subject.fault('submit', fault, 'always');
      const error = await errorOf(subject.open().submit(subject.request, context()));
      expect(error).toBeInstanceOf(SubmitError);
      expect(error).toMatchObject({ outcome });
      expect(subject.journal.count(subject.role, 'submit')).toBe(1);
      expect(subject.ledger.accepted).toBe(accepted);
      expectKept(subject, String(error));
    });

    it('that comes too soon says when to come again', async () => {
      const subject = await prepare();
      subject.fault('submit', { type: 'throttle', retryAfter: RETRY_AFTER });
      const error = await errorOf(subject.open().submit(subject.request, context()));
      expect(error).toMatchObject({ outcome: 'refused', retryAfterMs: expect.any(Number) });
    });

    it('that finds nobody there was not sent', async () => {
      const subject = await prepare();
      await subject.down();
      const error = await errorOf(subject.open().submit(subject.request, context()));
      expect(error).toMatchObject({
        outcome: 'refused',
        message: expect.stringMatching(/could not be reached.*Nothing was sent/),
      });
    });

    it('with a wrong key is refused without showing it', async () => {
      const subject = await prepare();
      const key = 'wrong-key-of-some-length:and-its-secret';
      const error = await errorOf(subject.openWith({ key }).submit(subject.request, context()));
      expect(error).toMatchObject({ outcome: 'refused' });
      expect(String(error)).not.toContain(key);
      expect(subject.ledger.accepted).toBe(0);
    });

    it('is one request, and one entry in the ledger', async () => {
      const subject = await prepare();
      const provider = subject.open();
      await finish(subject, provider, await submitTo(subject, provider));
      expect(subject.journal.count(subject.role, 'submit')).toBe(1);
      expect(subject.ledger.accepted).toBe(1);
      expectKept(subject);
    });
  });

  describe(`${name}: a job`, () => {
    it.each(PASSING)('lives through %s', async (_name, fault, times) => {
      const subject = await prepare();
      const provider = subject.open();
      const operation = await submitTo(subject, provider);
      subject.fault('status', fault, times);
      const { body } = await finish(subject, provider, operation);
      expect(JSON.stringify(body)).toContain('http');
      expect(
        subject.journal.entries({ op: 'status' }).filter(({ faults }) => faults.length > 0),
      ).toHaveLength(times);
      expect(subject.journal.count(subject.role, 'submit')).toBe(1);
      expectKept(subject);
    });

    it('is not asked for before the provider wants it to be', async () => {
      const subject = await prepare();
      const provider = subject.open();
      const operation = await submitTo(subject, provider);
      subject.fault('status', { type: 'throttle', retryAfter: 31 });
      await provider.follow(operation, followContext(subject));
      const [first, second] = subject.journal.entries({ op: 'status' }).map(({ at }) => at);
      expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(31_000);
    });

    it('that is over is told soon, by few questions', async () => {
      const subject = await prepare();
      const provider = subject.open();
      await provider.follow(await submitTo(subject, provider), followContext(subject));
      const asked = subject.journal.entries({ op: 'status' }).length;
      expect(asked).toBeGreaterThan(1);
      expect(asked).toBeLessThan(60);
    });

    it('that fails there says why and what is known of the money', async () => {
      const subject = await prepare();
      const provider = subject.open();
      subject.failNext();
      const operation = await submitTo(subject, provider);
      const error = await errorOf(finish(subject, provider, operation));
      expect(error).toBeInstanceOf(ProviderFailure);
      expect(error).toMatchObject({ kind: 'failed', charged: subject.failureCharged });
      expect(String(error)).toMatch(/mesh|geometry|image|fail/i);
      expectKept(subject, String(error));
    });

    it('that the provider has lost is expired, with its id', async () => {
      const subject = await prepare();
      const provider = subject.open();
      const operation = await submitTo(subject, provider);
      subject.forget();
      const error = await errorOf(finish(subject, provider, operation));
      expect(error).toMatchObject({ name: 'ProviderFailure', kind: 'expired', charged: 'unknown' });
      const [id] = /[\w-]{20,}/.exec(JSON.stringify(operation)) ?? ['none'];
      expect(String(error)).toContain(id);
    });

    it('goes on when nobody can be asked for hours, and the caller is told', async () => {
      const subject = await prepare();
      const provider = subject.open();
      const operation = await submitTo(subject, provider);
      const since = subject.clock.now();
      subject.fault('status', { type: 'reset' }, 250);
      const following = followContext(subject);
      await provider.follow(operation, following);
      expect(subject.clock.now() - since).toBeGreaterThan(3_600_000);
      expect(following.troubles).toContainEqual(expect.stringMatching(/broke/));
    });
  });

  describe(`${name}: a job whose answer was lost`, () => {
    it('is found where the jobs are listed, by what was sent and when', async () => {
      const subject = await prepare();
      const provider = subject.open();
      const { model, body } = subject.request;
      const { signal } = new AbortController();
      const sentAt = subject.clock.now();
      if (!subject.lists) {
        expect('findLost' in provider).toBe(false);
        return;
      }
      const find = (more: Partial<LostAttempt> = {}): Promise<Json[]> | undefined =>
        provider.findLost?.({ model, body, sentAt, ...more }, { signal });
      expect(await find()).toEqual([]);
      subject.fault('submit', { type: 'reset', accept: true });
      await errorOf(provider.submit(subject.request, context()));
      const [operation, ...others] = (await find()) ?? [];
      expect(others).toEqual([]);
      expect(idIn(operation ?? null)).toBe(subject.ledger.entries()[0]?.requestId);
      expect(await find({ body: { ...body, seed: 7 } })).toEqual([]);
      expect(await find({ model: 'another' })).toEqual([]);
      expect(await find({ sentAt: sentAt - 3_600_000 })).toEqual([]);
      expect(await find({ sentAt: sentAt + 3_600_000 })).toEqual([]);
      expect((await finish(subject, subject.open(), stored(operation ?? null))).body).toBeTruthy();
      expect(subject.ledger.accepted).toBe(1);
      expectKept(subject);
    });
  });

  describe(`${name}: a hostile answer`, () => {
    it('never leads the key to another host', async () => {
      const count = (await prepare()).hostile?.length ?? 0;
      for (let index = 0; index < count; index++) {
        const subject = await prepare();
        subject.hostile?.[index]?.();
        const provider = subject.open();
        const { body } = await finish(subject, provider, await submitTo(subject, provider));
        expect(body).toBeTruthy();
        expectKept(subject);
      }
      const subject = await prepare();
      const provider = subject.open();
      const operation = await submitTo(subject, provider);
      for (const to of ['private', 'mirror']) subject.fault('status', { type: 'redirect', to }, 2);
      await finish(subject, provider, operation);
      expectKept(subject);
    });
  });

  describe(`${name}: the key`, () => {
    it('is found good or bad without a job', async () => {
      const subject = await prepare();
      const { signal } = new AbortController();
      expect(await subject.open().checkKey?.({ signal })).toEqual({ key: 'accepted' });
      const wrong = subject.openWith({ key: 'wrong-key-of-some-length:and-its-secret' });
      expect(await wrong.checkKey?.({ signal })).toMatchObject({ key: 'refused' });
      await subject.down();
      expect(await subject.open().checkKey?.({ signal })).toMatchObject({ key: 'unknown' });
      expect(subject.ledger.accepted).toBe(0);
    });
  });
}
