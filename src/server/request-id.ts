import type { AuthInfo, ServerContext } from '@modelcontextprotocol/server';

/**
 * The id under which the log knows a request over HTTP. The SDK hands on what is known of a caller, and nothing else of
 * a request: the id goes with that, and no token does.
 */
export function authOf(request: string, principal: string): AuthInfo {
  return { token: '', clientId: principal, scopes: [], extra: { request } };
}

/** `undefined` where requests have none. */
export function requestIdOf({ http }: Pick<ServerContext, 'http'>): string | undefined {
  const id = http?.authInfo?.extra?.['request'];
  return typeof id === 'string' ? id : undefined;
}
