/*
 * The operations of the API, by resource.
 * Generated from docs/openapi.json by tools/clients; `make clients` writes it again.
 */

import { type Call, newKey, type RequestOptions, segment, withId, withIds } from './call.js';
import type {
  AcknowledgedMessages, ActionView, ApprovalSummary, ApprovalView, AuditEntryView, AvailableIntegration, ConnectView,
  CreatedToken, Deleted, DeliveryDetail, DeliveryView, DisconnectView, EventDetail, EventRefused, EventTaken,
  EventTypeDeleted, EventTypeView, EventView, ExchangedPortalSession, ExecutionRef, ExecutionSummary, ExecutionView,
  IntegrationDetail, IntegrationSummary, LogView, PolledMessages, PortalSessionLink, PortalSessionView,
  PortalSessionsEnded, Reach, RecoveryView, RotatedSecret, ServiceHealth, TestView, TokenView, WebhookStats,
  WebhookView,
} from './models.js';
import type { Pages } from './pages.js';

/** What sends the calls. */
export interface Sender {
  send<T>(call: Call): Promise<T>;
  pages<T>(call: Call): Pages<T>;
}

/**
 * Subscribe an endpoint of yours to events, and see, repeat and recover its deliveries. Begin here: create a webhook,
 * then publish an event.
 */
export class Webhooks {
  readonly #sender: Sender;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /**
   * List webhooks.
   *
   * Webhooks without their secrets.
   *
   * Scope: `webhooks:read`. Portal: `view`.
   *
   * Fails with `invalid_fields`.
   */
  list(input: WebhooksListInput = {}, options?: RequestOptions): Pages<WebhookView> {
    return this.#sender.pages({ verb: 'GET', path: '/integrations/webhooks', query: input, options });
  }

  /**
   * Create webhook.
   *
   * The answer shows the signing secret, this once; a missing one is made.
   *
   * Scope: `webhooks:write`. Portal: `webhooks`.
   *
   * Fails with `too_many_webhooks`, `idempotency_key_reused`, `idempotency_in_progress`, `changed_meanwhile`,
   * `conflict`, `invalid_fields`, `forbidden_url`.
   */
  create(input: WebhooksCreateInput, options?: RequestOptions): Promise<WebhookView> {
    return this.#sender.send({
      verb: 'POST',
      path: '/integrations/webhooks',
      body: input,
      key: newKey(options),
      options,
    });
  }

  /**
   * Get webhook.
   *
   * A webhook without its secret.
   *
   * Scope: `webhooks:read`. Portal: `view`.
   *
   * Fails with `webhook_not_found`, `not_found`, `invalid_fields`.
   */
  get(webhookId: string, options?: RequestOptions): Promise<WebhookView> {
    return this.#sender.send({ verb: 'GET', path: `/integrations/webhooks/${segment(webhookId)}`, options });
  }

  /**
   * Change webhook.
   *
   * Changes what is given; `active: false` pauses it.
   *
   * Scope: `webhooks:write`. Portal: `webhooks`.
   *
   * Fails with `webhook_not_found`, `not_found`, `changed_meanwhile`, `conflict`, `invalid_fields`, `forbidden_url`.
   */
  update(webhookId: string, input: WebhooksUpdateInput = {}, options?: RequestOptions): Promise<WebhookView> {
    return this.#sender.send({
      verb: 'PATCH',
      path: `/integrations/webhooks/${segment(webhookId)}`,
      body: input,
      options,
    });
  }

  /**
   * Delete webhook.
   *
   * What is still on its way to it ends as `discarded`.
   *
   * Scope: `webhooks:write`. Portal: `webhooks`.
   *
   * Fails with `webhook_not_found`, `not_found`, `changed_meanwhile`, `conflict`, `invalid_fields`.
   */
  delete(webhookId: string, options?: RequestOptions): Promise<Deleted> {
    return this.#sender.send({ verb: 'DELETE', path: `/integrations/webhooks/${segment(webhookId)}`, options });
  }

  /**
   * Acknowledge messages.
   *
   * Records an attempt for each message. Each is judged alone, and a repeat changes nothing. After `error` a message
   * is handed out again by the webhook's retry schedule.
   *
   * Scope: `webhooks:write`.
   *
   * Fails with `webhook_not_found`, `not_found`, `wrong_webhook_type`, `invalid_fields`.
   */
  acknowledgeMessages(
    webhookId: string,
    input: WebhooksAcknowledgeMessagesInput,
    options?: RequestOptions,
  ): Promise<AcknowledgedMessages> {
    return this.#sender.send({
      verb: 'POST',
      path: `/integrations/webhooks/${segment(webhookId)}/ack`,
      body: input,
      options,
    });
  }

  /**
   * List deliveries.
   *
   * Each delivery with its state and every attempt.
   *
   * Scope: `webhooks:read`. Portal: `view`.
   *
   * Fails with `webhook_not_found`, `not_found`, `invalid_fields`.
   */
  listDeliveries(
    webhookId: string,
    input: WebhooksListDeliveriesInput = {},
    options?: RequestOptions,
  ): Pages<DeliveryView> {
    return this.#sender.pages({
      verb: 'GET',
      path: `/integrations/webhooks/${segment(webhookId)}/deliveries`,
      query: input,
      options,
    });
  }

  /**
   * Get delivery.
   *
   * What was sent at each attempt, what came back, how long each phase took, and what a failure means.
   *
   * Scope: `webhooks:read`. Portal: `view`.
   *
   * Fails with `delivery_not_found`, `webhook_not_found`, `not_found`, `invalid_fields`.
   */
  getDelivery(webhookId: string, deliveryId: string, options?: RequestOptions): Promise<DeliveryDetail> {
    return this.#sender.send({
      verb: 'GET',
      path: `/integrations/webhooks/${segment(webhookId)}/deliveries/${segment(deliveryId)}`,
      options,
    });
  }

  /**
   * Resend delivery.
   *
   * Retries the delivery immediately. An ended delivery restarts its retry schedule; a waiting one keeps it.
   *
   * Scope: `webhooks:write`. Portal: `send`.
   *
   * Fails with `delivery_not_found`, `webhook_not_found`, `not_found`, `delivery_in_progress`, `event_expired`,
   * `webhook_paused`, `webhook_disabled`, `idempotency_key_reused`, `idempotency_in_progress`, `changed_meanwhile`,
   * `conflict`, `invalid_fields`.
   */
  resendDelivery(webhookId: string, deliveryId: string, options?: RequestOptions): Promise<DeliveryView> {
    return this.#sender.send({
      verb: 'POST',
      path: `/integrations/webhooks/${segment(webhookId)}/deliveries/${segment(deliveryId)}/resend`,
      key: newKey(options),
      options,
    });
  }

  /**
   * Poll for messages.
   *
   * Hands out the oldest messages under a lease: at most 100 or 4 MB, and at least one if any waits. Acknowledge
   * each; what is not acknowledged is handed out again after its lease.
   *
   * Scope: `webhooks:write`.
   *
   * Fails with `webhook_not_found`, `not_found`, `wrong_webhook_type`, `webhook_paused`, `webhook_disabled`,
   * `invalid_fields`.
   */
  pollMessages(
    webhookId: string,
    input: WebhooksPollMessagesInput = {},
    options?: RequestOptions,
  ): Promise<PolledMessages> {
    return this.#sender.send({
      verb: 'GET',
      path: `/integrations/webhooks/${segment(webhookId)}/poll`,
      query: input,
      options,
    });
  }

  /**
   * List recoveries.
   *
   * Newest first. Kept for 30 days.
   *
   * Scope: `webhooks:read`. Portal: `view`.
   *
   * Fails with `webhook_not_found`, `not_found`, `invalid_fields`.
   */
  listRecoveries(
    webhookId: string,
    input: WebhooksListRecoveriesInput = {},
    options?: RequestOptions,
  ): Pages<RecoveryView> {
    return this.#sender.pages({
      verb: 'GET',
      path: `/integrations/webhooks/${segment(webhookId)}/recover`,
      query: input,
      options,
    });
  }

  /**
   * Recover webhook.
   *
   * Starts a job without upper limit. A dry run is counted at once; where that takes long it goes on as `running`.
   *
   * Scope: `webhooks:write`. Portal: `send`.
   *
   * Fails with `webhook_not_found`, `not_found`, `recovery_running`, `webhook_paused`, `webhook_disabled`,
   * `idempotency_key_reused`, `idempotency_in_progress`, `changed_meanwhile`, `conflict`, `invalid_fields`.
   */
  recover(webhookId: string, input: WebhooksRecoverInput, options?: RequestOptions): Promise<RecoveryView> {
    return this.#sender.send({
      verb: 'POST',
      path: `/integrations/webhooks/${segment(webhookId)}/recover`,
      body: input,
      key: newKey(options),
      options,
    });
  }

  /**
   * Get recovery.
   *
   * Its state, its counts and what it was asked for. Kept for 30 days.
   *
   * Scope: `webhooks:read`. Portal: `view`.
   *
   * Fails with `recovery_not_found`, `webhook_not_found`, `not_found`, `invalid_fields`.
   */
  getRecovery(webhookId: string, jobId: string, options?: RequestOptions): Promise<RecoveryView> {
    return this.#sender.send({
      verb: 'GET',
      path: `/integrations/webhooks/${segment(webhookId)}/recover/${segment(jobId)}`,
      options,
    });
  }

  /**
   * Cancel recovery.
   *
   * Ends it; what was handed over by then, at most ten seconds' worth, is still sent.
   *
   * Scope: `webhooks:write`. Portal: `send`.
   *
   * Fails with `recovery_not_found`, `webhook_not_found`, `not_found`, `recovery_ended`, `idempotency_key_reused`,
   * `idempotency_in_progress`, `changed_meanwhile`, `conflict`, `invalid_fields`.
   */
  cancelRecovery(webhookId: string, jobId: string, options?: RequestOptions): Promise<RecoveryView> {
    return this.#sender.send({
      verb: 'POST',
      path: `/integrations/webhooks/${segment(webhookId)}/recover/${segment(jobId)}/cancel`,
      key: newKey(options),
      options,
    });
  }

  /**
   * Rotate secret.
   *
   * The answer shows the new secret, this once. `webhook-signature` carries one signature for each valid secret,
   * newest first; the signature in the body and `X-Jobsprint-Signature` use the newest.
   *
   * Scope: `webhooks:write`. Portal: `secrets`.
   *
   * Fails with `webhook_not_found`, `not_found`, `too_many_secrets`, `wrong_webhook_type`, `idempotency_key_reused`,
   * `idempotency_in_progress`, `changed_meanwhile`, `conflict`, `invalid_fields`.
   */
  rotateSecret(
    webhookId: string,
    input: WebhooksRotateSecretInput = {},
    options?: RequestOptions,
  ): Promise<RotatedSecret> {
    return this.#sender.send({
      verb: 'POST',
      path: `/integrations/webhooks/${segment(webhookId)}/rotate-secret`,
      body: input,
      key: newKey(options),
      options,
    });
  }

  /**
   * Webhook stats.
   *
   * Attempts over the last 24 hours and 7 days, in whole hours (UTC) with the one under way, and what waits.
   * Durations are within 9.1 % of the exact quantile.
   *
   * Scope: `webhooks:read`. Portal: `view`.
   *
   * Fails with `webhook_not_found`, `not_found`, `invalid_fields`.
   */
  getStats(webhookId: string, options?: RequestOptions): Promise<WebhookStats> {
    return this.#sender.send({ verb: 'GET', path: `/integrations/webhooks/${segment(webhookId)}/stats`, options });
  }

  /**
   * Test webhook.
   *
   * Sends one signed sample event, a `ping` unless `event` names another. It is no delivery: it is not retried, and
   * changes neither the webhook's figures nor its state. A failed test is a 200 with `passed: false`.
   *
   * Scope: `webhooks:write`. Portal: `send`.
   *
   * Fails with `webhook_not_found`, `not_found`, `webhook_paused`, `webhook_disabled`, `wrong_webhook_type`,
   * `idempotency_key_reused`, `idempotency_in_progress`, `changed_meanwhile`, `conflict`, `invalid_fields`.
   */
  test(webhookId: string, input: WebhooksTestInput = {}, options?: RequestOptions): Promise<TestView> {
    return this.#sender.send({
      verb: 'POST',
      path: `/integrations/webhooks/${segment(webhookId)}/test`,
      body: input,
      key: newKey(options),
      options,
    });
  }
}

/**
 * Publish events, see how they were delivered, and describe their data. An event goes to every webhook that takes its
 * name.
 */
export class Events {
  readonly #sender: Sender;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /**
   * List event types.
   *
   * In the order of their names.
   *
   * Scope: `webhooks:read`. Portal: `view`.
   *
   * Fails with `invalid_fields`.
   */
  listTypes(input: EventsListTypesInput = {}, options?: RequestOptions): Pages<EventTypeView> {
    return this.#sender.pages({ verb: 'GET', path: '/event-types', query: input, options });
  }

  /**
   * Put event type.
   *
   * 201 for a new one, else 200. Publishing heeds it within a minute.
   *
   * Scope: `webhooks:write`. Portal: `webhooks`.
   *
   * Fails with `too_many_event_types`, `changed_meanwhile`, `conflict`, `invalid_fields`.
   */
  putType(input: EventsPutTypeInput, options?: RequestOptions): Promise<EventTypeView> {
    return this.#sender.send({ verb: 'PUT', path: '/event-types', body: input, options });
  }

  /**
   * Delete event type.
   *
   * Events of that name are published as before, and within a minute no longer checked.
   *
   * Scope: `webhooks:write`. Portal: `webhooks`.
   *
   * Fails with `event_type_not_found`, `not_found`, `changed_meanwhile`, `conflict`, `invalid_fields`.
   */
  deleteType(name: string, options?: RequestOptions): Promise<EventTypeDeleted> {
    return this.#sender.send({ verb: 'DELETE', path: `/event-types/${segment(name)}`, options });
  }

  /**
   * List events.
   *
   * Newest first, without data; the events that the service publishes among them.
   *
   * Scope: `events:read`. Portal: `view`.
   *
   * Fails with `invalid_fields`.
   */
  list(input: EventsListInput = {}, options?: RequestOptions): Pages<EventView> {
    return this.#sender.pages({ verb: 'GET', path: '/events', query: input, options });
  }

  /**
   * Publish events.
   *
   * Answers when every delivery is queued. The same `id` and body give the same answer, another body a 409.
   *
   * Scope: `events:publish`. Portal: `send`.
   *
   * Fails with `event_id_reused`, `idempotency_key_reused`, `idempotency_in_progress`, `changed_meanwhile`,
   * `conflict`, `invalid_fields`, `no_event_taken`.
   */
  publish(input: EventsPublishInput, options?: RequestOptions): Promise<EventTaken> {
    return this.#sender.send({ verb: 'POST', path: '/events', body: withId(input), options });
  }

  /**
   * Publish events.
   *
   * Answers when every delivery is queued. The same `id` and body give the same answer, another body a 409.
   *
   * Scope: `events:publish`. Portal: `send`.
   *
   * Fails with `event_id_reused`, `idempotency_key_reused`, `idempotency_in_progress`, `changed_meanwhile`,
   * `conflict`, `invalid_fields`, `no_event_taken`.
   */
  publishBatch(input: EventsPublishBatchInput, options?: RequestOptions): Promise<(EventTaken | EventRefused)[]> {
    return this.#sender.send({ verb: 'POST', path: '/events', body: withIds(input), options });
  }

  /**
   * Preview an event.
   *
   * Takes an event as publishing does; nothing is published or kept.
   *
   * Scope: `webhooks:read`. Portal: `view`.
   *
   * Fails with `changed_meanwhile`, `conflict`, `invalid_fields`.
   */
  preview(input: EventsPreviewInput, options?: RequestOptions): Promise<Reach> {
    return this.#sender.send({ verb: 'POST', path: '/events/preview', body: input, options });
  }

  /**
   * Get event.
   *
   * Its data as webhooks get it, and its deliveries: all that were queued when it was published, by their states.
   *
   * Scope: `events:read`. Portal: `view`.
   *
   * Fails with `event_not_found`, `not_found`, `invalid_fields`.
   */
  get(eventId: string, options?: RequestOptions): Promise<EventDetail> {
    return this.#sender.send({ verb: 'GET', path: `/events/${segment(eventId)}`, options });
  }
}

/**
 * Find an application, connect it, test and change the connection: Zapier, n8n, MCP servers and HTTP endpoints of
 * your own.
 */
export class Integrations {
  readonly #sender: Sender;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /**
   * List integrations.
   *
   * Available and configured integrations of the tenant, newest first; webhooks only with `webhooks:read`.
   *
   * Scope: `integrations:read`. Portal: `view`.
   *
   * Fails with `invalid_fields`.
   */
  list(input: IntegrationsListInput = {}, options?: RequestOptions): Pages<IntegrationSummary> {
    return this.#sender.pages({ verb: 'GET', path: '/integrations', query: input, options });
  }

  /**
   * Search available integrations.
   *
   * Applications by relevance, then popularity.
   *
   * Scope: `integrations:read`. Portal: `view`.
   *
   * Fails with `invalid_fields`.
   */
  searchAvailable(
    input: IntegrationsSearchAvailableInput = {},
    options?: RequestOptions,
  ): Pages<AvailableIntegration> {
    return this.#sender.pages({ verb: 'GET', path: '/integrations/available', query: input, options });
  }

  /**
   * Get integration.
   *
   * Capabilities, configuration with secrets masked, usage and health.
   *
   * Scope: `integrations:read`; for a webhook (`wh_…`) `webhooks:read`. Portal: `view`.
   *
   * Fails with `integration_not_found`, `webhook_not_found`, `not_found`, `invalid_fields`.
   */
  get(integrationId: string, options?: RequestOptions): Promise<IntegrationDetail> {
    return this.#sender.send({ verb: 'GET', path: `/integrations/${segment(integrationId)}`, options });
  }

  /**
   * Change integration.
   *
   * Changes name, description, configuration, and what its connector was given: url, headers, secret, actions.
   *
   * Scope: `integrations:write`; for a webhook (`wh_…`) `webhooks:write`. Portal: `connect`, for a webhook
   * `webhooks`.
   *
   * Fails with `integration_not_found`, `webhook_not_found`, `not_found`, `not_connected`, `reauth_required`,
   * `credential_rejected`, `changed_meanwhile`, `conflict`, `invalid_fields`, `forbidden_url`, `credential_rejected`,
   * `not_n8n`, `redirect`, `api_key_scope`, `mcp_token_scope`, `mcp_token_rejected`, `mcp_disabled`,
   * `upstream_connect`, `upstream_failed`, `upstream_unauthorized`, `upstream_refused`, `upstream_not_found`,
   * `credential_rejected`, `upstream_dns`, `upstream_tls`, `upstream_blocked_address`, `upstream_blocked_port`,
   * `upstream_plain_http`, `upstream_malformed_url`, `upstream_redirect`, `upstream_reset`,
   * `upstream_headers_too_large`, `upstream_protocol`, `upstream_answer_too_large`, `upstream_unreadable`,
   * `upstream_invalid_parameters`, `account_required`, `input_required`, `outcome_unknown`, `circuit_open`,
   * `insufficient_scope`, `token_refresh_failed`, `forbidden_url`, `authorization_not_offered`,
   * `registration_not_offered`, `registration_refused`, `pkce_not_supported`, `issuer_mismatch`, `resource_mismatch`,
   * `mcp_disabled`, `mcp_token_rejected`, `upstream_http_4xx`, `upstream_http_5xx`, `upstream_workflows_too_large`,
   * `upstream_unavailable`, `catalogue_unavailable`, `upstream_timeout`, `outcome_unknown`, `timeout`.
   */
  update(
    integrationId: string,
    input: IntegrationsUpdateInput = {},
    options?: RequestOptions,
  ): Promise<IntegrationDetail> {
    return this.#sender.send({
      verb: 'PATCH',
      path: `/integrations/${segment(integrationId)}`,
      body: input,
      options,
    });
  }

  /**
   * Delete integration.
   *
   * Deletes an integration that is not connected; its logs stay until their time is up.
   *
   * Scope: `integrations:write`; for a webhook (`wh_…`) `webhooks:write`. Portal: `connect`, for a webhook
   * `webhooks`.
   *
   * Fails with `integration_not_found`, `webhook_not_found`, `not_found`, `still_connected`, `changed_meanwhile`,
   * `conflict`, `invalid_fields`.
   */
  delete(integrationId: string, options?: RequestOptions): Promise<Deleted> {
    return this.#sender.send({ verb: 'DELETE', path: `/integrations/${segment(integrationId)}`, options });
  }

  /**
   * Confirm authorization.
   *
   * Connects an integration whose authorization was begun with `confirm`, within ten minutes of the callback.
   *
   * Scope: `integrations:write`; for a webhook (`wh_…`) `webhooks:write`. Portal: `connect`, for a webhook
   * `webhooks`.
   *
   * Fails with `integration_not_found`, `webhook_not_found`, `not_found`, `not_pending`, `reauth_required`,
   * `idempotency_key_reused`, `idempotency_in_progress`, `changed_meanwhile`, `conflict`, `invalid_confirmation`,
   * `invalid_fields`.
   */
  confirm(integrationId: string, input: IntegrationsConfirmInput, options?: RequestOptions): Promise<ConnectView> {
    return this.#sender.send({
      verb: 'POST',
      path: `/integrations/${segment(integrationId)}/confirm`,
      body: input,
      key: newKey(options),
      options,
    });
  }

  /**
   * Connect integration.
   *
   * Connects an application of the catalogue (201), or an integration that is not connected again (200).
   *
   * Scope: `integrations:write`; for a webhook (`wh_…`) `webhooks:write`. Portal: `connect`, for a webhook
   * `webhooks`.
   *
   * Fails with `application_not_found`, `integration_not_found`, `webhook_not_found`, `not_found`,
   * `already_connected`, `too_many_integrations`, `reauth_required`, `credential_rejected`, `idempotency_key_reused`,
   * `idempotency_in_progress`, `changed_meanwhile`, `conflict`, `invalid_fields`, `forbidden_url`,
   * `credential_rejected`, `not_n8n`, `redirect`, `api_key_scope`, `mcp_token_scope`, `mcp_token_rejected`,
   * `mcp_disabled`, `upstream_connect`, `upstream_failed`, `upstream_unauthorized`, `upstream_refused`,
   * `upstream_not_found`, `credential_rejected`, `upstream_dns`, `upstream_tls`, `upstream_blocked_address`,
   * `upstream_blocked_port`, `upstream_plain_http`, `upstream_malformed_url`, `upstream_redirect`, `upstream_reset`,
   * `upstream_headers_too_large`, `upstream_protocol`, `upstream_answer_too_large`, `upstream_unreadable`,
   * `upstream_invalid_parameters`, `account_required`, `input_required`, `outcome_unknown`, `circuit_open`,
   * `insufficient_scope`, `token_refresh_failed`, `forbidden_url`, `authorization_not_offered`,
   * `registration_not_offered`, `registration_refused`, `pkce_not_supported`, `issuer_mismatch`, `resource_mismatch`,
   * `mcp_disabled`, `mcp_token_rejected`, `upstream_http_4xx`, `upstream_http_5xx`, `upstream_workflows_too_large`,
   * `upstream_unavailable`, `catalogue_unavailable`, `upstream_timeout`, `outcome_unknown`, `timeout`.
   */
  connect(
    integrationId: string,
    input: IntegrationsConnectInput = {},
    options?: RequestOptions,
  ): Promise<ConnectView> {
    return this.#sender.send({
      verb: 'POST',
      path: `/integrations/${segment(integrationId)}/connect`,
      body: input,
      key: newKey(options),
      options,
    });
  }

  /**
   * Disconnect integration.
   *
   * Wipes the credentials; a second call gives the same answer. A webhook is paused.
   *
   * Scope: `integrations:write`; for a webhook (`wh_…`) `webhooks:write`. Portal: `connect`, for a webhook
   * `webhooks`.
   *
   * Fails with `integration_not_found`, `webhook_not_found`, `not_found`, `changed_meanwhile`, `conflict`,
   * `idempotency_key_reused`, `idempotency_in_progress`, `invalid_fields`.
   */
  disconnect(integrationId: string, options?: RequestOptions): Promise<DisconnectView> {
    return this.#sender.send({
      verb: 'POST',
      path: `/integrations/${segment(integrationId)}/disconnect`,
      key: newKey(options),
      options,
    });
  }

  /**
   * Integration logs.
   *
   * Newest first. For a webhook the entries are delivery attempts, and the action is the event's name.
   *
   * Scope: `integrations:read`; for a webhook (`wh_…`) `webhooks:read`. Portal: `view`.
   *
   * Fails with `integration_not_found`, `webhook_not_found`, `not_found`, `invalid_fields`.
   */
  listLogs(integrationId: string, input: IntegrationsListLogsInput = {}, options?: RequestOptions): Pages<LogView> {
    return this.#sender.pages({
      verb: 'GET',
      path: `/integrations/${segment(integrationId)}/logs`,
      query: input,
      options,
    });
  }

  /**
   * Test integration.
   *
   * A real call without side effects. A failed test is a 200 with `passed: false`, reason and next step.
   *
   * Scope: `integrations:write`; for a webhook (`wh_…`) `webhooks:write`. Portal: `connect`, for a webhook `send`.
   *
   * Fails with `integration_not_found`, `webhook_not_found`, `not_found`, `not_connected`, `webhook_paused`,
   * `webhook_disabled`, `wrong_webhook_type`, `reauth_required`, `idempotency_key_reused`, `idempotency_in_progress`,
   * `changed_meanwhile`, `conflict`, `invalid_fields`.
   */
  test(integrationId: string, options?: RequestOptions): Promise<TestView> {
    return this.#sender.send({
      verb: 'POST',
      path: `/integrations/${segment(integrationId)}/test`,
      key: newKey(options),
      options,
    });
  }
}

/** Run what a connected integration can do, at once or in the background. */
export class Actions {
  readonly #sender: Sender;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /**
   * Execute integration action.
   *
   * Checks the parameters, calls the upstream, and logs what came of it; with `Prefer: respond-async` later (202).
   *
   * With an `Idempotency-Key` the outcome itself is kept, also a failed or an unknown one, and nothing is sent twice.
   * An action that needs approval is answered with `pending_approval` (202); once it is approved, the same request
   * with
   * its `approvalId` makes the call.
   *
   * Scope: `actions:execute`; for a webhook (`wh_…`) `webhooks:read`. Portal: `act`.
   *
   * Throws `ApprovalRequired` where a person has to approve the call before it is made; nothing was sent.
   *
   * Fails with `action_not_found`, `approval_not_found`, `integration_not_found`, `webhook_not_found`, `not_found`,
   * `not_connected`, `credential_rejected`, `reauth_required`, `approval_mismatch`, `idempotency_key_reused`,
   * `idempotency_in_progress`, `changed_meanwhile`, `conflict`, `invalid_fields`, `upstream_failed`,
   * `upstream_unauthorized`, `upstream_refused`, `upstream_not_found`, `credential_rejected`, `insufficient_scope`,
   * `upstream_dns`, `upstream_connect`, `upstream_tls`, `upstream_blocked_address`, `upstream_blocked_port`,
   * `upstream_plain_http`, `upstream_malformed_url`, `upstream_redirect`, `upstream_reset`,
   * `upstream_headers_too_large`, `upstream_protocol`, `upstream_answer_too_large`, `upstream_unreadable`,
   * `upstream_invalid_parameters`, `account_required`, `input_required`, `outcome_unknown`, `circuit_open`,
   * `token_refresh_failed`, `forbidden_url`, `mcp_disabled`, `mcp_token_rejected`, `upstream_unavailable`,
   * `upstream_bad_json`, `upstream_request_too_large`, `webhook_method_rejected`, `webhook_credential_rejected`,
   * `webhook_address_rejected`, `workflow_inactive`, `workflow_not_started`, `workflow_misconfigured`,
   * `workflow_failed`, `workflow_answered_error`, `upstream_timeout`, `outcome_unknown`, `timeout`.
   */
  execute(
    integrationId: string,
    actionName: string,
    input: ActionsExecuteInput = {},
    options?: RequestOptions,
  ): Promise<ActionView> {
    return this.#sender.send({
      verb: 'POST',
      path: `/integrations/${segment(integrationId)}/actions/${segment(actionName)}`,
      body: input,
      key: newKey(options),
      options,
    });
  }

  /**
   * Execute integration action, and answer at once with a reference to it.
   *
   * Checks the parameters, calls the upstream, and logs what came of it; with `Prefer: respond-async` later (202).
   *
   * With an `Idempotency-Key` the outcome itself is kept, also a failed or an unknown one, and nothing is sent twice.
   * An action that needs approval is answered with `pending_approval` (202); once it is approved, the same request
   * with
   * its `approvalId` makes the call.
   *
   * Scope: `actions:execute`; for a webhook (`wh_…`) `webhooks:read`. Portal: `act`.
   *
   * Throws `ApprovalRequired` where a person has to approve the call before it is made; nothing was sent.
   *
   * Fails with `action_not_found`, `approval_not_found`, `integration_not_found`, `webhook_not_found`, `not_found`,
   * `not_connected`, `credential_rejected`, `reauth_required`, `approval_mismatch`, `idempotency_key_reused`,
   * `idempotency_in_progress`, `changed_meanwhile`, `conflict`, `invalid_fields`, `upstream_failed`,
   * `upstream_unauthorized`, `upstream_refused`, `upstream_not_found`, `credential_rejected`, `insufficient_scope`,
   * `upstream_dns`, `upstream_connect`, `upstream_tls`, `upstream_blocked_address`, `upstream_blocked_port`,
   * `upstream_plain_http`, `upstream_malformed_url`, `upstream_redirect`, `upstream_reset`,
   * `upstream_headers_too_large`, `upstream_protocol`, `upstream_answer_too_large`, `upstream_unreadable`,
   * `upstream_invalid_parameters`, `account_required`, `input_required`, `outcome_unknown`, `circuit_open`,
   * `token_refresh_failed`, `forbidden_url`, `mcp_disabled`, `mcp_token_rejected`, `upstream_unavailable`,
   * `upstream_bad_json`, `upstream_request_too_large`, `webhook_method_rejected`, `webhook_credential_rejected`,
   * `webhook_address_rejected`, `workflow_inactive`, `workflow_not_started`, `workflow_misconfigured`,
   * `workflow_failed`, `workflow_answered_error`, `upstream_timeout`, `outcome_unknown`, `timeout`.
   */
  executeInBackground(
    integrationId: string,
    actionName: string,
    input: ActionsExecuteInBackgroundInput = {},
    options?: RequestOptions,
  ): Promise<ExecutionRef> {
    return this.#sender.send({
      verb: 'POST',
      path: `/integrations/${segment(integrationId)}/actions/${segment(actionName)}`,
      body: input,
      key: newKey(options),
      headers: { Prefer: 'respond-async' },
      options,
    });
  }

  /**
   * List executions.
   *
   * Newest first, without results. Kept for seven days.
   *
   * Scope: `integrations:read`; for a webhook (`wh_…`) `webhooks:read`. Portal: `view`.
   *
   * Fails with `integration_not_found`, `webhook_not_found`, `not_found`, `invalid_fields`.
   */
  listExecutions(
    integrationId: string,
    input: ActionsListExecutionsInput = {},
    options?: RequestOptions,
  ): Pages<ExecutionSummary> {
    return this.#sender.pages({
      verb: 'GET',
      path: `/integrations/${segment(integrationId)}/executions`,
      query: input,
      options,
    });
  }

  /**
   * Get execution.
   *
   * Its state, and once it has ended its result or error. Kept for seven days.
   *
   * Scope: `integrations:read`; for a webhook (`wh_…`) `webhooks:read`. Portal: `view`.
   *
   * Fails with `execution_not_found`, `integration_not_found`, `webhook_not_found`, `not_found`, `invalid_fields`.
   */
  getExecution(integrationId: string, executionId: string, options?: RequestOptions): Promise<ExecutionView> {
    return this.#sender.send({
      verb: 'GET',
      path: `/integrations/${segment(integrationId)}/executions/${segment(executionId)}`,
      options,
    });
  }
}

/** Approve or deny calls of actions that a person has to allow. */
export class Approvals {
  readonly #sender: Sender;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /**
   * List approvals.
   *
   * Newest first, without parameters. Kept for 30 days.
   *
   * Scope: `actions:approve`. Portal: `approve`.
   *
   * Fails with `invalid_fields`.
   */
  list(input: ApprovalsListInput = {}, options?: RequestOptions): Pages<ApprovalSummary> {
    return this.#sender.pages({ verb: 'GET', path: '/approvals', query: input, options });
  }

  /**
   * Get approval.
   *
   * What is to be called, with which parameters, and how it was decided.
   *
   * Scope: `actions:approve`. Portal: `approve`.
   *
   * Fails with `approval_not_found`, `not_found`, `invalid_fields`.
   */
  get(approvalId: string, options?: RequestOptions): Promise<ApprovalView> {
    return this.#sender.send({ verb: 'GET', path: `/approvals/${segment(approvalId)}`, options });
  }

  /**
   * Approve action.
   *
   * Allows this one call: its caller repeats it with `approvalId`. The token that asked, and those it made,
   * cannot approve it.
   *
   * Scope: `actions:approve`. Portal: `approve`.
   *
   * Fails with `approval_not_found`, `not_found`, `approval_decided`, `changed_meanwhile`, `conflict`,
   * `invalid_fields`.
   */
  approve(approvalId: string, input: ApprovalsApproveInput = {}, options?: RequestOptions): Promise<ApprovalView> {
    return this.#sender.send({
      verb: 'POST',
      path: `/approvals/${segment(approvalId)}/approve`,
      body: input,
      options,
    });
  }

  /**
   * Deny action.
   *
   * Refuses this one call; a repeat of it is answered with 403 and the reason.
   *
   * Scope: `actions:approve`. Portal: `approve`.
   *
   * Fails with `approval_not_found`, `not_found`, `approval_decided`, `changed_meanwhile`, `conflict`,
   * `invalid_fields`.
   */
  deny(approvalId: string, input: ApprovalsDenyInput = {}, options?: RequestOptions): Promise<ApprovalView> {
    return this.#sender.send({ verb: 'POST', path: `/approvals/${segment(approvalId)}/deny`, body: input, options });
  }
}

/** Which token changed what, when, and with what outcome. */
export class Audit {
  readonly #sender: Sender;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /**
   * Audit trail.
   *
   * Newest first: which token changed what, with what outcome. An entry is written before its operation begins.
   *
   * Scope: `audit:read`. Portal: `view`.
   *
   * Fails with `invalid_fields`.
   */
  list(input: AuditListInput = {}, options?: RequestOptions): Pages<AuditEntryView> {
    return this.#sender.pages({ verb: 'GET', path: '/audit', query: input, options });
  }
}

/** Let a person see and manage webhooks and integrations in a browser: make a session, and open its URL. */
export class Portal {
  readonly #sender: Sender;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /**
   * Get portal session.
   *
   * For the page of the portal, when it was loaded again. Any other token is refused.
   *
   * Fails with `invalid_fields`.
   */
  getSession(options?: RequestOptions): Promise<PortalSessionView> {
    return this.#sender.send({ verb: 'GET', path: '/portal/session', options });
  }

  /**
   * Create portal session.
   *
   * For your server, never for a browser. `url` works once, and for two minutes: send the person there, or load it
   * in a frame. The session is no wider than the token that makes it, and ends with it.
   *
   * Scope: `portal:sessions`.
   *
   * Fails with `changed_meanwhile`, `conflict`, `invalid_fields`.
   */
  createSession(input: PortalCreateSessionInput, options?: RequestOptions): Promise<PortalSessionLink> {
    return this.#sender.send({ verb: 'POST', path: '/portal/sessions', body: input, options });
  }

  /**
   * End portal sessions.
   *
   * All that the tenant made with this `sessionId` until now, also where there are none; they are refused within 60
   * seconds.
   *
   * Scope: `portal:sessions`.
   *
   * Fails with `changed_meanwhile`, `conflict`, `invalid_fields`.
   */
  endSessions(input: PortalEndSessionsInput, options?: RequestOptions): Promise<PortalSessionsEnded> {
    return this.#sender.send({ verb: 'DELETE', path: '/portal/sessions', query: input, options });
  }

  /**
   * Exchange portal code.
   *
   * The page of the portal calls it. The code is the credential, so it needs no token. It works once, and for two
   * minutes.
   *
   * Fails with `invalid_fields`.
   */
  exchangeCode(input: PortalExchangeCodeInput, options?: RequestOptions): Promise<ExchangedPortalSession> {
    return this.#sender.send({ verb: 'POST', path: '/portal/sessions/exchange', body: input, options });
  }

  /**
   * End portal session.
   *
   * With a token that makes sessions, any of the tenant; a session ends itself. It and the tokens that it made are
   * refused within 60 seconds; a second time is the same.
   *
   * Scope: `portal:sessions`.
   *
   * Fails with `portal_session_not_found`, `not_found`, `changed_meanwhile`, `conflict`, `invalid_fields`.
   */
  endSession(sessionId: string, options?: RequestOptions): Promise<Deleted> {
    return this.#sender.send({ verb: 'DELETE', path: `/portal/sessions/${segment(sessionId)}`, options });
  }
}

/** Make tokens for agents and programs, no wider than your own, and revoke them. */
export class Tokens {
  readonly #sender: Sender;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /**
   * List tokens.
   *
   * Those that operators made, and those that tokens made; without the tokens themselves. What has ended is listed
   * for 30 days more. A session of the portal gets those that it made itself.
   *
   * Scope: `tokens:manage`. Portal: `agents`.
   *
   * Fails with `invalid_fields`.
   */
  list(input: TokensListInput = {}, options?: RequestOptions): Pages<TokenView> {
    return this.#sender.pages({ verb: 'GET', path: '/tokens', query: input, options });
  }

  /**
   * Create token.
   *
   * For an agent or a program: with some of the caller's scopes, and limited to some actions or to reading. It ends
   * with the token that makes it, and can make none itself. The answer shows it, this once.
   *
   * Scope: `tokens:manage`. Portal: `agents`.
   *
   * Fails with `changed_meanwhile`, `conflict`, `invalid_fields`.
   */
  create(input: TokensCreateInput, options?: RequestOptions): Promise<CreatedToken> {
    return this.#sender.send({ verb: 'POST', path: '/tokens', body: input, options });
  }

  /**
   * Revoke token.
   *
   * Any token of the tenant, also the one of this request; a session of the portal those that it made itself. They
   * are refused within 60 seconds; a second time is the same.
   *
   * Scope: `tokens:manage`. Portal: `agents`.
   *
   * Fails with `token_not_found`, `not_found`, `changed_meanwhile`, `conflict`, `invalid_fields`.
   */
  revoke(tokenId: string, options?: RequestOptions): Promise<Deleted> {
    return this.#sender.send({ verb: 'DELETE', path: `/tokens/${segment(tokenId)}`, options });
  }
}

/** Whether the service runs. */
export class Service {
  readonly #sender: Sender;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /**
   * Health of the service.
   *
   * Answers without a token.
   */
  getHealth(options?: RequestOptions): Promise<ServiceHealth> {
    return this.#sender.send({ verb: 'GET', path: '/health', options });
  }
}

/** All resources of the API. */
export class Resources {
  /**
   * Subscribe an endpoint of yours to events, and see, repeat and recover its deliveries. Begin here: create a
   * webhook, then publish an event.
   */
  readonly webhooks: Webhooks;
  /**
   * Publish events, see how they were delivered, and describe their data. An event goes to every webhook that takes
   * its name.
   */
  readonly events: Events;
  /**
   * Find an application, connect it, test and change the connection: Zapier, n8n, MCP servers and HTTP endpoints of
   * your own.
   */
  readonly integrations: Integrations;
  /** Run what a connected integration can do, at once or in the background. */
  readonly actions: Actions;
  /** Approve or deny calls of actions that a person has to allow. */
  readonly approvals: Approvals;
  /** Which token changed what, when, and with what outcome. */
  readonly audit: Audit;
  /** Let a person see and manage webhooks and integrations in a browser: make a session, and open its URL. */
  readonly portal: Portal;
  /** Make tokens for agents and programs, no wider than your own, and revoke them. */
  readonly tokens: Tokens;
  /** Whether the service runs. */
  readonly service: Service;

  constructor(sender: Sender) {
    this.webhooks = new Webhooks(sender);
    this.events = new Events(sender);
    this.integrations = new Integrations(sender);
    this.actions = new Actions(sender);
    this.approvals = new Approvals(sender);
    this.audit = new Audit(sender);
    this.portal = new Portal(sender);
    this.tokens = new Tokens(sender);
    this.service = new Service(sender);
  }
}

/** What `webhooks.list` takes. */
export interface WebhooksListInput {
  /** Items per page */
  limit?: number | undefined;
}

/** What `webhooks.create` takes. */
export interface WebhooksCreateInput {
  /** What people call it */
  name: string;
  /** Names such as `workflow.executed`, families such as `workflow.*`, or `*` */
  events: readonly string[];
  /** Where to send events: HTTPS, and no private address */
  url?: string | undefined;
  /** `webhook`, the default: events are sent to `url`. `polling`: they wait until a client polls for them */
  type?: 'webhook' | 'polling' | undefined;
  /** Sent with every delivery */
  headers?: Record<string, string> | null | undefined;
  /** The signing secret; made where it is left out */
  secret?: string | null | undefined;
  /**
   * Seconds to wait before each attempt, the first one (at most 900) included, 14 days together; without it the
   * service's own holds
   */
  retrySchedule?: readonly number[] | null | undefined;
  /** Most deliveries per second; what is over it waits */
  rateLimit?: number | null | undefined;
  /**
   * An event pattern in EventBridge's syntax over `event`, `timestamp` and `data`; the webhook gets only the events
   * that match
   */
  filter?: Record<string, unknown> | null | undefined;
  /** A polling endpoint is removed once nobody has polled for so many seconds; without it, never */
  expiresIn?: number | null | undefined;
}

/** What `webhooks.update` takes. */
export interface WebhooksUpdateInput {
  /** What people call it */
  name?: string | null | undefined;
  /** Where to send events; another host needs the headers again */
  url?: string | null | undefined;
  /** Replaces the events it gets */
  events?: readonly string[] | null | undefined;
  /** Replaces its headers; `{}` removes them */
  headers?: Record<string, string> | null | undefined;
  /** false pauses it, true lets it go on */
  active?: boolean | null | undefined;
  /**
   * Seconds to wait before each attempt, the first one (at most 900) included, 14 days together; without it the
   * service's own holds
   */
  retrySchedule?: readonly number[] | null | undefined;
  /** Most deliveries per second; what is over it waits */
  rateLimit?: number | null | undefined;
  /**
   * An event pattern in EventBridge's syntax over `event`, `timestamp` and `data`; the webhook gets only the events
   * that match
   */
  filter?: Record<string, unknown> | null | undefined;
}

/** What `webhooks.acknowledgeMessages` takes. */
export interface WebhooksAcknowledgeMessagesInput {
  /** A report for each message */
  messages: readonly MessageReportParam[];
}

/** What `webhooks.listDeliveries` takes. */
export interface WebhooksListDeliveriesInput {
  /** Filter by state */
  state?: 'pending' | 'delivered' | 'retrying' | 'exhausted' | 'discarded' | undefined;
  /** Filter by event name */
  event?: string | undefined;
  /** Filter by the status of an attempt's answer; `none`: an attempt without one */
  codeClass?: '2xx' | '3xx' | '4xx' | '5xx' | 'none' | undefined;
  /** Filter by the failure of an attempt, such as dns or http_5xx */
  failure?: string | undefined;
  /** Published at or after this date (ISO 8601) */
  fromDate?: Date | string | undefined;
  /** Published at or before this date (ISO 8601) */
  toDate?: Date | string | undefined;
  /** Items per page */
  limit?: number | undefined;
}

/** What `webhooks.pollMessages` takes. */
export interface WebhooksPollMessagesInput {
  /** Seconds to wait for a message if there is none */
  wait?: number | undefined;
  /** Seconds in which to acknowledge the messages; after that they are handed out again */
  lease?: number | undefined;
  /** The most messages to take */
  limit?: number | undefined;
}

/** What `webhooks.listRecoveries` takes. */
export interface WebhooksListRecoveriesInput {
  /** Items per page */
  limit?: number | undefined;
}

/** What `webhooks.recover` takes. */
export interface WebhooksRecoverInput {
  /** ISO 8601: events published from then on */
  since: Date | string;
  /** ISO 8601: events published until then. Now, if it is left out */
  until?: Date | string | null | undefined;
  /** Only these events or families. All, if it is left out */
  events?: readonly string[] | null | undefined;
  /** Which deliveries */
  states?: readonly ('failed' | 'missing')[] | undefined;
  /** Counts and sends nothing */
  dryRun?: boolean | undefined;
  /** Deliveries per second */
  perSecond?: number | undefined;
}

/** What `webhooks.rotateSecret` takes. */
export interface WebhooksRotateSecretInput {
  /** How long the old secret signs too; 86400 by default */
  overlapSeconds?: number | null | undefined;
  /** Ends every old secret at once, like an overlap of 0 */
  revokeNow?: boolean | undefined;
  /** The new secret; without one it is made */
  secret?: string | null | undefined;
}

/** What `webhooks.test` takes. */
export interface WebhooksTestInput {
  /** The event to send a sample of */
  event?: string | undefined;
}

/** What `events.listTypes` takes. */
export interface EventsListTypesInput {
  /** Items per page */
  limit?: number | undefined;
}

/** What `events.putType` takes. */
export interface EventsPutTypeInput {
  /** Such as `workflow.executed` */
  name: string;
  /** What the event means */
  description?: string | null | undefined;
  /** JSON Schema of an event's `data`, 2020-12 unless it says else */
  schema?: Record<string, unknown> | null | undefined;
  /** warn: events that break the schema are taken and marked */
  mode?: 'off' | 'warn' | undefined;
}

/** What `events.list` takes. */
export interface EventsListInput {
  /** Filter by event name */
  event?: string | undefined;
  /** Published at or after this date (ISO 8601) */
  fromDate?: Date | string | undefined;
  /** Published at or before this date (ISO 8601) */
  toDate?: Date | string | undefined;
  /** Items per page */
  limit?: number | undefined;
}

/** What `events.publish` takes. */
export interface EventsPublishInput {
  /** Such as `workflow.executed` */
  event: string;
  /** Up to 200 KB as JSON */
  data: Record<string, unknown>;
  /** Your own id of the event: the same id and body are one event, another body is a 409 */
  id?: string | null | undefined;
  /** When it happened, ISO 8601; kept in UTC to the second. Now, if it is left out */
  timestamp?: Date | string | null | undefined;
}

/** What `events.publishBatch` takes. */
export interface EventsPublishBatchInput {
  /** The events, in the order of publishing */
  events: readonly PublishEventParam[];
}

/** What `events.preview` takes. */
export interface EventsPreviewInput {
  /** Such as `workflow.executed` */
  event: string;
  /** Up to 200 KB as JSON */
  data: Record<string, unknown>;
  /** Your own id of the event: the same id and body are one event, another body is a 409 */
  id?: string | null | undefined;
  /** When it happened, ISO 8601; kept in UTC to the second. Now, if it is left out */
  timestamp?: Date | string | null | undefined;
}

/** What `integrations.list` takes. */
export interface IntegrationsListInput {
  /** Filter by type */
  type?: 'zapier' | 'n8n' | 'custom' | 'webhook' | 'mcp' | undefined;
  /** Filter by status */
  status?: 'connected' | 'disconnected' | 'pending' | 'error' | undefined;
  /** Items per page */
  limit?: number | undefined;
}

/** What `integrations.searchAvailable` takes. */
export interface IntegrationsSearchAvailableInput {
  /** Search query */
  query?: string | undefined;
  /** Filter by category */
  category?: string | undefined;
  /** Filter by type */
  type?: 'zapier' | 'n8n' | 'custom' | 'webhook' | 'mcp' | undefined;
  /** Items per page */
  limit?: number | undefined;
}

/** What `integrations.update` takes. */
export interface IntegrationsUpdateInput {
  /** What people call it; the application's name where it is left out */
  name?: string | null | undefined;
  /** What it is for */
  description?: string | null | undefined;
  /** Facts about the connection that are no secrets */
  configuration?: Record<string, unknown> | undefined;
  /** Which actions a person has to approve before each call; none of its own */
  approval?: ApprovalsParam | null | undefined;
  [field: string]: unknown;
}

/** What `integrations.confirm` takes. */
export interface IntegrationsConfirmInput {
  /** As the redirect to `redirectUrl` brought it */
  confirmation: string;
}

/** What `integrations.connect` takes. */
export interface IntegrationsConnectInput {
  /** What people call it */
  name?: string | null | undefined;
  /** Where requests are sent: HTTPS, and no private address */
  url?: string | undefined;
  /** What it is for */
  description?: string | null | undefined;
  /** Facts about the connection that are no secrets */
  configuration?: Record<string, unknown> | undefined;
  /** Which actions a person has to approve before each call; none of its own */
  approval?: ApprovalsParam | null | undefined;
  /** Sent with every request */
  headers?: Record<string, string> | undefined;
  /** Signs every request */
  secret?: string | null | undefined;
  /** What the endpoint can do */
  actions?: readonly CustomActionParam[] | undefined;
  /** A person authorizes the connection in a browser */
  authType?: 'oauth' | 'token' | 'none' | undefined;
  /** Where to return to */
  redirectUrl?: string | null | undefined;
  /** The MCP server; Zapier's own where it is left out */
  serverUrl?: string | undefined;
  /** Whether the application confirms the browser that returns */
  confirm?: boolean | undefined;
  /** The token, which is never shown */
  token?: string | null | undefined;
  /** The address of n8n, with its path prefix if it has one */
  baseUrl?: string | undefined;
  /** Needs the scope workflow:list; execution:list and execution:read too */
  apiKey?: string | undefined;
  /** Runs the workflows exposed to MCP through n8n's own MCP server */
  mcpToken?: string | null | undefined;
  /** Only the workflows with all of these tags */
  tags?: readonly string[] | undefined;
  /** The webhooks' own credentials by workflow id, and `default` */
  webhookAuth?: Record<string, HeaderAuthParam | BasicAuthParam | JwtAuthParam> | undefined;
}

/** What `integrations.listLogs` takes. */
export interface IntegrationsListLogsInput {
  /** Filter by action name */
  action?: string | undefined;
  /** Filter by outcome */
  status?: 'success' | 'error' | 'unknown' | undefined;
  /** Filter after date (ISO 8601) */
  fromDate?: Date | string | undefined;
  /** Filter before date (ISO 8601) */
  toDate?: Date | string | undefined;
  /** Items per page */
  limit?: number | undefined;
}

/** What `actions.execute` takes. */
export interface ActionsExecuteInput {
  /** What the action takes */
  parameters?: Record<string, unknown> | undefined;
  /** The approval of this call: `apr_…`, where it needs one */
  approvalId?: string | null | undefined;
}

/** What `actions.executeInBackground` takes. */
export interface ActionsExecuteInBackgroundInput {
  /** What the action takes */
  parameters?: Record<string, unknown> | undefined;
  /** The approval of this call: `apr_…`, where it needs one */
  approvalId?: string | null | undefined;
}

/** What `actions.listExecutions` takes. */
export interface ActionsListExecutionsInput {
  /** Filter by action name */
  action?: string | undefined;
  /** Filter by status */
  status?: 'queued' | 'running' | 'succeeded' | 'failed' | 'unknown' | 'cancelled' | undefined;
  /** Accepted at or after this date (ISO 8601) */
  fromDate?: Date | string | undefined;
  /** Accepted at or before this date (ISO 8601) */
  toDate?: Date | string | undefined;
  /** Items per page */
  limit?: number | undefined;
}

/** What `approvals.list` takes. */
export interface ApprovalsListInput {
  /** Filter by status */
  status?: 'pending' | 'approved' | 'denied' | 'expired' | 'used' | undefined;
  /** Items per page */
  limit?: number | undefined;
}

/** What `approvals.approve` takes. */
export interface ApprovalsApproveInput {
  /** Why; a call that was denied is answered with it */
  reason?: string | undefined;
}

/** What `approvals.deny` takes. */
export interface ApprovalsDenyInput {
  /** Why; a call that was denied is answered with it */
  reason?: string | undefined;
}

/** What `audit.list` takes. */
export interface AuditListInput {
  /** Filter by kind, such as `webhook.create` */
  kind?: string | undefined;
  /** Filter by token id */
  actor?: string | undefined;
  /** Filter by the id of what it was done to */
  subject?: string | undefined;
  /** Filter by outcome; `none`: it is not known */
  outcome?: 'succeeded' | 'failed' | 'unknown' | 'none' | undefined;
  /** Filter after date (ISO 8601) */
  fromDate?: Date | string | undefined;
  /** Filter before date (ISO 8601) */
  toDate?: Date | string | undefined;
  /** Items per page */
  limit?: number | undefined;
}

/** What `portal.createSession` takes. */
export interface PortalCreateSessionInput {
  /** What the person may see and do */
  capabilities: readonly ('view' | 'payloads' | 'secrets' | 'webhooks' | 'send' | 'connect' | 'act' | 'approve' | 'agents')[];
  /** Its life in seconds, 3600 (an hour) where it is left out */
  expiresIn?: number | null | undefined;
  /** What you call the person, or their session with you, to end all sessions of it at once */
  sessionId?: string | null | undefined;
  /** The ids of all the webhooks that it knows of; all where it is left out */
  webhooks?: readonly string[] | null | undefined;
  /** The ids or slugs of all the integrations that it knows of; all where it is left out */
  integrations?: readonly string[] | null | undefined;
  /** Where the page leads back to */
  returnUrl?: string | null | undefined;
  /** Where the page sends a person whose session has ended */
  refreshUrl?: string | null | undefined;
  /** The language; the browser's where it is left out */
  locale?: 'en' | 'de' | 'es' | 'fr' | 'ja' | 'pt-BR' | undefined;
  /** Light or dark; `auto` is what the browser prefers */
  theme?: 'light' | 'dark' | 'auto' | undefined;
}

/** What `portal.endSessions` takes. */
export interface PortalEndSessionsInput {
  /** The `sessionId` that they were made with */
  sessionId: string;
}

/** What `portal.exchangeCode` takes. */
export interface PortalExchangeCodeInput {
  /** What follows `#code=` in the URL */
  code: string;
}

/** What `tokens.list` takes. */
export interface TokensListInput {
  /** Items per page */
  limit?: number | undefined;
}

/** What `tokens.create` takes. */
export interface TokensCreateInput {
  /** What people call it */
  name: string;
  /** What it allows: scopes that the caller's own token has; `*` is all but `tokens:manage` and `portal:sessions` */
  scopes: readonly string[];
  /** The actions that it may run, as patterns of `<slug>.<action>` with `*`; empty for all */
  actions?: readonly string[] | undefined;
  /** Whether it can change nothing, and run only actions that read */
  readOnly?: boolean | undefined;
  /** Its life in seconds, 604800 (seven days) where it is left out */
  expiresIn?: number | null | undefined;
}

/** Which actions a person has to approve before each call. */
export interface ApprovalsParam {
  /** Each that destroys something, or whose effect is not known */
  destructive?: boolean | undefined;
  /** Names of actions; `*` stands for any characters */
  actions?: readonly string[] | undefined;
  /** Seconds until an approval expires */
  expiresIn?: number | undefined;
}

/** A name and a password (RFC 7617). */
export interface BasicAuthParam {
  /** A name and a password */
  type: 'basic';
  /** The user's name, without a colon */
  username: string;
  /** The password, which is never shown */
  password: string;
}

/** An action that the endpoint understands; `parameters` is the JSON Schema of an object. */
export interface CustomActionParam {
  /** The action's name in the path that runs it */
  name: string;
  /** What people call it */
  title?: string | null | undefined;
  /** What it does */
  description?: string | null | undefined;
  /** What a call does to the endpoint's data: `read` changes nothing, `write` can be undone, `destructive` cannot */
  effect?: 'read' | 'write' | 'destructive' | undefined;
  /** A person has to approve each call before it is made */
  approval?: 'required' | undefined;
  /** JSON Schema of an object */
  parameters?: Record<string, unknown> | undefined;
}

/** A header that the webhook asks for. */
export interface HeaderAuthParam {
  /** A header */
  type: 'header';
  /** The header's name */
  name: string;
  /** Its value, which is never shown */
  value: string;
}

/** A signed token, which n8n checks with the key it knows. */
export interface JwtAuthParam {
  /** A signed token */
  type: 'jwt';
  /** The signed token, which is never shown */
  token: string;
}

/** How one message was handled; as an attempt it joins those of its delivery. */
export interface MessageReportParam {
  /** The message's `deliveryId` */
  deliveryId: string;
  /** The message's `leaseToken` */
  leaseToken: string;
  /** `error`: it is handed out again by the webhook's retry schedule */
  status: 'success' | 'error';
  /** The HTTP status that a receiver answered with, where the message was forwarded to one */
  statusCode?: number | null | undefined;
  /** A few words on the outcome, kept with the attempt */
  message?: string | null | undefined;
}

/** One event to publish. */
export interface PublishEventParam {
  /** Such as `workflow.executed` */
  event: string;
  /** Up to 200 KB as JSON */
  data: Record<string, unknown>;
  /** Your own id of the event: the same id and body are one event, another body is a 409 */
  id?: string | null | undefined;
  /** When it happened, ISO 8601; kept in UTC to the second. Now, if it is left out */
  timestamp?: Date | string | null | undefined;
}
