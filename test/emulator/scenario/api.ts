import { z } from 'zod';
import type { Exchange, Reply } from '../common/exchange.js';
import { headerOf, jsonReply } from '../common/exchange.js';
import { imageTypeOf } from '../common/fixtures/images.js';
import type { JsonObject } from '../common/json.js';
import { isJsonObject, parseJson, without } from '../common/json.js';
import type { Classified } from '../common/role-server.js';
import type { GenerateParts } from './generate.js';
import { generate } from './generate.js';
import { jobBody } from './job.js';
import { modelBody, MODELS } from './models.js';
import type { ParsedScenarioAction } from './plan.js';
import type { Uploads } from './uploads.js';

export interface ApiParts extends GenerateParts {
  uploads: Uploads;
}

const ROUTES: readonly (readonly [pattern: RegExp, op: string])[] = [
  [/^POST \/v1\/generate\/custom\/(?<endpoint>[^/]+)$/, 'submit'],
  [/^GET \/v1\/jobs$/, 'list'],
  [/^GET \/v1\/jobs\/(?<requestId>[^/]+)$/, 'status'],
  [/^POST \/v1\/jobs\/(?<requestId>[^/]+)\/action$/, 'cancel'],
  [/^POST \/v1\/assets$/, 'asset-create'],
  [/^GET \/v1\/assets\/(?<requestId>[^/]+)$/, 'asset'],
  [/^POST \/v1\/assets\/get-bulk$/, 'asset-bulk'],
  [/^POST \/v1\/uploads$/, 'upload-create'],
  [/^GET \/v1\/uploads\/(?<requestId>[^/]+)$/, 'upload'],
  [/^POST \/v1\/uploads\/(?<requestId>[^/]+)\/action$/, 'upload-complete'],
  [/^GET \/v1\/models\/(?<endpoint>[^/]+)$/, 'model'],
];

export function classifyApi(method: string, path: string, query: URLSearchParams): Classified {
  for (const [pattern, op] of ROUTES) {
    const match = pattern.exec(`${method} ${path}`);
    if (!match) continue;
    const dry = op === 'submit' && query.get('dryRun') === 'true';
    return { op: dry ? 'dry-run' : op, ...match.groups };
  }
  return { op: 'unknown' };
}

export function handleApi(parts: ApiParts, exchange: Exchange, actions: ParsedScenarioAction[]): Reply {
  const { settings, answers, uploads } = parts;
  const authorization = headerOf(exchange.headers, 'authorization');
  const refused = answers.check(authorization, exchange.query.get('projectId'));
  if (refused) return refused;
  if (exchange.body.length > settings.bodyCapBytes) return answers.message(413, 'Request Too Long');
  switch (exchange.op) {
    case 'submit':
    case 'dry-run':
      return generate(parts, exchange, actions);
    case 'list':
      return list(parts, exchange);
    case 'status':
      return status(parts, exchange);
    case 'cancel':
      return cancel(parts, exchange);
    case 'asset-create':
      return createAsset(parts, exchange);
    case 'asset':
      return readAsset(parts, exchange, actions);
    case 'asset-bulk':
      return readAssets(parts, exchange);
    case 'upload-create':
      return uploads.create(exchange, actions);
    case 'upload':
      return uploads.read(exchange);
    case 'upload-complete':
      return uploads.complete(exchange);
    case 'model':
      return readModel(parts, exchange);
    default:
      return answers.message(404, 'Not Found');
  }
}

function status({ answers, clock, runs, uploads }: ApiParts, { requestId = '' }: Exchange): Reply {
  const job = runs.get(requestId);
  if (job) return jsonReply(200, { job: jobBody(job, clock.now()) });
  const upload = uploads.all().find(({ jobId }) => jobId === requestId);
  return upload
    ? jsonReply(200, { job: uploads.jobOf(upload) })
    : answers.reason(404, `Job ${requestId} not found.`);
}

/** Newest first, in pages; the token is the id of the last job of the page before. */
function list({ settings, answers, clock, runs, uploads }: ApiParts, { query }: Exchange): Reply {
  const size = Number(query.get('pageSize') ?? 50);
  if (!Number.isInteger(size) || size < 1 || size > 200)
    return answers.reason(400, 'pageSize must be between 1 and 200.');
  const jobs: { id: string; createdAt: number; body: () => JsonObject }[] = [
    ...runs
      .all()
      .map((job) => ({ id: job.id, createdAt: job.createdAt, body: () => jobBody(job, clock.now()) })),
    ...uploads.all().map((upload) => ({
      id: upload.jobId,
      createdAt: upload.createdAt,
      body: () => uploads.jobOf(upload),
    })),
  ];
  const ordered = jobs.toReversed().toSorted((a, b) => b.createdAt - a.createdAt);
  const token = query.get('paginationToken');
  const before = token === null ? -1 : ordered.findIndex(({ id }) => id === decodeToken(token));
  if (token !== null && before < 0) return answers.reason(400, 'Invalid paginationToken.');
  const page = ordered.slice(before + 1, before + 1 + Math.min(size, settings.pageCap));
  const last = page.at(-1);
  return jsonReply(200, {
    jobs: page.map(({ body }) => (settings.listInput ? body() : withoutInput(body()))),
    ...(last && last !== ordered.at(-1)
      ? { nextPaginationToken: Buffer.from(last.id).toString('base64url') }
      : {}),
  });
}

function withoutInput(job: JsonObject): JsonObject {
  const { metadata } = job;
  return { ...job, metadata: isJsonObject(metadata) ? without(metadata, ['input']) : {} };
}

function decodeToken(token: string): string {
  return Buffer.from(token, 'base64url').toString('utf8');
}

function cancel({ settings, answers, clock, runs }: ApiParts, { requestId = '', body }: Exchange): Reply {
  const job = runs.get(requestId);
  if (!job) return answers.reason(404, `Job ${requestId} not found.`);
  const { data } = z.object({ action: z.literal('cancel') }).safeParse(parseJson(body.toString('utf8')));
  if (!data) return answers.reason(400, 'Unknown action.');
  if (job.state === 'done') return answers.reason(400, 'This job is already finished.');
  const reply = job.plan.cancelReply ?? settings.cancelReply;
  if (reply === 'refused')
    return answers.reason(400, 'Cannot cancel this type of job. Action not permitted.');
  // A positive reply is no proof of an end: the job is still seen at work, and may go on for good.
  if (reply === 'canceled') {
    const refunded = !settings.billCanceled;
    clock.at(clock.now() + (job.plan.cancelMs ?? 0), () => {
      if (job.state !== 'done') job.failure = { status: 'canceled', error: undefined, refunded };
      runs.end(job);
    });
  }
  return jsonReply(200, { job: jobBody(job, clock.now()) });
}

const assetSchema = z.object({ name: z.string().min(1), image: z.string().min(1) });

/** `image` is a data URI, or the bare base64 of one. */
function createAsset({ settings, answers, assets }: ApiParts, { body }: Exchange): Reply {
  const { data, error } = assetSchema.safeParse(parseJson(body.toString('utf8')));
  if (error) return answers.reason(400, `Invalid parameter ${error.issues[0]?.path.join('.') ?? ''}.`);
  const base64 = /^(?:data:[\w/+.-]+;base64,)?([A-Za-z0-9+/]+={0,2})$/.exec(data.image)?.[1];
  const bytes = Buffer.from(base64 ?? '', 'base64');
  if (bytes.length > settings.imageCapBytes)
    return answers.reason(settings.imageCapStatus, 'The image is too large. Use the uploads route.');
  const mimeType = imageTypeOf(bytes);
  if (!mimeType) return answers.reason(400, 'The image is not valid.');
  const asset = assets.add(bytes, { name: data.name, mimeType, kind: 'image', type: 'uploaded' });
  return jsonReply(200, { asset: assets.describe(asset) });
}

function readAsset(
  { answers, assets }: ApiParts,
  exchange: Exchange,
  actions: ParsedScenarioAction[],
): Reply {
  const { requestId = '', query } = exchange;
  const asset = assets.get(requestId);
  if (!asset) return answers.reason(404, `Asset ${requestId} not found.`);
  const fault = actions.find((action) => action.type === 'asset');
  const shown = assets.describe(asset, {
    originals: query.get('originalAssets') === 'true',
    ...(fault?.urlLifeMs === undefined ? {} : { lifeMs: fault.urlLifeMs }),
  });
  return jsonReply(200, { asset: without({ ...shown, ...fault?.body }, fault?.omit) });
}

const bulkSchema = z.object({ assetIds: z.array(z.string()).max(200) });

/** Several at once; those that are not there are left out without a word. */
function readAssets({ answers, assets }: ApiParts, { body, query }: Exchange): Reply {
  const { data } = bulkSchema.safeParse(parseJson(body.toString('utf8')));
  if (!data) return answers.reason(400, 'assetIds must be a list of at most 200 ids.');
  const originals = query.get('originalAssets') === 'true';
  const found = data.assetIds.map((id) => assets.get(id)).filter((asset) => asset !== undefined);
  return jsonReply(200, { assets: found.map((asset) => assets.describe(asset, { originals })) });
}

function readModel({ answers }: ApiParts, { endpoint = '' }: Exchange): Reply {
  const model = MODELS.get(endpoint);
  return model ? jsonReply(200, modelBody(model)) : answers.reason(404, `Model ${endpoint} not found.`);
}
