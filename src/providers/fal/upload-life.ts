/** fal's uploads can be read by everybody who has their URL, so they are not kept longer than a job may wait. */
export const UPLOAD_HOURS = 24;
