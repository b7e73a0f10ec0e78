/** Scheme of every resource of ours. */
export const SCHEME = 'meshwright';

export const assetUri = (id: string): string => `${SCHEME}://assets/${id}`;
export const jobUri = (id: string): string => `${SCHEME}://jobs/${id}`;

/** The id in an id or a URI of an asset; `undefined` when it is neither. */
export function assetIdOf(reference: string): string | undefined {
  const text = reference.startsWith(assetUri('')) ? reference.slice(assetUri('').length) : reference;
  return /^asset_[0-9a-z]{26}$/.test(text) ? text : undefined;
}

/** The id in the URI of a job; anything else as it is, to be looked for as an id. */
export function jobIdIn(reference: string): string {
  return jobIdOf(reference) ?? reference;
}

/** The id in the URI of a job; `undefined` when it is none. */
export function jobIdOf(uri: string): string | undefined {
  return /^meshwright:\/\/jobs\/([0-9a-z_]+)$/.exec(uri)?.[1];
}
