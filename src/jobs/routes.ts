import type { ProviderId } from '../config.js';
import type { JsonObject } from '../json.js';
import type { Model, Route } from './model.js';

/** Which of a model's routes takes a call, and why. */

export interface RouteChoice {
  route: Route;
  /** For the answer, in a few words. */
  reason: string;
}

export interface RouteQuestion {
  model: Model;
  args: JsonObject;
  /** `auto`, or the provider that the caller insists on. */
  choice: string;
  /** Providers that refused this job already, and how. */
  tried: readonly { provider: ProviderId; refusal: string }[];
  hasKey: (provider: ProviderId) => boolean;
  isHealthy: (provider: ProviderId) => boolean;
  price: (route: Route) => number | null;
}

/**
 * The best route first: what can do what was asked, over a provider that did not refuse lately, the cheapest known
 * price, unknown prices last, else the model's own order.
 *
 * @returns the choices, and why other routes with a key cannot take the call
 */
export function chooseRoutes(question: RouteQuestion): { choices: RouteChoice[]; refusals: string[] } {
  const { model, args, choice, tried, hasKey, isHealthy, price } = question;
  const refusals: string[] = [];
  const able = model.routes.filter((route) => {
    if (!hasKey(route.provider) || tried.some(({ provider }) => provider === route.provider)) return false;
    if (choice !== 'auto' && route.provider !== choice) return false;
    const refusal = route.refuses?.(args);
    if (refusal !== undefined) refusals.push(refusal);
    return refusal === undefined;
  });
  const rank = (route: Route): number => (isHealthy(route.provider) ? 0 : 1);
  const cost = (route: Route): number => price(route) ?? Number.POSITIVE_INFINITY;
  const ordered = able.toSorted((a, b) => rank(a) - rank(b) || compare(cost(a), cost(b)));
  const because = [tellTried(tried), ...refusals].filter(Boolean).join(' ');
  const reason = (route: Route): string => {
    if (because !== '') return because;
    if (choice !== 'auto') return 'as asked';
    if (able.length === 1) return 'the only one with a key';
    if (able.some((other) => !isHealthy(other.provider)) && isHealthy(route.provider))
      return 'another one refused lately';
    return price(route) === null ? 'first of those with a key' : 'the cheapest with a known price';
  };
  return { choices: ordered.map((route) => ({ route, reason: reason(route) })), refusals };
}

/** What each provider said that refused a job; empty where none did. */
export function tellTried(tried: RouteQuestion['tried']): string {
  return tried.map(({ provider, refusal }) => `${provider} refused: ${refusal}`).join(' ');
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Providers that refused a job lately are tried last for a while; memory of this process only. */
export class Health {
  /** By provider and principal: keys and credit may be a principal's own. */
  readonly #until = new Map<string, number>();

  refused(provider: ProviderId, principal: string, ms: number): void {
    this.#until.set(`${provider} ${principal}`, Date.now() + ms);
  }

  accepted(provider: ProviderId, principal: string): void {
    this.#until.delete(`${provider} ${principal}`);
  }

  isHealthy(provider: ProviderId, principal: string): boolean {
    return (this.#until.get(`${provider} ${principal}`) ?? 0) <= Date.now();
  }
}
