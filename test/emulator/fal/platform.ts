import { z } from 'zod';
import type { Exchange, Reply } from '../common/exchange.js';
import { headerOf, jsonReply } from '../common/exchange.js';
import type { Json, JsonObject } from '../common/json.js';
import { parseJson } from '../common/json.js';
import type { Ledger } from '../common/ledger.js';
import type { Classified } from '../common/role-server.js';
import { checkKey } from './answers.js';
import type { JobBoard } from './board.js';
import type { Endpoint } from './endpoints.js';
import { ENDPOINTS } from './endpoints.js';
import type { Field } from './fields.js';
import { dollars, PRICES } from './pricing.js';
import type { Settings } from './settings.js';

export interface PlatformParts {
  settings: Settings;
  board: JobBoard;
  ledger: Ledger;
}

const OPS: Readonly<Record<string, string>> = {
  'GET /v1/models': 'models',
  'GET /v1/models/pricing': 'pricing',
  'POST /v1/models/pricing/estimate': 'estimate',
  'GET /v1/models/usage': 'usage',
  'GET /v1/models/requests/by-endpoint': 'requests',
  'GET /v1/meta': 'meta',
};

export function classifyPlatform(method: string, path: string): Classified {
  return { op: OPS[`${method} ${path}`] ?? 'unknown' };
}

/** The platform's own interface: catalogue, prices, usage, meta. Every list has `has_more` and `next_cursor`. */
export function handlePlatform(parts: PlatformParts, exchange: Exchange): Reply {
  if (exchange.op === 'unknown') return notFound(`No route ${exchange.method} ${exchange.path}`);
  if (exchange.op === 'models') return models(parts, exchange.query);
  const refused = checkKey(headerOf(exchange.headers, 'authorization'), parts.settings.keys);
  if (refused) return refused;
  switch (exchange.op) {
    case 'pricing':
      return pricing(endpointIds(exchange.query));
    case 'estimate':
      return estimate(parseJson(exchange.body.toString('utf8')));
    case 'usage':
      return usage(parts, endpointIds(exchange.query));
    case 'requests':
      return requests(parts, endpointIds(exchange.query));
    default:
      return jsonReply(200, { webhook_ip_ranges: ['192.0.2.0/24', '2001:db8::/32'] });
  }
}

/** Repeated, or separated by commas. */
function endpointIds(query: URLSearchParams): string[] {
  return query.getAll('endpoint_id').flatMap((ids) => ids.split(','));
}

function notFound(message: string): Reply {
  return jsonReply(404, {
    error: { type: 'not_found', message, docs_url: 'https://docs.fal.ai/platform-apis' },
  });
}

function page(name: string, items: Json[]): JsonObject {
  return { [name]: items, next_cursor: null, has_more: false };
}

function pricing(ids: string[]): Reply {
  if (ids.length === 0 || ids.length > 50) {
    return jsonReply(400, {
      error: { type: 'validation_error', message: '1 to 50 endpoint_id are required' },
    });
  }
  const unknown = ids.find((id) => !PRICES[id]);
  if (unknown !== undefined) return notFound(`Endpoint ${unknown} not found`);
  const prices = ids.map((id) => ({
    endpoint_id: id,
    unit_price: PRICES[id]?.unitPrice ?? 0,
    unit: PRICES[id]?.unit ?? '',
    currency: 'USD',
  }));
  return jsonReply(200, page('prices', prices));
}

const estimateSchema = z.object({
  estimate_type: z.literal('unit_price'),
  endpoints: z.record(z.string(), z.object({ unit_quantity: z.number().min(0) })),
});

function estimate(body: Json | undefined): Reply {
  const { data, error } = estimateSchema.safeParse(body);
  if (error) return jsonReply(400, { error: { type: 'validation_error', message: z.prettifyError(error) } });
  let total = 0;
  for (const [id, { unit_quantity: units }] of Object.entries(data.endpoints)) {
    const price = PRICES[id];
    if (!price) return notFound(`Endpoint ${id} not found`);
    total += dollars(price, units);
  }
  return jsonReply(200, { estimate_type: 'unit_price', total_cost: total, currency: 'USD' });
}

function usage({ ledger }: PlatformParts, ids: string[]): Reply {
  const groups = new Map<string, { quantity: number; cost: number }>();
  for (const { endpoint, units, usd, state } of ledger.entries()) {
    if (state !== 'billed' || (ids.length > 0 && !ids.includes(endpoint))) continue;
    const { quantity, cost } = groups.get(endpoint) ?? { quantity: 0, cost: 0 };
    groups.set(endpoint, { quantity: quantity + units, cost: cost + usd });
  }
  const items = [...groups].map(([id, { quantity, cost }]) => ({
    endpoint_id: id,
    unit: PRICES[id]?.unit ?? '',
    quantity,
    unit_price: PRICES[id]?.unitPrice ?? 0,
    cost,
    currency: 'USD',
  }));
  return jsonReply(200, page('summary', items));
}

/** What was really accepted: how a client finds out about a submit whose reply was lost. */
function requests({ board }: PlatformParts, ids: string[]): Reply {
  const items = board
    .all()
    .filter((job) => ids.includes(job.endpoint.id))
    .map((job) => ({
      request_id: job.id,
      endpoint_id: job.endpoint.id,
      sent_at: new Date(job.createdAt).toISOString(),
      started_at: job.startedAt === undefined ? null : new Date(job.startedAt).toISOString(),
      ended_at: job.doneAt === undefined ? null : new Date(job.doneAt).toISOString(),
      status_code: job.doneAt === undefined ? null : (job.failure?.reply.status ?? 200),
    }));
  return jsonReply(200, page('items', items));
}

const MODELS_PER_PAGE = 5;

function models({ settings }: PlatformParts, query: URLSearchParams): Reply {
  const wanted = endpointIds(query);
  const listed = [...ENDPOINTS.values()].filter(
    ({ id }) => !settings.delisted.includes(id) && (wanted.length === 0 || wanted.includes(id)),
  );
  const first = Number(query.get('cursor') ?? 0);
  const shown = listed.slice(first, first + MODELS_PER_PAGE);
  const more = first + MODELS_PER_PAGE < listed.length;
  const expand = query.getAll('expand').includes('openapi-3.0');
  return jsonReply(200, {
    models: shown.map((endpoint) => ({
      endpoint_id: endpoint.id,
      metadata: {
        display_name: endpoint.title,
        category: 'image-to-3d',
        status: 'active',
        license_type: 'commercial',
        updated_at: '2026-06-11T00:00:00Z',
      },
      ...(expand ? { openapi: openApi(endpoint) } : {}),
    })),
    next_cursor: more ? String(first + MODELS_PER_PAGE) : null,
    has_more: more,
  });
}

function openApi({ id, title, fields }: Endpoint): JsonObject {
  const required = Object.keys(fields).filter((name) => fields[name]?.required);
  const properties = Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, jsonSchema(field)]),
  );
  return {
    openapi: '3.0.4',
    info: { title, version: '1.0.0', 'x-fal-metadata': { endpointId: id } },
    components: { schemas: { Input: { type: 'object', required, properties } } },
  };
}

function jsonSchema(field: Field): JsonObject {
  const more = {
    ...(field.default === undefined ? {} : { default: field.default }),
    ...(field.nullable ? { nullable: true } : {}),
  };
  switch (field.kind) {
    case 'file':
    case 'text':
      return { type: 'string', ...more };
    case 'files':
    case 'integers':
      return { type: 'array', items: { type: field.kind === 'files' ? 'string' : 'integer' }, ...more };
    case 'integer':
    case 'number':
      return {
        type: field.kind,
        ...(field.min === undefined ? {} : { minimum: field.min }),
        ...(field.max === undefined ? {} : { maximum: field.max }),
        ...more,
      };
    case 'boolean':
      return { type: 'boolean', ...more };
    default:
      return { type: typeof field.of[0] === 'number' ? 'integer' : 'string', enum: [...field.of], ...more };
  }
}
