import type { Clock } from '../common/clock.js';
import type { Exchange, Reply } from '../common/exchange.js';
import { headerOf, jsonReply } from '../common/exchange.js';
import type { Identifiers } from '../common/identifiers.js';
import type { Json, JsonObject } from '../common/json.js';
import { canonicalJson, isJsonObject, parseJson, sha256, without } from '../common/json.js';
import type { Ledger } from '../common/ledger.js';
import { checkKey, modelErrors, pathNotFound, tooManyRequests } from './answers.js';
import type { JobBoard } from './board.js';
import type { Endpoint } from './endpoints.js';
import { aliasOf, ENDPOINTS } from './endpoints.js';
import type { Failure } from './failures.js';
import { failed, modelFailure } from './failures.js';
import type { Job } from './job.js';
import { durations, queuePosition, resultReply } from './job.js';
import { lifecycleOf } from './lifecycle.js';
import type { JobPlan, ParsedFalAction, WebhookPlan } from './plan.js';
import { webhookActionSchema } from './plan.js';
import { PRICES } from './pricing.js';
import type { Settings } from './settings.js';
import { statusReply, streamReply } from './status.js';
import { isServed, urlsOf } from './urls.js';
import { checkInput, fieldError } from './validate.js';

export interface QueueParts {
  settings: Settings;
  clock: Clock;
  ids: Identifiers;
  ledger: Ledger;
  board: JobBoard;
  /** Origin of the queue as told to clients. */
  origin: () => string;
  /** Resolves when the job's webhook was tried once. */
  deliverEarly: (job: Job) => Promise<void>;
}

/** The queue: submit, status, stream, result and cancel. */
export async function handleQueue(
  parts: QueueParts,
  exchange: Exchange,
  actions: ParsedFalAction[],
): Promise<Reply> {
  const { settings, board, clock } = parts;
  const refused = checkKey(headerOf(exchange.headers, 'authorization'), settings.keys);
  if (refused) return refused;
  if (exchange.op === 'submit') return submit(parts, exchange, actions);
  const job = board.get(exchange.requestId ?? '');
  if (exchange.op === 'cancel' && exchange.method === 'PUT' && !job)
    return cancelled(settings, 404, 'NOT_FOUND');
  if (!job || !isServed(settings, job, exchange.path)) return pathNotFound(exchange.path);
  if (exchange.method === 'PUT' && exchange.op === 'cancel') return cancel(parts, job);
  if (exchange.method !== 'GET') return jsonReply(405, { detail: 'Method Not Allowed' });
  const urls = urlsOf(parts.origin(), job);
  const withLogs = exchange.query.get('logs') === '1';
  if (exchange.op === 'status') return statusReply(job, urls, clock.now(), withLogs, settings, board);
  if (exchange.op === 'result') return resultReply(job, clock.now());
  if (!settings.streaming) return pathNotFound(exchange.path);
  return streamReply(job, urls, withLogs, { settings, clock, board });
}

async function submit(parts: QueueParts, exchange: Exchange, actions: ParsedFalAction[]): Promise<Reply> {
  const { settings, clock, ids, board, ledger } = parts;
  const endpoint = ENDPOINTS.get(exchange.endpoint ?? '');
  if (!endpoint || settings.delisted.includes(endpoint.id)) {
    // The part after owner and alias is what the app does not know.
    return pathNotFound(`/${exchange.path.split('/').slice(3).join('/')}`);
  }
  const body = parseJson(exchange.body.toString('utf8'));
  if (body === undefined) {
    return modelErrors(422, [
      fieldError([0], 'JSON decode error', 'json_invalid', {}, { error: 'Expecting value' }),
    ]);
  }
  const { errors, input, unknown } = checkInput(endpoint.fields, body, settings.coercion);
  for (const name of unknown) exchange.entry.warnings.push(`unknown field ${name}`);
  if (errors.length > 0 && settings.validateAt === 'submit') return modelErrors(422, errors);
  const longest = exchange.query.get('fal_max_queue_length');
  if (longest !== null && board.waiting >= Number(longest)) return tooManyRequests();

  const { plan, webhookPlan } = plansOf(actions);
  const job = newJob(parts, exchange, endpoint, input, body, plan, webhookPlan);
  const late =
    errors.length > 0 ? failed(modelErrors(422, errors), errors[0]?.type ?? '') : emptyRodin(endpoint, input);
  if (late) job.failure = late;
  job.ledger = ledger.add({
    requestId: job.id,
    endpoint: endpoint.id,
    inputHash: sha256(canonicalJson(body)),
    acceptedAt: clock.now(),
    state: 'accepted',
    units: 0,
    unit: PRICES[endpoint.id]?.unit ?? '',
    usd: 0,
    note: '',
  });
  exchange.entry.requestId = job.id;
  const startTimeout = headerOf(exchange.headers, 'x-fal-request-timeout');
  board.add(job, startTimeout === undefined ? undefined : Number(startTimeout) * 1000);
  clock.settle();
  if (job.webhook?.plan.early) await parts.deliverEarly(job);
  const reply = {
    status: 'IN_QUEUE',
    request_id: job.id,
    queue_position: job.state === 'waiting' ? queuePosition(job, clock.now(), board.ahead(job)) : 0,
    ...urlsOf(parts.origin(), job),
    gateway_request_id: ids.uuid(),
  };
  return jsonReply(200, without(reply, plan.omit), { 'x-fal-request-id': job.id });
}

function newJob(
  { settings, clock, ids }: QueueParts,
  exchange: Exchange,
  endpoint: Endpoint,
  input: JsonObject,
  body: Json,
  plan: JobPlan,
  webhookPlan: WebhookPlan,
): Job {
  const webhook = exchange.query.get('fal_webhook');
  const asked = isJsonObject(body) ? body['seed'] : undefined;
  const seedField = endpoint.fields['seed'];
  const greatestSeed = (seedField?.kind === 'integer' ? seedField.max : undefined) ?? 2 ** 31 - 1;
  const early = webhook !== null && webhookPlan.early;
  const { queueMs, runMs } = early ? { queueMs: 0, runMs: 0 } : durations(endpoint, plan, settings);
  return {
    id: ids.uuid(),
    endpoint,
    input,
    plan,
    lifecycle: lifecycleOf(exchange.headers),
    webhook: webhook === null ? undefined : { url: webhook, plan: webhookPlan },
    base: settings.urlMode === 'nested' ? endpoint.id : aliasOf(endpoint.id),
    resultSuffix: settings.urlMode === 'response-suffix' ? '/response' : '',
    seed: plan.seed ?? (typeof asked === 'number' ? asked : ids.integer(greatestSeed + 1)),
    ledger: NO_LEDGER_ENTRY,
    createdAt: clock.now(),
    queueMs,
    runMs: runMs + (settings.jitterMs > 0 ? ids.integer(settings.jitterMs) : 0),
    state: 'waiting',
    watchers: new Set(),
  };
}

const NO_LEDGER_ENTRY: Job['ledger'] = {
  requestId: '',
  endpoint: '',
  inputHash: '',
  acceptedAt: 0,
  state: 'accepted',
  units: 0,
  unit: '',
  usd: 0,
  note: '',
};

/** Rodin's schema requires nothing; a call with neither prompt nor images is refused by the model itself. */
function emptyRodin(endpoint: Endpoint, input: JsonObject): Failure | undefined {
  if (endpoint.id !== 'fal-ai/hyper3d/rodin') return undefined;
  const images = input['input_image_urls'];
  if (input['prompt'] !== '' || (Array.isArray(images) && images.length > 0)) return undefined;
  return modelFailure(
    422,
    undefined,
    'Either prompt or input_image_urls must be provided',
    'value_error',
    input,
  );
}

function plansOf(actions: ParsedFalAction[]): { plan: JobPlan; webhookPlan: WebhookPlan } {
  const plan: JobPlan = {};
  const webhookPlan: WebhookPlan = webhookActionSchema.parse({ type: 'webhook' });
  for (const action of actions) {
    const { type, ...rest } = action;
    if (type === 'job') Object.assign(plan, rest);
    if (type === 'webhook') Object.assign(webhookPlan, rest);
  }
  return { plan, webhookPlan };
}

function cancel({ settings, board }: QueueParts, job: Job): Reply {
  const found = board.cancel(job);
  if (found === 'removed') return cancelled(settings, 200, 'OK');
  if (found === 'requested') return cancelled(settings, 202, 'CANCELLATION_REQUESTED');
  return cancelled(settings, 400, 'ALREADY_COMPLETED');
}

/** Two generations of the documents: a status with a word, or 200 with `success`. */
function cancelled({ cancelReply }: Settings, status: number, word: string): Reply {
  return cancelReply === 'success'
    ? jsonReply(200, { success: status < 400 })
    : jsonReply(status, { status: word });
}
