import type { Dialect } from '../common/actions.js';
import type { Reply } from '../common/exchange.js';
import { jsonReply } from '../common/exchange.js';
import type { Identifiers } from '../common/identifiers.js';
import type { JsonObject } from '../common/json.js';
import type { RefusalKind } from './plan.js';
import type { Settings } from './settings.js';

/** Refusals in the three shapes that were seen: `{reason, traceId}`, `{message}`, `{name, …}`. */
export class Answers {
  readonly #settings: Settings;
  readonly #ids: Identifiers;

  constructor(settings: Settings, ids: Identifiers) {
    this.#settings = settings;
    this.#ids = ids;
  }

  reason(status: number, reason: string, more: JsonObject = {}): Reply {
    return jsonReply(status, { reason, ...more, [this.#settings.traceName]: this.#ids.uuid() });
  }

  message(status: number, message: string): Reply {
    return jsonReply(status, { message });
  }

  /** A team-wide ceiling: nothing was accepted, nothing is billed. */
  limit(): Reply {
    if (this.#settings.limitShape === 'details') {
      return this.reason(429, 'You have reached the limit of concurrent generations for your team.', {
        details: { actionName: 'concurrent-generations', actionLimit: this.#settings.concurrency ?? 5 },
      });
    }
    return this.reason(429, 'Too many concurrent generations. Please try again later.', {
      remainingSeconds: 30,
    });
  }

  /** Retrying never helps. */
  plan(modelId: string): Reply {
    return jsonReply(403, {
      name: 'ModelAccessRestrictedError',
      message: 'This model is not available on your plan.',
      modelId,
      requiredPlan: this.#settings.requiredPlan ?? 'cu-pro',
    });
  }

  refusal(kind: RefusalKind, modelId: string): Reply {
    switch (kind) {
      case 'plan':
        return this.plan(modelId);
      case 'no-units':
        return this.reason(402, 'Not enough creative units to run this generation.');
      case 'limit':
        return this.limit();
      case 'bad-input':
        return this.reason(400, 'Invalid value for parameter image.');
      case 'project':
        return this.message(403, 'You do not have access to this project.');
      default:
        return this.message(403, 'Forbidden');
    }
  }

  /** @returns undefined when key, secret and project belong together */
  check(authorization: string | undefined, projectId: string | null): Reply | undefined {
    const { keys, projectIds } = this.#settings;
    const encoded = /^Basic (\S+)$/.exec(authorization ?? '')?.[1];
    if (encoded === undefined) return this.message(401, 'Missing authentication.');
    if (!keys.includes(Buffer.from(encoded, 'base64').toString('utf8')))
      return this.message(401, 'Invalid API key or secret.');
    return projectId === null || projectIds.includes(projectId) ? undefined : this.refusal('project', '');
  }

  dialect(): Dialect {
    return {
      throttled: () => this.limit(),
      broken: (status) => this.message(status, 'Internal server error'),
      refused: (kind, reason) =>
        kind === 'locked'
          ? this.message(403, reason ?? 'Your account is suspended.')
          : this.message(401, 'Invalid API key or secret.'),
      redirectTarget: (to) => to,
    };
  }
}
