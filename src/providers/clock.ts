export { type FollowClock as Clock, systemClock } from './fal/clock.js';
