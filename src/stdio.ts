import { setTimeout as pause } from 'node:timers/promises';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Config } from './config.js';
import { messageOf } from './errors.js';
import type { Jobs } from './jobs/service.js';
import { locateOnDisk, LOCAL_PRINCIPAL, lookAtJobs, openLog } from './open.js';
import { LineTransport } from './server/line-transport.js';
import { Listening } from './server/listening.js';
import { OpenCalls } from './server/open-calls.js';
import { createServer } from './server.js';
import { visibleTools } from './server/tool-list.js';

/** The stdio server: one client, one local principal, every protocol revision. */

/** What all known clients can read in one line as base64 (their buffers hold 10 MiB). */
const MAX_READ_BYTES = 7 * 1024 * 1024;
/** Unfinished jobs of earlier runs are taken up once the client has what it starts with. */
const START_DELAY_MS = 1_000;
/** A submit that is on its way is waited for, but no client waits for ever. */
const STOP_WITHIN_MS = 10_000;
/** Clients that close stdin wait about two seconds before they end the process by force. */
const ANSWER_WITHIN_MS = 1_200;

export async function serveOverStdio(config: Config): Promise<void> {
  const log = openLog(config);
  // What is wrong in the settings stops the start, also where it is needed only later.
  visibleTools(config);
  if (config.prices !== undefined)
    await import('./jobs/prices.js').then(({ readPrices }) => readPrices(config.prices));
  let opened: Promise<Jobs> | undefined;
  let stopping = false;
  const jobs = (): Promise<Jobs> => {
    // A data folder that cannot be used now may be usable at the next call; what needs none works meanwhile.
    opened ??= lookAtJobs(config, log).then(async (service) => {
      await service.start();
      if (stopping) service.wrapUp();
      return service;
    });
    opened.catch(() => {
      opened = undefined;
    });
    return opened;
  };
  const calls = new OpenCalls();
  const transport = new LineTransport(process.stdin, process.stdout);
  const listening = new Listening(log);
  transport.onlisten = (id, uris) => listening.begin(id, uris);
  transport.oncancelled = (id) => listening.end(id);
  serveStdio(
    () => {
      const { server, updates } = createServer({
        config,
        log,
        jobs,
        principal: LOCAL_PRINCIPAL,
        locate: locateOnDisk,
        calls,
        maxReadBytes: MAX_READ_BYTES,
      });
      listening.add(updates);
      return server;
    },
    { transport, onerror: (error) => log.warn('a protocol error', { error: error.message }) },
  );
  const starting = setTimeout(() => {
    jobs()
      .then((service) => service.list(LOCAL_PRINCIPAL, { limit: 1 }))
      .catch((error: unknown) => log.error('cannot open the data folder', { error: messageOf(error) }));
  }, START_DELAY_MS);
  await new Promise<void>((resolve) => {
    transport.onend = resolve;
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => resolve());
  });
  clearTimeout(starting);
  stopping = true;
  opened?.then((service) => service.wrapUp()).catch(() => undefined);
  await calls.idle(ANSWER_WITHIN_MS);
  listening.close();
  await transport.close();
  await Promise.race([
    opened?.then((service) => service.stop()).catch(() => undefined),
    pause(STOP_WITHIN_MS),
  ]);
  process.exit(0);
}
