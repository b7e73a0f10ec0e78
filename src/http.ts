import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Config } from './config.js';
import { MeshwrightError, messageOf, systemCode } from './errors.js';
import { Authenticator } from './http/authenticate.js';
import { isEveryAddress, isLoopback } from './http/guard.js';
import { openLinks } from './http/links.js';
import { McpEndpoint } from './http/mcp.js';
import { Metrics } from './http/metrics.js';
import { oauthFrom } from './http/oauth.js';
import { Principals } from './http/principals.js';
import { createHttpServer, type Timeouts } from './http/router.js';
import { routesOf } from './http/routes.js';
import type { SessionLimits } from './http/sessions.js';
import { callbackUrl } from './http/webhooks.js';
import { uploadLink } from './http/uploads.js';
import type { Locate } from './jobs/view.js';
import type { Log } from './log.js';
import { openJobs, openLog } from './open.js';
import type { ServerDeps } from './server.js';
import { OpenCalls } from './server/open-calls.js';
import { visibleTools } from './server/tool-list.js';

/** The Streamable HTTP server: many clients, each a principal, every protocol revision. */

export interface HttpOptions {
  /** Name or address to bind to. */
  host: string;
  /** 0 takes any that is free. */
  port: number;
  timeouts?: Partial<Timeouts>;
  sessions?: Partial<SessionLimits>;
  /** What is offered in place of our own tools, resources and prompts. */
  registry?: ServerDeps['registry'];
}

export interface HttpServer {
  /** Where the server is, without a slash at the end. */
  url: string;
  close(): Promise<void>;
}

/** A file read as one resource; larger ones have links and parts (contract, section 6). */
const MAX_READ_BYTES = 64 * 1024 * 1024;
const STOP_WITHIN_MS = 8_000;
/** What is being answered when the server stops has this long to end. */
const ANSWER_WITHIN_MS = 3_000;

/**
 * Opens the jobs and listens.
 *
 * @throws MeshwrightError `configuration` when that would let strangers in, or the address cannot be had
 */
export async function startHttp(
  config: Config,
  { host, port, timeouts, sessions = {}, registry }: HttpOptions,
  log: Log,
): Promise<HttpServer> {
  visibleTools(config, true);
  const principals = await Principals.open(config, log);
  const oauth = oauthFrom(config);
  if (!principals.areThere && !oauth) refuseStrangers(config, host);
  const links = await openLinks(config.dataDir);
  const metrics = new Metrics();
  const jobs = await openJobs(config, log, {
    configOf: (name) => principals.configOf(name),
    observe: metrics.providerCall,
    callbackUrl: (provider, jobId) => callbackUrl(links, config.publicUrl, provider, jobId),
  });
  const stateKey = links.keyFor('what comes back with an answer');
  let base = config.publicUrl;
  const locate = (): Locate => (asset) => {
    const path = `/assets/${asset.id}/${encodeURIComponent(asset.name)}`;
    return { url: `${base ?? ''}${links.sign(path, Date.now() / 1000 + config.linkSeconds)}` };
  };
  const metadataUrl = oauth && new URL('/.well-known/oauth-protected-resource/mcp', oauth.audience).href;
  const calls = new OpenCalls();
  const mcp = new McpEndpoint({
    log,
    sessions,
    serverDeps: ({ name, config: own }) => ({
      config: own,
      log,
      jobs: () => Promise.resolve(jobs),
      principal: name,
      locate,
      stateKey,
      uploadLink: () => uploadLink(links, base ?? '', name),
      registry,
      calls,
      maxReadBytes: MAX_READ_BYTES,
    }),
  });
  metrics.watch(jobs, () => mcp.sessions);
  const unwatch = principals.watch((name) => {
    mcp.close(name).catch((error: unknown) => log.warn('cannot end sessions', { error: messageOf(error) }));
  });
  const authenticator = new Authenticator(config, principals, oauth, metadataUrl);
  const server = createHttpServer({
    config,
    host,
    log,
    authenticator,
    timeouts,
    onAnswer: (method, route, status, seconds) => metrics.request(method, route, status, seconds),
    routes: routesOf({
      mcp,
      jobs,
      links,
      oauth,
      locate: locate(),
      metrics,
      mayUseLinks: (name) => principals.mayUseLinks(name),
    }),
  });
  try {
    server.listen({ host: host.replace(/^\[|\]$/g, ''), port, backlog: 1024 });
    await once(server, 'listening');
  } catch (error) {
    unwatch();
    await jobs.stop();
    throw cannotListen(host, port, error);
  }
  const url = urlOf(server.address(), host);
  base ??= url;
  if (isEveryAddress(host) && config.publicUrl === undefined) {
    log.warn(
      'links in results lead to this machine only; set MESHWRIGHT_PUBLIC_URL to the address that clients use',
      { links: url, host },
    );
  }
  return {
    url,
    async close() {
      server.close();
      unwatch();
      jobs.wrapUp();
      await calls.idle(ANSWER_WITHIN_MS);
      await mcp.close();
      await jobs.stop();
      server.closeAllConnections();
    },
  };
}

function cannotListen(host: string, port: number, error: unknown): MeshwrightError {
  const why: { [code: string]: string } = {
    EADDRINUSE:
      'another program listens there, or this server runs already. Choose another --port, or stop that one',
    EACCES: 'the user of this process may not use this port. Choose a --port of 1024 or more',
    EADDRNOTAVAIL:
      'this machine has no such address. Choose a --host that it has, such as 127.0.0.1 or 0.0.0.0',
    ENOTFOUND: 'there is no such name. Choose a --host that this machine has, such as 127.0.0.1 or 0.0.0.0',
  };
  return new MeshwrightError(
    'configuration',
    `Cannot listen on ${host}:${port}: ${why[systemCode(error) ?? ''] ?? messageOf(error)}.`,
  );
}

/** @throws MeshwrightError `configuration` when a server that asks nobody for a token can be reached from outside */
function refuseStrangers({ publicUrl, tokens }: Config, host: string): void {
  const called = publicUrl === undefined || isLoopback(new URL(publicUrl).hostname) ? undefined : publicUrl;
  if (isLoopback(host) && called === undefined) return;
  const reached = isLoopback(host) ? `Reached as ${called} (MESHWRIGHT_PUBLIC_URL)` : `Bound to ${host}`;
  throw new MeshwrightError(
    'configuration',
    tokens === undefined
      ? `${reached}, this server would do paid work for everybody who reaches it. Make a token with \`meshwright token add NAME\` and set MESHWRIGHT_TOKENS to its file (or MESHWRIGHT_OAUTH_ISSUER), or keep it to this machine: bind to 127.0.0.1 without MESHWRIGHT_PUBLIC_URL.`
      : `${reached}, this server would answer nobody: the token file ${tokens} (MESHWRIGHT_TOKENS) names no principals. Make a token with \`meshwright token add NAME\`.`,
  );
}

/** Serves until it is told to stop; jobs go on when the next server starts. */
export async function serveOverHttp(config: Config, options: HttpOptions): Promise<void> {
  const log = openLog(config);
  const server = await startHttp(config, options, log);
  log.info('listening', { url: `${server.url}/mcp` });
  await new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => resolve());
  });
  log.info('stopping');
  const forced = setTimeout(() => process.exit(0), STOP_WITHIN_MS);
  await server.close();
  clearTimeout(forced);
  process.exit(0);
}

function urlOf(address: string | AddressInfo | null, host: string): string {
  const port = typeof address === 'object' && address ? address.port : 0;
  // What is bound to every address is reached by its user through loopback.
  const name = isEveryAddress(host) ? '127.0.0.1' : host;
  return `http://${name.includes(':') && !name.startsWith('[') ? `[${name}]` : name}:${port}`;
}
