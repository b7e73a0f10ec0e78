export { readBody, Wire } from './fal/wire.js';
