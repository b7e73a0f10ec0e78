import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey } from 'jose';
import { createServer, type Server } from 'node:http';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { challenge, resourceMetadata, TokenVerifier } from '../../src/http/oauth.js';

const AUDIENCE = 'https://mesh.example/mcp';
const HOUR = 3600;

/** An authorization server as far as a resource server sees one. */
let server: Server;
let issuer: string;
let keys: Record<string, { privateKey: CryptoKey; publicKey: CryptoKey }>;
let published: string[];
let metadataIssuer: string | undefined;
let asked: string[];
let down: boolean;

beforeAll(async () => {
  keys = {
    first: await generateKeyPair('ES256', { extractable: true }),
    second: await generateKeyPair('ES256', { extractable: true }),
  };
});
beforeEach(async () => {
  published = ['first'];
  metadataIssuer = undefined;
  asked = [];
  down = false;
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    void answer(request.url ?? '').then((body) => {
      response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body ?? {}));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  issuer = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/tenant`;
});
afterEach(async () => {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

async function answer(url: string): Promise<unknown> {
  if (down) return undefined;
  if (url === '/.well-known/oauth-authorization-server/tenant') {
    return { issuer: metadataIssuer ?? issuer, jwks_uri: new URL('/keys', issuer).href };
  }
  if (url !== '/keys') return undefined;
  const jwks = published.map(async (kid) => {
    const pair = keys[kid];
    return pair && { ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256', use: 'sig' };
  });
  return { keys: await Promise.all(jwks) };
}

async function token(changes: Record<string, unknown> = {}, kid = 'first', header = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, aud: AUDIENCE, sub: 'ada', exp: now + HOUR, iat: now, ...changes };
  const pair = keys[kid];
  if (!pair) throw new Error('no such key');
  return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid, ...header }).sign(pair.privateKey);
}

const verifier = (scope?: string): TokenVerifier => new TokenVerifier({ issuer, audience: AUDIENCE, scope });

describe('an access token', () => {
  it('of the issuer for this server names who calls', async () => {
    const verdict = await verifier().verify(await token());
    expect(verdict).toMatchObject({ kind: 'accepted', subject: 'ada' });
  });

  it('may name several audiences', async () => {
    const many = await token({ aud: ['https://other.example', AUDIENCE] });
    expect((await verifier().verify(many)).kind).toBe('accepted');
  });

  it.each([
    ['for another server', { aud: 'https://other.example/mcp' }, /audience/],
    ['for nobody', { aud: undefined }, /aud/],
    ['of another issuer', { iss: 'https://evil.example' }, /issuer/],
    ['that has expired', { exp: Math.floor(Date.now() / 1000) - 60 }, /expired/],
    ['that never expires', { exp: undefined }, /exp/],
    ['that is not valid yet', { nbf: Math.floor(Date.now() / 1000) + HOUR }, /time/],
    ['of nobody', { sub: undefined }, /sub/],
    ['of an empty subject', { sub: '' }, /subject/],
  ])('%s is refused', async (_what, changes, why) => {
    const verdict = await verifier().verify(await token(changes));
    expect(verdict).toMatchObject({ kind: 'invalid', why: expect.stringMatching(why) });
  });

  it('signed by nobody, by a shared secret or by another key is refused', async () => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer, aud: AUDIENCE, sub: 'ada', exp: now + HOUR };
    const unsigned = new UnsecuredJWT(claims).encode();
    const shared = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid: 'first' })
      .sign(new TextEncoder().encode('a secret of thirty-two characters'));
    const other = await token({}, 'second', { kid: 'first' });
    const parts = (await token()).split('.');
    const altered = [
      parts[0],
      Buffer.from(JSON.stringify({ ...claims, sub: 'eve' })).toString('base64url'),
      parts[2],
    ].join('.');
    for (const bad of [unsigned, shared, other, altered, 'x', '', 'a.b.c', 'A'.repeat(20_000)]) {
      expect((await verifier().verify(bad)).kind, bad.slice(0, 40)).toBe('invalid');
    }
  });

  it('with a key inside it is not believed', async () => {
    const pair = keys['second'];
    const jwk = pair && (await exportJWK(pair.publicKey));
    const own = await token({}, 'second', { kid: undefined, jwk });
    expect((await verifier().verify(own)).kind).toBe('invalid');
  });

  it('must grant the scope', async () => {
    const check = verifier('meshwright');
    expect(await check.verify(await token({ scope: 'email' }))).toEqual({
      kind: 'insufficient_scope',
      scope: 'meshwright',
    });
    expect((await check.verify(await token({ scope: 'email meshwright' }))).kind).toBe('accepted');
    expect((await check.verify(await token({ scp: ['meshwright'] }))).kind).toBe('accepted');
  });
});

describe("the issuer's keys", () => {
  it('are fetched once', async () => {
    const check = verifier();
    for (let i = 0; i < 3; i++) await check.verify(await token());
    expect(asked).toEqual(['/.well-known/oauth-authorization-server/tenant', '/keys']);
  });

  it('of metadata that speak for another issuer are not used', async () => {
    metadataIssuer = 'https://evil.example';
    const verdict = await verifier().verify(await token());
    expect(verdict).toMatchObject({ kind: 'unavailable', why: expect.stringContaining('MESHWRIGHT_OAUTH') });
  });

  it('that cannot be had are no fault of the token', async () => {
    down = true;
    expect((await verifier().verify(await token())).kind).toBe('unavailable');
    const gone = new TokenVerifier({ issuer, audience: AUDIENCE, jwksUrl: new URL('/nowhere', issuer).href });
    expect((await gone.verify(await token())).kind).toBe('unavailable');
  });
});

describe('what a client is told', () => {
  it('names this server and its issuer', () => {
    expect(
      resourceMetadata({ issuer: 'https://id.example', audience: AUDIENCE, scope: 'meshwright' }),
    ).toEqual({
      resource: AUDIENCE,
      resource_name: 'meshwright',
      authorization_servers: ['https://id.example'],
      bearer_methods_supported: ['header'],
      scopes_supported: ['meshwright'],
    });
  });

  it('is a challenge that cannot be broken out of', () => {
    expect(challenge({ metadataUrl: 'https://mesh.example/.well-known/x' })).toBe(
      'Bearer realm="meshwright", resource_metadata="https://mesh.example/.well-known/x"',
    );
    expect(challenge({ scope: 'a' }, { kind: 'insufficient_scope', scope: 'a' })).toContain(
      'error="insufficient_scope"',
    );
    expect(challenge({}, { kind: 'invalid', why: 'a"b\r\nX: y' })).toBe(
      'Bearer realm="meshwright", error="invalid_token", error_description="abX: y"',
    );
  });
});
