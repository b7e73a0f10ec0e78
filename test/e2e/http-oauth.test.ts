import {
  discoverOAuthProtectedResourceMetadata,
  extractWWWAuthenticateParams,
} from '@modelcontextprotocol/sdk/client/auth.js';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWTPayload } from 'jose';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/json.js';
import { connectHttp, removeFolder, serverEnv, temporaryFolder } from '../support/clients.js';
import { freePort, type HttpProcess, startHttpProcess } from '../support/http-server.js';
import { ballPng, dataUri } from '../support/images.js';
import { callTool, modern, type ModernAnswer } from '../support/modern.js';

/** The real server as an OAuth resource server, beside an authorization server on loopback. */

const SCOPE = 'meshwright';

let folder: string;
let issuer: string;
let authorization: Server;
let own: CryptoKey;
let others: CryptoKey;
let server: HttpProcess;
/** As it knows itself. */
let resource: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  const pair = await generateKeyPair('ES256');
  own = pair.privateKey;
  others = (await generateKeyPair('ES256')).privateKey;
  const key = { ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
  const [issuerPort, port] = [await freePort(), await freePort()];
  issuer = `http://127.0.0.1:${issuerPort}`;
  const answers: Record<string, object> = {
    '/.well-known/oauth-authorization-server': { issuer, jwks_uri: `${issuer}/keys` },
    '/keys': { keys: [key] },
  };
  authorization = createServer(({ url = '' }, response) => {
    response.writeHead(answers[url] ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answers[url] ?? {}));
  });
  await new Promise<void>((resolve) => {
    authorization.listen(issuerPort, '127.0.0.1', resolve);
  });
  const env = serverEnv(path.join(folder, 'data'), {
    MESHWRIGHT_PUBLIC_URL: `http://127.0.0.1:${port}`,
    MESHWRIGHT_OAUTH_ISSUER: issuer,
    MESHWRIGHT_OAUTH_SCOPE: SCOPE,
  });
  server = await startHttpProcess(env, ['--port', String(port)]);
  resource = `${server.origin}/mcp`;
});
afterAll(async () => {
  await server.stop();
  authorization.close();
  authorization.closeAllConnections();
  await removeFolder(folder);
});

const claims = (changes: JWTPayload = {}): JWTPayload => {
  const now = Math.floor(Date.now() / 1000);
  return { iss: issuer, aud: resource, sub: 'ada', exp: now + 600, iat: now, scope: SCOPE, ...changes };
};
const token = (changes: JWTPayload = {}, key = own): Promise<string> =>
  new SignJWT(claims(changes)).setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt' }).sign(key);

const list = (bearer?: string): Promise<ModernAnswer> =>
  modern(server.origin, 'tools/list', {}, { token: bearer });

describe('an access token', () => {
  it('of the issuer for this server lets in, with every generation of client', async () => {
    const bearer = await token();
    expect((await list(bearer)).status).toBe(200);
    for (const kind of ['v1', 'v2 modern'] as const) {
      const client = await connectHttp(kind, resource, { authorization: `Bearer ${bearer}` });
      expect((await client.listTools()).map(({ name }) => name)).toContain('local_image_to_3d');
      await client.close();
    }
  });

  const past = Math.floor(Date.now() / 1000) - 120;
  it.each<[string, () => string | Promise<string>, RegExp]>([
    ['that has expired', () => token({ exp: past }), /expired/],
    ['for another server', () => token({ aud: 'https://other.example/mcp' }), /audience/],
    ['for a path of this server', () => token({ aud: `${server.origin}/` }), /audience/],
    ['of another issuer', () => token({ iss: 'https://evil.example' }), /issuer/],
    ['signed by nobody', () => new UnsecuredJWT(claims()).encode(), /no access token|not signed/],
    ['signed with another key', () => token({}, others), /not signed/],
    [
      'signed with a secret that is published',
      () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256', kid: 'one' })
          .sign(new TextEncoder().encode('the public key, taken for a shared secret')),
      /no access token|not signed/,
    ],
    ['that is none', () => 'mw_something', /no access token/],
  ])('%s gets 401 and the way to a good one', async (_what, make, why) => {
    const bearer = await make();
    const { status, headers, text } = await list(bearer);
    expect([status, text]).toEqual([401, expect.stringMatching(why)]);
    const told = headers.get('www-authenticate') ?? '';
    expect(told).toMatch(/^Bearer .*error="invalid_token"/);
    expect(told).toContain(`resource_metadata="${server.origin}/.well-known/oauth-protected-resource`);
    expect(`${text} ${told} ${server.log.join('\n')}`).not.toContain(bearer);
  });

  it('that does not grant the scope gets 403 and the scope to ask for', async () => {
    const { status, headers } = await list(await token({ scope: 'email' }));
    expect(status).toBe(403);
    const told = headers.get('www-authenticate') ?? '';
    expect(told).toMatch(/^Bearer .*error="insufficient_scope"/);
    expect(told).toContain(`scope="${SCOPE}"`);
    expect(told).toContain('resource_metadata="');
  });

  it('is asked for without an error where there is none, at every door', async () => {
    for (const [method, target] of [
      ['POST', '/mcp'],
      ['GET', '/mcp'],
      ['POST', '/uploads'],
      ['GET', '/metrics'],
      ['GET', '/assets/asset_00000000000000000000000000/a.glb'],
    ] as const) {
      const response = await fetch(`${server.origin}${target}`, { method });
      const told = response.headers.get('www-authenticate') ?? '';
      expect([response.status, target]).toEqual([401, target]);
      expect(told).toMatch(/^Bearer realm="meshwright".*resource_metadata="/);
      expect(told).not.toContain('error=');
    }
  });
});

it('a client finds the authorization server from the challenge alone', async () => {
  const response = await fetch(resource, { method: 'POST' });
  const { resourceMetadataUrl } = extractWWWAuthenticateParams(response);
  expect(resourceMetadataUrl?.origin).toBe(server.origin);
  const found = await discoverOAuthProtectedResourceMetadata(resource, {
    resourceMetadataUrl: resourceMetadataUrl ?? 'none',
  });
  expect(found).toMatchObject({
    resource,
    authorization_servers: [issuer],
    bearer_methods_supported: ['header'],
    scopes_supported: [SCOPE],
  });
  // Without the hint, at the place that RFC 9728 makes of the path.
  expect(await discoverOAuthProtectedResourceMetadata(resource)).toEqual(found);
});

it('two subjects are two principals', async () => {
  const [ada, bob] = [await token(), await token({ sub: 'bob' })];
  const args = { image_url: dataUri(await ballPng(90)), target_triangles: 1000 };
  const make = (bearer: string): Promise<JsonObject> =>
    callTool(server.origin, 'local_image_to_3d', args, { token: bearer });
  const first = await make(ada);
  expect(first['status']).toBe('succeeded');
  // A new token of the same subject is the same caller.
  expect(await make(await token({ jti: 'another' }))).toMatchObject({
    job_id: first['job_id'],
    deduplicated: true,
  });
  const job = { job_id: first['job_id'] ?? '' };
  expect(await callTool(server.origin, 'get_job', job, { token: bob })).toMatchObject({ isError: true });
  expect(await callTool(server.origin, 'list_jobs', {}, { token: bob })).toMatchObject({ jobs: [] });
  const his = await make(bob);
  expect(his['job_id']).not.toBe(first['job_id']);
  expect(
    (await fetch(`${server.origin}/metrics`, { headers: { authorization: `Bearer ${ada}` } })).status,
  ).toBe(403);
});
