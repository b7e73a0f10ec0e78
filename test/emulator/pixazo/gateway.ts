import type { FileStore } from '../common/cdn.js';
import type { Clock } from '../common/clock.js';
import type { Exchange, Reply } from '../common/exchange.js';
import { headerOf, jsonReply } from '../common/exchange.js';
import { fixtureOf } from '../common/fixtures/named.js';
import type { Identifiers } from '../common/identifiers.js';
import type { Json, JsonObject } from '../common/json.js';
import { canonicalJson, parseJson, sha256, without } from '../common/json.js';
import type { Ledger, LedgerEntry } from '../common/ledger.js';
import type { Classified } from '../common/role-server.js';
import type { Runs } from '../common/runs.js';
import { phases } from '../common/runs.js';
import { checkKey, insecureWebhook, listedStatus, refusalOf, refused } from './answers.js';
import { checkPixal3d, imageProblem } from './input.js';
import type { Job } from './job.js';
import { statusBody } from './job.js';
import type { JobPlan, ParsedPixazoAction, WebhookPlan } from './plan.js';
import { webhookActionSchema } from './plan.js';
import type { Settings } from './settings.js';
import type { Webhooks } from './webhooks.js';

export interface GatewayParts {
  settings: Settings;
  clock: Clock;
  ids: Identifiers;
  ledger: Ledger;
  files: FileStore;
  runs: Runs<Job>;
  webhooks: Webhooks;
  /** Origins as told to clients. */
  gatewayOrigin: () => string;
  cdnOrigin: () => string;
  foreignOrigin: () => string;
}

const SUBMIT_PATH = '/pixal3d/v1/pixal3d-request';
const STATUS_PATH = /^\/(v2\/requests\/status|pixal3d\/v1\/result)\/([^/]+)$/;
/** As in the documents' sample: 13:17:32 to 13:19:23. */
const USUAL = { queueMs: 3000, runMs: 108_000 };

export const KEY_HEADER = 'ocp-apim-subscription-key';

export function classifyGateway(method: string, path: string): Classified {
  if (method === 'POST' && path === SUBMIT_PATH) return { op: 'submit', endpoint: 'pixal3d' };
  const [, route, id] = STATUS_PATH.exec(path) ?? [];
  if (method !== 'GET' || id === undefined) return { op: 'unknown' };
  return { op: route === 'v2/requests/status' ? 'status' : 'result', endpoint: 'pixal3d', requestId: id };
}

/** Submit and status: there is no cancel, list, upload or price route. */
export async function handleGateway(
  parts: GatewayParts,
  exchange: Exchange,
  actions: ParsedPixazoAction[],
): Promise<Reply> {
  const denied = checkKey(headerOf(exchange.headers, KEY_HEADER), parts.settings);
  if (denied) return denied;
  return exchange.op === 'submit' ? submit(parts, exchange, actions) : readStatus(parts, exchange);
}

/** The status of a request, the key not looked at. */
export function readStatus({ settings, clock, runs }: GatewayParts, exchange: Exchange): Reply {
  const job = runs.get(exchange.requestId ?? '');
  const style = job?.plan.statusStyle ?? settings.statusStyle;
  const now = clock.now();
  const known = job && now >= job.createdAt + (job.plan.unknownMs ?? settings.unknownMs);
  if (!known || (exchange.op === 'result' && style !== 'skills'))
    return listedStatus(404, settings.refusalBodies);
  return jsonReply(200, statusBody(job, now, settings, 'poll'));
}

async function submit(
  parts: GatewayParts,
  exchange: Exchange,
  actions: ParsedPixazoAction[],
): Promise<Reply> {
  const { settings, clock, ledger, runs, webhooks } = parts;
  const refusal = actions.find((action) => action.type === 'refusal');
  if (refusal) return refusalOf(refusal.kind, settings.refusalBodies);
  const body = parseJson(exchange.body.toString('utf8'));
  const malformed = headerProblem(exchange) ?? (body === undefined ? 'The body is not JSON' : undefined);
  if (body === undefined || malformed !== undefined) return refused(400, 'Bad Request', malformed ?? '');
  const url = headerOf(exchange.headers, 'x-webhook-url');
  if (url !== undefined && !isSecure(url, settings)) return insecureWebhook(settings.webhookRefusalBody);
  const { input, problem, unknown } = checkPixal3d(body);
  for (const name of unknown) exchange.entry.warnings.push(`unknown field ${name}`);
  if (problem !== undefined && settings.validateAt === 'submit') return refused(400, 'Bad Request', problem);

  const { plan, webhookPlan } = plansOf(actions);
  const late = problem ?? (await imageProblem(input['image_url'], settings));
  const job = newJob(parts, input, plan, late);
  const mode = headerOf(exchange.headers, 'x-webhook-mode') === 'sync' ? 'sync' : 'terminal';
  if (url !== undefined) job.webhook = { url, mode, plan: webhookPlan };
  job.ledger = ledger.add(newEntry(job, body, clock.now()));
  exchange.entry.requestId = job.id;
  runs.add(job);
  webhooks.follow(job);
  clock.settle();
  return jsonReply(settings.acceptedStatus, submitBody(parts, job));
}

/** The three headers that the documents ask for; the key is checked before. */
function headerProblem({ headers }: Exchange): string | undefined {
  if (!/^application\/json\b/.test(headerOf(headers, 'content-type') ?? ''))
    return 'Content-Type must be application/json';
  return headerOf(headers, 'cache-control') === 'no-cache' ? undefined : 'Cache-Control must be no-cache';
}

function isSecure(url: string, { webhookLoopback }: Settings): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (webhookLoopback && hostname === '127.0.0.1');
}

function plansOf(actions: ParsedPixazoAction[]): { plan: JobPlan; webhookPlan: WebhookPlan } {
  const plan: JobPlan = {};
  const webhookPlan: WebhookPlan = webhookActionSchema.parse({ type: 'webhook' });
  for (const action of actions) {
    const { type, ...rest } = action;
    if (type === 'job') Object.assign(plan, rest);
    if (type === 'webhook') Object.assign(webhookPlan, rest);
  }
  return { plan, webhookPlan };
}

/** @param late what the model will find wrong */
function newJob(
  { settings, clock, ids }: GatewayParts,
  input: JsonObject,
  plan: JobPlan,
  late: string | undefined,
): Job {
  const { queueMs, runMs } = phases(plan, settings, USUAL);
  const failure = failureOf(plan, settings, late);
  const jitter = settings.jitterMs > 0 ? ids.integer(settings.jitterMs) : 0;
  return {
    id: `pixal3d_${ids.uuid()}`,
    input,
    plan,
    webhook: undefined,
    ledger: NO_ENTRY,
    failure,
    createdAt: clock.now(),
    queueMs,
    runMs: runMs * (failure ? (plan.failAt ?? 1) : 1) + jitter,
    state: 'waiting',
  };
}

function failureOf(plan: JobPlan, { billFailed }: Settings, late: string | undefined): Job['failure'] {
  const { failure } = plan;
  if (late !== undefined) return { status: 'FAILED', error: late, billed: false };
  if (failure === 'error')
    return { status: 'ERROR', error: 'The upstream service is unavailable', billed: false };
  if (failure === 'failed')
    return { status: 'FAILED', error: 'No mesh could be extracted from this image', billed: billFailed };
  return failure && { billed: failure.status === 'FAILED' && billFailed, ...definedOnly(failure) };
}

function definedOnly(failure: { status: 'FAILED' | 'ERROR'; error: Json; billed?: boolean | undefined }): {
  status: 'FAILED' | 'ERROR';
  error: Json;
  billed?: boolean;
} {
  const { billed, ...rest } = failure;
  return billed === undefined ? rest : { ...rest, billed };
}

const NO_ENTRY: LedgerEntry = {
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

function newEntry(job: Job, body: Json, acceptedAt: number): LedgerEntry {
  const inputHash = sha256(canonicalJson(body));
  return { ...NO_ENTRY, requestId: job.id, endpoint: 'pixal3d', inputHash, acceptedAt, unit: 'calls' };
}

function submitBody(parts: GatewayParts, { id, plan }: Job): JsonObject {
  const { settings } = parts;
  const skills = (plan.statusStyle ?? settings.statusStyle) === 'skills';
  const pollingUrl = pollingUrlOf(parts, plan.pollingUrl ?? settings.pollingUrl, id, skills);
  const body = {
    ...(skills ? { task_id: id, status: 'queued' } : { request_id: id, status: 'QUEUED' }),
    ...(pollingUrl === undefined ? {} : { polling_url: pollingUrl }),
  };
  return without(body, plan.omit);
}

function pollingUrlOf(parts: GatewayParts, kind: string, id: string, skills: boolean): string | undefined {
  const path = `/v2/requests/status/${id}`;
  switch (kind) {
    case 'normal':
      return parts.gatewayOrigin() + (skills ? `/pixal3d/v1/result/${id}` : path);
    case 'foreign-host':
      return parts.foreignOrigin() + path;
    case 'http':
      return `http://gateway.pixazo.ai${path}`;
    case 'missing':
      return undefined;
    default:
      return kind.replaceAll('{id}', id);
  }
}

/** Stores the model of a job that went well, and bills. */
export function settleJob({ settings, files, cdnOrigin }: GatewayParts, job: Job, time: number): void {
  const { plan, failure } = job;
  if (!failure) {
    const path = `/v1/${job.id}/output.glb`;
    files.put({
      path,
      bytes: fixtureOf(plan.content ?? 'glb-pbr', plan.modelBytes),
      contentType: 'model/glb',
      expiresAt: plan.fileLifeMs === undefined ? undefined : time + plan.fileLifeMs,
    });
    job.modelUrl = cdnOrigin() + path;
  }
  const billed = failure?.billed ?? true;
  const note = failure ? `${failure.status}${billed ? ', charged all the same' : ''}` : 'COMPLETED';
  Object.assign(
    job.ledger,
    billed ? { state: 'billed', units: 1, usd: settings.callUsd, note } : { state: 'free', note },
  );
}
