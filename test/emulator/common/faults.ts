/** Which requests a fault is for. What is left out matches everything. */
export interface FaultMatch {
  role?: string | undefined;
  op?: string | undefined;
  endpoint?: string | undefined;
  requestId?: string | undefined;
  method?: string | undefined;
  /** The request's path: a text with `*` for any characters, or an expression. */
  path?: string | RegExp | undefined;
}

export interface FaultRule<Action> {
  match: FaultMatch;
  /** The first matching request that is hit, counted from when the rule was placed. Default 1. */
  nth?: number | undefined;
  /** How many matching requests are hit from there on. Default 1. */
  times?: number | 'always' | undefined;
  action: Action;
}

export interface PlacedFault<Action> {
  readonly id: number;
  readonly rule: FaultRule<Action>;
  /** Matching requests so far. */
  readonly calls: number;
  /** Requests that were hit. */
  readonly hits: number;
  remove(): void;
}

/** What a request is compared with. */
export interface FaultTarget {
  role: string;
  op: string;
  method: string;
  path: string;
  endpoint?: string | undefined;
  requestId?: string | undefined;
}

/** The rules in force. Several may hit one request: a slow job *and* a lost reply. */
export class FaultBook<Action> {
  #placed: { id: number; rule: FaultRule<Action>; calls: number; hits: number }[] = [];
  #next = 1;

  place(rule: FaultRule<Action>): PlacedFault<Action> {
    const placed = { id: this.#next++, rule, calls: 0, hits: 0 };
    this.#placed.push(placed);
    return {
      id: placed.id,
      rule,
      get calls() {
        return placed.calls;
      },
      get hits() {
        return placed.hits;
      },
      remove: () => this.remove(placed.id),
    };
  }

  /** Counts the request against every rule and returns the actions of those that hit it. */
  take(target: FaultTarget): Action[] {
    const actions: Action[] = [];
    for (const placed of this.#placed) {
      if (!matches(placed.rule.match, target)) continue;
      placed.calls += 1;
      const { nth = 1, times = 1 } = placed.rule;
      if (placed.calls < nth || (times !== 'always' && placed.calls >= nth + times)) continue;
      placed.hits += 1;
      actions.push(placed.rule.action);
    }
    return actions;
  }

  list(): { id: number; rule: FaultRule<Action>; calls: number; hits: number }[] {
    return this.#placed.map((placed) => ({ ...placed }));
  }

  remove(id: number): void {
    this.#placed = this.#placed.filter((placed) => placed.id !== id);
  }

  clear(): void {
    this.#placed = [];
  }
}

function matches(match: FaultMatch, target: FaultTarget): boolean {
  return (
    (match.role === undefined || match.role === target.role) &&
    (match.op === undefined || match.op === target.op) &&
    (match.endpoint === undefined || match.endpoint === target.endpoint) &&
    (match.requestId === undefined || match.requestId === target.requestId) &&
    (match.method === undefined || match.method === target.method) &&
    (match.path === undefined || pathMatches(match.path, target.path))
  );
}

function pathMatches(pattern: string | RegExp, path: string): boolean {
  if (typeof pattern !== 'string') return path.search(pattern) >= 0;
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`).test(path);
}
