import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { ProviderId } from '../../src/config.js';
import type { Model, Route } from '../../src/jobs/model.js';
import { chooseRoutes, Health, type RouteQuestion } from '../../src/jobs/routes.js';

const route = (provider: ProviderId, more: Partial<Route> = {}): Route => ({
  provider,
  endpoint: `${provider}-model`,
  request: (args) => args,
  output: () => ({ files: [] }),
  prices: [],
  ...more,
});

const model = (first: Route, ...others: Route[]): Model => ({
  tool: 'pretend',
  title: 'Pretend',
  description: 'A model that is only in this test',
  input: z.strictObject({}),
  licence: 'none',
  outputs: ['glb'],
  routes: [first, ...others],
});

function ask(change: Partial<RouteQuestion> = {}): ReturnType<typeof chooseRoutes> {
  return chooseRoutes({
    model: model(route('fal'), route('pixazo'), route('scenario')),
    args: {},
    choice: 'auto',
    tried: [],
    hasKey: () => true,
    isHealthy: () => true,
    price: () => null,
    ...change,
  });
}

const providers = (found: ReturnType<typeof chooseRoutes>): string[] =>
  found.choices.map((choice) => choice.route.provider);

describe('the route of a job', () => {
  it('is one with a key, in the order of the model', () => {
    expect(providers(ask())).toEqual(['fal', 'pixazo', 'scenario']);
    expect(providers(ask({ hasKey: (id) => id !== 'fal' }))).toEqual(['pixazo', 'scenario']);
    expect(ask({ hasKey: (id) => id === 'scenario' }).choices[0]?.reason).toBe('the only one with a key');
  });

  it('is the cheapest with a known price first', () => {
    const price = ({ provider }: Route): number | null =>
      provider === 'scenario' ? 0.2 : provider === 'fal' ? 0.4 : null;
    expect(providers(ask({ price }))).toEqual(['scenario', 'fal', 'pixazo']);
  });

  it('is the one that was asked for, whatever it costs', () => {
    expect(
      providers(ask({ choice: 'pixazo', price: ({ provider }) => (provider === 'pixazo' ? 9 : 1) })),
    ).toEqual(['pixazo']);
  });

  it('passes over a provider that refused lately, and says so', () => {
    const health = new Health();
    health.refused('fal', 'ada', 60_000);
    const found = ask({ isHealthy: (id) => health.isHealthy(id, 'ada') });
    expect(providers(found)).toEqual(['pixazo', 'scenario', 'fal']);
    expect(found.choices[0]?.reason).toMatch(/refused lately/);
    health.accepted('fal', 'ada');
    expect(providers(ask({ isHealthy: (id) => health.isHealthy(id, 'ada') }))[0]).toBe('fal');
  });

  it('is never one that this job tried already, and the reason names what it said', () => {
    const found = ask({ tried: [{ provider: 'fal', refusal: 'the account is locked' }] });
    expect(providers(found)).toEqual(['pixazo', 'scenario']);
    expect(found.choices[0]?.reason).toMatch(/fal refused: the account is locked/);
  });

  it('can do what was asked; what cannot says why', () => {
    const found = ask({
      model: model(route('scenario', { refuses: () => 'Scenario cannot set ss_rescale_t.' }), route('fal')),
    });
    expect(providers(found)).toEqual(['fal']);
    expect(found.refusals).toEqual(['Scenario cannot set ss_rescale_t.']);
  });
});
