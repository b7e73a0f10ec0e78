import { MeshwrightError, messageOf } from '../errors.js';
import type { Jobs } from '../jobs/service.js';
import type { Locate } from '../jobs/view.js';
import { newId } from '../store/ids.js';
import { answer, type Exchange, refuse } from './exchange.js';
import { sendFile } from './file-response.js';
import { REFUSED_LINK } from './links.js';
import type { McpEndpoint } from './mcp.js';
import type { Metrics } from './metrics.js';
import { type OAuthSettings, resourceMetadata } from './oauth.js';
import type { Principal } from './principals.js';
import type { Route } from './router.js';
import { type LinkDeps, ownerOfLink, receiveUpload, refuseLinkOfGone, UPLOAD_PATH } from './uploads.js';
import { receiveCallback, WEBHOOK_PATH } from './webhooks.js';

/** Everything that the HTTP server answers. */

export interface RouteDeps extends LinkDeps {
  mcp: McpEndpoint;
  jobs: Jobs;
  oauth: OAuthSettings | undefined;
  locate: Locate;
  metrics: Metrics;
}

export function routesOf(deps: RouteDeps): Route[] {
  const { mcp, jobs, links, oauth, locate, metrics } = deps;
  return [
    {
      path: /^\/mcp$/,
      access: 'principal',
      handle: (exchange, principal) => mcp.handle(exchange, principal),
    },
    {
      path: /^\/assets\/(asset_[0-9a-z]{26})\/([^/]{1,400})$/,
      methods: ['GET', 'HEAD'],
      access: 'open',
      handle: (exchange, [, id = ''], identify) => sendAsset(exchange, id, deps, identify),
    },
    {
      path: /^\/uploads$/,
      methods: ['POST'],
      access: 'principal',
      handle: (exchange, { name }) => receiveUpload(exchange, { jobs, locate }, name, newId('asset')),
    },
    {
      path: UPLOAD_PATH,
      methods: ['POST', 'PUT'],
      access: 'open',
      handle: async (exchange, [, id = '', owner = '']) => {
        const principal = await ownerOfLink(exchange, deps, owner);
        if (principal !== undefined) await receiveUpload(exchange, { jobs, locate }, principal, id);
      },
    },
    {
      path: WEBHOOK_PATH,
      methods: ['POST'],
      access: 'open',
      handle: (exchange, match) => receiveCallback(exchange, { jobs, links }, match),
    },
    {
      path: /^\/healthz$/,
      methods: ['GET', 'HEAD'],
      access: 'open',
      handle: (exchange) => {
        answer(exchange, 200, { status: 'ok' });
        return Promise.resolve();
      },
    },
    {
      path: /^\/readyz$/,
      methods: ['GET', 'HEAD'],
      access: 'open',
      handle: async (exchange) => {
        try {
          await jobs.store.jobs.nextDue();
          answer(exchange, 200, { status: 'ready' });
        } catch (error) {
          exchange.refusal = messageOf(error);
          answer(exchange, 503, { status: 'the data folder cannot be used; see the log' });
        }
      },
    },
    {
      path: /^\/metrics$/,
      methods: ['GET', 'HEAD'],
      access: 'principal',
      handle: async (exchange, { mayReadMetrics }) => {
        if (!mayReadMetrics) {
          refuse(
            exchange,
            403,
            'This token does not read metrics: `meshwright token add NAME --metrics` makes one.',
          );
          return;
        }
        const { text, type } = await metrics.read();
        exchange.response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
        exchange.response.end(text);
      },
    },
    ...(oauth
      ? [
          {
            path: /^\/\.well-known\/oauth-protected-resource(\/mcp)?$/,
            methods: ['GET', 'HEAD'],
            access: 'open',
            handle: (exchange) => {
              answer(exchange, 200, resourceMetadata(oauth), { 'cache-control': 'public, max-age=3600' });
              return Promise.resolve();
            },
          } satisfies Route,
        ]
      : []),
  ];
}

/** A file by the link that its owner was given, or by the owner's token. */
async function sendAsset(
  exchange: Exchange,
  id: string,
  { jobs, links, mayUseLinks }: Pick<RouteDeps, 'jobs' | 'links' | 'mayUseLinks'>,
  identify: () => Promise<Principal | undefined>,
): Promise<void> {
  const { request, response, url } = exchange;
  const signed = url.searchParams.has('sig') || url.searchParams.has('exp');
  let asset;
  let goodForSeconds: number | undefined;
  if (signed) {
    const verdict = links.check(url.pathname, url.searchParams, Date.now() / 1000);
    if (verdict !== 'valid') {
      refuse(exchange, 403, `${REFUSED_LINK[verdict]} get_job or list_assets gives a new one.`);
      return;
    }
    asset = await jobs.store.jobs.getAsset(id);
    goodForSeconds = Number(url.searchParams.get('exp')) - Date.now() / 1000;
    if (asset && !(await mayUseLinks(asset.principal))) {
      refuseLinkOfGone(exchange);
      return;
    }
  } else {
    const principal = await identify();
    if (!principal) return;
    asset = await jobs.assets.get(principal.name, id).catch((error: unknown) => {
      if (error instanceof MeshwrightError && error.code === 'not_found') return undefined;
      throw error;
    });
  }
  const path = asset && jobs.assets.path(asset);
  if (!asset || path === undefined) {
    refuse(exchange, 404, 'There is no such file.');
    return;
  }
  await sendFile(request, response, { ...asset, path }, goodForSeconds);
  if (response.statusCode === 416) exchange.refusal = `The file has ${asset.sizeBytes} bytes.`;
}
