import type { Effect } from './actions.js';
import { FileStore } from './cdn.js';
import type { Clock, ClockMode } from './clock.js';
import { createClock } from './clock.js';
import type { Route } from './control.js';
import { startControl } from './control.js';
import type { Exchange, Reply } from './exchange.js';
import type { FaultRule, PlacedFault } from './faults.js';
import { FaultBook } from './faults.js';
import { Identifiers } from './identifiers.js';
import { Journal } from './journal.js';
import { Ledger } from './ledger.js';
import { refuseInProduction } from './production.js';
import type { Classified, RoleServer } from './role-server.js';
import { startRole } from './role-server.js';

export interface FoundationOptions<Role extends string> {
  /** Default real time. */
  clock?: ClockMode | undefined;
  /** Milliseconds since 1970. */
  startTime?: number | undefined;
  /** What ids, file tokens and seeds are derived from. */
  seed?: string | undefined;
  /** Requests that the journal keeps; 0 keeps counts only. Default 10,000. */
  journalLimit?: number | undefined;
  ports?: Partial<Record<Role | 'control', number>> | undefined;
}

export interface RoleBehaviour<Action> {
  classify: (method: string, path: string, query: URLSearchParams) => Classified;
  handle: (exchange: Exchange, actions: Action[]) => Reply | Promise<Reply>;
}

/** What one provider brings to its emulator. */
export interface Blueprint<Role extends string, Action extends { type: string }> {
  roles: readonly (readonly [Role, RoleBehaviour<Action>])[];
  parseAction: (value: unknown) => Action;
  effectOf: (action: Action) => Effect;
  /** Routes of the control plane beyond the common ones. */
  routes: Record<string, Route>;
  urls: () => Record<string, string>;
  reset: () => void;
  close?: () => void;
}

/** The part of an emulator that is the same for every provider. */
export interface Running<Role extends string, Input, Action> {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly ledger: Ledger;
  readonly files: FileStore;
  readonly faults: FaultBook<Action>;
  fault(rule: FaultRule<Input>): PlacedFault<Action>;
  down(role: Role): Promise<void>;
  up(role: Role): Promise<void>;
  /** Forgets jobs, files, faults, journal and ledger; keys, settings and time stay. */
  reset(): void;
  close(): Promise<void>;
}

/** What every emulator stands on: first its parts, then, once the provider's own are made of them, its ports. */
export class Foundation<Role extends string> {
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly journal: Journal;
  readonly ledger = new Ledger();
  readonly files: FileStore;
  readonly #name: string;
  readonly #ports: Partial<Record<string, number>>;
  readonly #servers = new Map<string, RoleServer>();
  #controlUrl = '';

  constructor(name: string, options: FoundationOptions<Role>) {
    refuseInProduction(name);
    this.#name = name;
    this.#ports = options.ports ?? {};
    this.clock = createClock(options.clock ?? 'real', options.startTime);
    this.ids = new Identifiers(options.seed ?? name);
    this.journal = new Journal(options.journalLimit ?? 10_000);
    this.files = new FileStore(this.clock.now);
  }

  /** Origin of a role, without a slash at the end; empty before `open`. */
  url(role: Role | 'control'): string {
    return role === 'control' ? this.#controlUrl : (this.#servers.get(role)?.url ?? '');
  }

  async open<Input, Action extends { type: string }>(
    blueprint: Blueprint<Role, Action>,
  ): Promise<Running<Role, Input, Action>> {
    const { clock, journal, ledger, files } = this;
    const faults = new FaultBook<Action>();
    for (const [role, behaviour] of blueprint.roles) {
      const server = await startRole<Action>({
        role,
        port: this.#ports[role],
        journal,
        faults,
        now: clock.now,
        settle: clock.settle,
        classify: behaviour.classify,
        handle: behaviour.handle,
        effectOf: blueprint.effectOf,
      });
      this.#servers.set(role, server);
    }
    const reset = (): void => {
      blueprint.reset();
      for (const part of [files, faults, journal, ledger]) part.clear();
    };
    const servers = [...this.#servers.values()];
    const control = await startControl<Action>(
      {
        name: this.#name,
        clock,
        journal,
        ledger,
        faults,
        parseAction: blueprint.parseAction,
        servers,
        reset,
        urls: blueprint.urls,
        routes: blueprint.routes,
      },
      this.#ports['control'],
    );
    this.#controlUrl = control.url;
    return {
      clock,
      journal,
      ledger,
      files,
      faults,
      fault: (rule) => faults.place({ ...rule, action: blueprint.parseAction(rule.action) }),
      down: async (role) => this.#servers.get(role)?.down(),
      up: async (role) => this.#servers.get(role)?.up(),
      reset,
      async close() {
        clock.stop();
        blueprint.close?.();
        await Promise.all([control.close(), ...servers.map((server) => server.close())]);
      },
    };
  }
}

/** 302 to the same path and query of another origin: what a hijacked route would send. */
export function redirectKeepingPath(origin: string): Effect {
  const reply: Reply = { status: 302 };
  return {
    instead: reply,
    prepare: ({ entry }) => {
      reply.headers = { location: origin + entry.path + entry.query };
    },
  };
}
