export type { RequestOptions } from './call.js';
export { Client, type ClientOptions, type Retries } from './client.js';
export * from './errors.js';
export type * from './models.js';
export { Pages, type Page } from './pages.js';
export * from './resources.js';
export { verifyWebhook, type VerifyOptions, type WebhookEvent } from './webhooks.js';
