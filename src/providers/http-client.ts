/** Loaded on first use. By name: a lazily imported CommonJS package has only a default export in the bundle. */
export { Agent, request } from 'undici';
