/*
 * What the service answers.
 * Generated from docs/openapi.json by tools/clients; `make clients` writes it again.
 */

/** The result of one report. */
export interface AcknowledgedMessage {
  /** The report's `deliveryId` */
  deliveryId: string;
  /**
   * 200: recorded, now or before. 404: there is no such delivery. 409: the lease has ended, and it was handed out
   * again or ended otherwise
   */
  status: 200 | 404 | 409;
  /** The delivery's state, where recorded */
  state?: 'pending' | 'delivered' | 'retrying' | 'exhausted' | 'discarded';
  /** When the message is handed out again */
  nextAttemptAt?: string;
  /** Why it was not recorded */
  error?: Problem;
}

/** The result of each report, in their order. */
export interface AcknowledgedMessages {
  /** One for each report */
  messages: AcknowledgedMessage[];
}

/** What an action gave. */
export interface ActionView {
  /** The action's name */
  action: string;
  /** Milliseconds */
  executionTime: number;
  /** What the integration answered */
  result?: Record<string, unknown>;
}

/** Which actions a person has to approve before each call. */
export interface ApprovalRuleView {
  /** Each that destroys something, or whose effect is not known */
  destructive: boolean;
  /** Names of actions; `*` stands for any characters */
  actions: string[];
  /** Seconds until an approval expires */
  expiresIn: number;
}

/** A call that a person has to approve, as a list shows it. */
export interface ApprovalSummary {
  /** `apr_…` */
  approvalId: string;
  /** `used`: the call was made */
  status: 'pending' | 'approved' | 'denied' | 'expired' | 'used';
  /** The integration: `int_…` */
  integrationId: string;
  /** The action's name */
  action: string;
  /** The id of the token that asked for the call */
  requestedBy: string;
  /** When it was asked for */
  createdAt: string;
  /** Until when it can be approved and used */
  expiresAt: string;
  /** The id of the token that decided */
  decidedBy?: string;
  /** When it was decided */
  decidedAt?: string;
  /** What was said with the decision */
  reason?: string;
  /** The call that was made: `exe_…` */
  executionId?: string;
}

/** A call that a person has to approve, with its parameters. */
export interface ApprovalView {
  /** `apr_…` */
  approvalId: string;
  /** `used`: the call was made */
  status: 'pending' | 'approved' | 'denied' | 'expired' | 'used';
  /** The integration: `int_…` */
  integrationId: string;
  /** The action's name */
  action: string;
  /** The id of the token that asked for the call */
  requestedBy: string;
  /** When it was asked for */
  createdAt: string;
  /** Until when it can be approved and used */
  expiresAt: string;
  /** The id of the token that decided */
  decidedBy?: string;
  /** When it was decided */
  decidedAt?: string;
  /** What was said with the decision */
  reason?: string;
  /** The call that was made: `exe_…` */
  executionId?: string;
  /** What the call takes; what looks like a secret is masked */
  parameters?: Record<string, unknown>;
}

/** One attempt, with what was sent. Secrets are masked; `explanation` and `nextStep` say what a failure means. */
export interface AttemptDetail {
  /** Its number, from 1 */
  attempt: number;
  /** `unknown`: the worker ended before it knew */
  status: 'success' | 'error' | 'unknown';
  /** Milliseconds from the start to the end of the answer */
  durationMs: number;
  /** When it began */
  startedAt: string;
  /** The headers that were sent; secret values masked */
  requestHeaders: Record<string, string>;
  /** The status of the answer */
  httpStatus?: number;
  /** The code of a failure, such as `http_5xx` or `timeout` */
  failure?: string;
  /** What was wrong with the answer's body, such as timeout_body; it decides nothing */
  warning?: string;
  /** The start of the answer's body, with secrets masked */
  response?: string;
  /** Milliseconds of each phase */
  timings?: Record<string, number>;
  /** Where it was sent; what looks like a credential is masked */
  url?: string;
  /** What the failure means */
  explanation?: string;
  /** What to do about it */
  nextStep?: string;
}

/** One attempt at a delivery; `response` is the start of what the receiver answered, with secrets masked. */
export interface AttemptView {
  /** Its number, from 1 */
  attempt: number;
  /** `unknown`: the worker ended before it knew */
  status: 'success' | 'error' | 'unknown';
  /** Milliseconds from the start to the end of the answer */
  durationMs: number;
  /** When it began */
  startedAt: string;
  /** The status of the answer */
  httpStatus?: number;
  /** The code of a failure, such as `http_5xx` or `timeout` */
  failure?: string;
  /** What was wrong with the answer's body, such as timeout_body; it decides nothing */
  warning?: string;
  /** The start of the answer's body, with secrets masked */
  response?: string;
  /** Milliseconds of each phase */
  timings?: Record<string, number>;
}

/** The program that called, as it names itself. */
export interface AuditClient {
  /** Its name */
  name: string;
  /** Its version */
  version?: string;
}

/** An operation in the audit trail. */
export interface AuditEntryView {
  /** `aud_…` */
  id: string;
  /** What was done, such as `webhook.create` */
  kind: string;
  /** The id of the token that called: `tok_…`; or `operator` */
  actor: string;
  /** When it began */
  startedAt: string;
  /** The id of what it was done to, or of what it made */
  subject?: string;
  /** What was asked for; what looks like a secret is masked */
  arguments?: unknown;
  /** The program that called */
  client?: AuditClient;
  /** The request that asked for it */
  requestId?: string;
  /** How it ended; absent while that is not known */
  outcome?: 'succeeded' | 'failed' | 'unknown';
  /** The code of the error that it ended with */
  errorCode?: string;
  /** When it ended */
  finishedAt?: string;
  /** Its place in the chain, once it is sealed */
  sequence?: number;
}

/** An application that can be connected, and how. */
export interface AvailableIntegration {
  /** What to connect, in the path of the connect operation */
  id: string;
  /** Which connector connects it */
  type: 'zapier' | 'n8n' | 'custom' | 'webhook' | 'mcp';
  /** The application's name */
  name: string;
  /** What it does */
  description: string;
  /** Its category, such as Communication */
  category: string;
  /** The URL of an icon */
  icon: string;
  /** How often it is used, from 0 to 100 */
  popularity: number;
  /** The names of what it can do */
  capabilities: string[];
  /** The ways to connect it */
  connect: ConnectOption[];
}

/** One thing an integration can do. */
export interface CapabilityView {
  /** The action's name in the path that runs it */
  name: string;
  /** What a call takes */
  parameters: ParameterView[];
  /** What people call it, where known */
  title?: string;
  /** What it does */
  description?: string;
  /**
   * What a call does to the upstream's data, where known: `read` changes nothing, `write` can be undone,
   * `destructive` cannot
   */
  effect?: 'read' | 'write' | 'destructive';
  /** A person has to approve each call before it is made */
  approval?: 'required';
}

/** A field of the body that connects. A form should hide the value of a `secret` one. */
export interface ConnectField {
  /** The field's name in the body */
  name: string;
  /** Whether connecting needs it */
  required: boolean;
  /** Whether a form should hide its value */
  secret: boolean;
  /** What to enter */
  description?: string;
}

/** One way to connect an application: its `authType`, if there are several, and what else the body takes. */
export interface ConnectOption {
  /** The name of the body's schema in this document */
  schema: string;
  /** What the body takes besides `authType` */
  fields: ConnectField[];
  /** What to send as `authType`; left out where there is only one way */
  authType?: string;
}

/** A new connection, or one on its way. */
export interface ConnectView {
  /** The integration's id */
  id: string;
  /** Its type */
  type: 'zapier' | 'n8n' | 'custom' | 'webhook' | 'mcp';
  /** What people call it */
  name: string;
  /** `pending` until a person has authorized it at `authUrl` */
  status: 'connected' | 'disconnected' | 'pending' | 'error';
  /** What happened, or what to do next */
  message: string;
  /** Where a person authorizes the connection, for OAuth */
  authUrl?: string;
}

/** A new token. */
export interface CreatedToken {
  /** The token's ID */
  id: string;
  /** What it allows */
  scopes: string[];
  /** Whether it can change nothing */
  readOnly: boolean;
  /** Whether it can be used now */
  valid: boolean;
  /** When it was made */
  createdAt: string;
  /** The token itself, shown this once */
  token: string;
  /** What people call it */
  name?: string;
  /** The actions that it is limited to */
  actions?: string[];
  /** The ID of the token that made it, if not an operator did */
  parent?: string;
  /** When it ends by itself */
  expiresAt?: string;
  /** When it was revoked, or the token that made it */
  revokedAt?: string;
}

/** The id of what was deleted. */
export interface Deleted {
  /** The id of what was deleted */
  id: string;
  /** Always true */
  deleted: true;
}

/** One event on its way to one webhook, whole; `data` for as long as the event is kept. */
export interface DeliveryDetail {
  /** `dlv_…` */
  id: string;
  /** `evt_…` */
  eventId: string;
  /** The event's name */
  event: string;
  /** How far it got */
  state: 'pending' | 'delivered' | 'retrying' | 'exhausted' | 'discarded';
  /** When the event was published */
  createdAt: string;
  /** Its attempts, oldest first */
  attempts: AttemptDetail[];
  /** The event's own time */
  timestamp: string;
  /** When the next attempt is due */
  nextAttemptAt?: string;
  /** The event's data, for as long as the event is kept */
  data?: Record<string, unknown>;
}

/** One event on its way to one webhook. */
export interface DeliveryView {
  /** `dlv_…` */
  id: string;
  /** `evt_…` */
  eventId: string;
  /** The event's name */
  event: string;
  /** How far it got */
  state: 'pending' | 'delivered' | 'retrying' | 'exhausted' | 'discarded';
  /** When the event was published */
  createdAt: string;
  /** Its attempts, oldest first */
  attempts: AttemptView[];
  /** When the next attempt is due */
  nextAttemptAt?: string;
}

/** A connection that was ended. */
export interface DisconnectView {
  /** The integration's id */
  id: string;
  /** `disconnected` */
  status: 'connected' | 'disconnected' | 'pending' | 'error';
  /** When it was disconnected */
  disconnectedAt?: string;
}

/** How long attempts took, in milliseconds. */
export interface Durations {
  /** Half of the attempts took at most this long */
  p50: number;
  /** 95 of 100 attempts took at most this long */
  p95: number;
}

/** The deliveries of an event by their states; `queued` are those that wait in the queue for their first attempt. */
export interface EventDeliveries {
  /** All deliveries */
  total: number;
  /** Those that wait in the queue for their first attempt */
  queued: number;
  /** Those that wait longer for their first attempt, or are at it */
  pending: number;
  /** Those that failed and are tried again */
  retrying: number;
  /** Those that were answered with 2xx */
  delivered: number;
  /** Those that failed at every attempt */
  exhausted: number;
  /** Those that ended without another attempt, as their webhook takes no more */
  discarded: number;
}

/** A published event with its data. `webhooks` are there for a token that may read webhooks. */
export interface EventDetail {
  /** `evt_…` */
  id: string;
  /** The event's name */
  event: string;
  /** The event's own time */
  timestamp: string;
  /** When it was published */
  createdAt: string;
  /** Its deliveries by state */
  deliveries: EventDeliveries;
  /** The id that its publisher gave it */
  externalId?: string;
  /** Where it breaks the schema of its event type */
  warnings?: WrongField[];
  /** Its data, as webhooks get it */
  data?: Record<string, unknown>;
  /** The webhooks that it goes to */
  webhooks?: EventWebhook[];
}

/** An event of a batch that was not taken. */
export interface EventRefused {
  /** Why it was not taken */
  error: Problem;
}

/** An event that was taken, the number of webhooks it goes to, and where it breaks the schema of its type. */
export interface EventTaken {
  /** `evt_…` */
  id: string;
  /** How many webhooks it goes to */
  deliveries: number;
  /** The id that the caller gave it */
  externalId?: string;
  /** Where it breaks the schema of its event type */
  warnings?: WrongField[];
}

/** The name of the event type that was deleted. */
export interface EventTypeDeleted {
  /** The name of what was deleted */
  name: string;
  /** Always true */
  deleted: true;
}

/** An event type. */
export interface EventTypeView {
  /** The event's name */
  name: string;
  /** `warn`: events that break the schema are taken and marked */
  mode: 'off' | 'warn';
  /** When it was first described */
  createdAt: string;
  /** When it was last changed */
  updatedAt: string;
  /** What the event means */
  description?: string;
  /** JSON Schema of the event's `data` */
  schema?: Record<string, unknown>;
}

/** A published event. */
export interface EventView {
  /** `evt_…` */
  id: string;
  /** The event's name */
  event: string;
  /** The event's own time */
  timestamp: string;
  /** When it was published */
  createdAt: string;
  /** Its deliveries by state */
  deliveries: EventDeliveries;
  /** The id that its publisher gave it */
  externalId?: string;
  /** Where it breaks the schema of its event type */
  warnings?: WrongField[];
}

/** A webhook that an event goes to, and the state of that delivery. */
export interface EventWebhook {
  /** `wh_…` */
  webhookId: string;
  /** `dlv_…` */
  deliveryId: string;
  /** How far the delivery got */
  state: 'queued' | 'pending' | 'delivered' | 'retrying' | 'exhausted' | 'discarded';
}

/** A session and its token. */
export interface ExchangedPortalSession {
  /** `ses_…` */
  id: string;
  /** What the person may see and do */
  capabilities: ('view' | 'payloads' | 'secrets' | 'webhooks' | 'send' | 'connect' | 'act' | 'approve' | 'agents')[];
  /** When it ends by itself */
  expiresAt: string;
  /** The session's token, `jps_…`, shown this once */
  token: string;
  /** Where the page leads back to */
  returnUrl?: string;
  /** Where to get a new session once this one has ended */
  refreshUrl?: string;
  /** The language */
  locale?: 'en' | 'de' | 'es' | 'fr' | 'ja' | 'pt-BR';
  /** Light or dark */
  theme?: 'light' | 'dark' | 'auto';
  /** The ids of all the webhooks that it knows of */
  webhooks?: string[];
  /** The ids of all the integrations that it knows of */
  integrations?: string[];
}

/** Why an execution failed, or that nobody knows whether it was done. */
export interface ExecutionError {
  /** What went wrong, for programs */
  code: string;
  /** What went wrong, and what to do, for people */
  message?: string;
  /** What an upstream answered */
  upstream?: UpstreamView;
  /** The log entry of the call that failed */
  logId?: string;
}

/** An action that runs in the background. */
export interface ExecutionRef {
  /** `exe_…` */
  executionId: string;
}

/** An action in the background as a list shows it; its result or error is in the detail. */
export interface ExecutionSummary {
  /** `exe_…` */
  executionId: string;
  /** The action's name */
  action: string;
  /** How far it is; `unknown`: it may or may not have been done */
  status: 'queued' | 'running' | 'succeeded' | 'failed' | 'unknown' | 'cancelled';
  /** When it was asked for */
  createdAt: string;
  /** When it ended */
  finishedAt?: string;
}

/** An action in the background; `result` or `error` once it has ended. */
export interface ExecutionView {
  /** `exe_…` */
  executionId: string;
  /** The action's name */
  action: string;
  /** How far it is; `unknown`: it may or may not have been done */
  status: 'queued' | 'running' | 'succeeded' | 'failed' | 'unknown' | 'cancelled';
  /** When it was asked for */
  createdAt: string;
  /** What the integration answered */
  result?: Record<string, unknown>;
  /** Why it failed */
  error?: ExecutionError;
  /** Milliseconds */
  executionTime?: number;
  /** When it ended */
  finishedAt?: string;
}

/** What the last tests said. */
export interface HealthView {
  /** `unknown` until the first test */
  status: 'healthy' | 'unhealthy' | 'unknown';
  /** When it was last tested */
  checkedAt?: string;
  /** The code of the failure */
  reason?: string;
  /** What is wrong */
  message?: string;
  /** What to do about it */
  nextStep?: string;
}

/** An integration, whole. */
export interface IntegrationDetail {
  /** `int_…`, or `wh_…` of a webhook */
  id: string;
  /** Which connector it has */
  type: 'zapier' | 'n8n' | 'custom' | 'webhook' | 'mcp';
  /** What people call it */
  name: string;
  /** What it is for */
  description: string;
  /** `pending` waits for an authorization; `error` needs what `health` says */
  status: 'connected' | 'disconnected' | 'pending' | 'error';
  /** The URL of an icon */
  icon: string;
  /** What it can do */
  capabilities: CapabilityView[];
  /** Facts about the connection; what looks like a secret is masked */
  configuration: Record<string, unknown>;
  /** Its calls so far */
  usageStats: UsageStats;
  /** What the last tests said */
  health: HealthView;
  /** What agents call it, fixed when it is first connected; a webhook has none */
  slug?: string;
  /** When it was last connected */
  connectedAt?: string;
  /** When an action last ran, or a delivery was last made */
  lastUsed?: string;
  /** Which of its actions a person has to approve before each call */
  approval?: ApprovalRuleView;
}

/** An integration in a list. */
export interface IntegrationSummary {
  /** `int_…`, or `wh_…` of a webhook */
  id: string;
  /** Which connector it has */
  type: 'zapier' | 'n8n' | 'custom' | 'webhook' | 'mcp';
  /** What people call it */
  name: string;
  /** What it is for */
  description: string;
  /** `pending` waits for an authorization; `error` needs what `health` says */
  status: 'connected' | 'disconnected' | 'pending' | 'error';
  /** The URL of an icon */
  icon: string;
  /** The names of what it can do; of a webhook the events it is subscribed to */
  capabilities: string[];
  /** What agents call it, fixed when it is first connected; a webhook has none */
  slug?: string;
  /** When it was last connected */
  connectedAt?: string;
  /** When an action last ran, or a delivery was last made */
  lastUsed?: string;
}

/** The approval of a call. */
export interface LogApproval {
  /** `apr_…` */
  approvalId: string;
  /** The id of the token that approved it */
  approvedBy: string;
  /** When it was approved */
  approvedAt: string;
}

/** One logged call. */
export interface LogView {
  /** `log_…` */
  logId: string;
  /** The action's name, or that of the operation */
  action: string;
  /** `unknown`: it may or may not have been done */
  status: 'success' | 'error' | 'unknown';
  /** Milliseconds */
  executionTime: number;
  /** When it began */
  timestamp: string;
  /** What was sent; what looks like a secret is masked */
  input?: unknown;
  /** What came back; what looks like a secret is masked */
  output?: unknown;
  /** The request that asked for it */
  requestId?: string;
  /** Who approved it, where it needed that */
  approval?: LogApproval;
}

/** One parameter of a capability. */
export interface ParameterView {
  /** The parameter's name */
  name: string;
  /** Its JSON type, or `any` */
  type: string;
  /** Whether a call needs it */
  required: boolean;
  /** What it means */
  description?: string;
}

/** A message that is handed out: what an endpoint would get in a request, and the lease to acknowledge it under. */
export interface PolledMessage {
  /** `dlv_…` */
  deliveryId: string;
  /** `evt_…`; also the `webhook-id`, the same each time it is handed out */
  eventId: string;
  /** The event's name */
  event: string;
  /** The number of this attempt, from 1 */
  attempt: number;
  /** Send it back to acknowledge the message */
  leaseToken: string;
  /** When the message is handed out again, unless acknowledged */
  leaseUntil: string;
  /** The headers of a delivery, with all signatures */
  headers: Record<string, string>;
  /** The exact body of a delivery, which the signatures cover, in UTF-8 */
  body: string;
}

/** The messages that a poll got, in the order of publishing. */
export interface PolledMessages {
  /** None where no message came in time */
  messages: PolledMessage[];
}

/** A new session, and the URL that opens it once. */
export interface PortalSessionLink {
  /** `ses_…` */
  id: string;
  /** Opens the portal, once, within 120 seconds */
  url: string;
  /** When the session ends */
  expiresAt: string;
}

/** What a session may do and show. */
export interface PortalSessionView {
  /** `ses_…` */
  id: string;
  /** What the person may see and do */
  capabilities: ('view' | 'payloads' | 'secrets' | 'webhooks' | 'send' | 'connect' | 'act' | 'approve' | 'agents')[];
  /** When it ends by itself */
  expiresAt: string;
  /** Where the page leads back to */
  returnUrl?: string;
  /** Where to get a new session once this one has ended */
  refreshUrl?: string;
  /** The language */
  locale?: 'en' | 'de' | 'es' | 'fr' | 'ja' | 'pt-BR';
  /** Light or dark */
  theme?: 'light' | 'dark' | 'auto';
  /** The ids of all the webhooks that it knows of */
  webhooks?: string[];
  /** The ids of all the integrations that it knows of */
  integrations?: string[];
}

/** The sessions of a name were ended. */
export interface PortalSessionsEnded {
  /** The `sessionId` that they were made with */
  sessionId: string;
  /** Always true */
  ended: true;
}

/** A secret that signs too for a while. */
export interface PreviousSecret {
  /** Until when it signs */
  expiresAt: string;
}

/** Why something was refused, or why an upstream failed. */
export interface Problem {
  /** What went wrong, for programs */
  code: string;
  /** What went wrong, and what to do, for people */
  message: string;
  /** Every wrong field */
  details?: WrongField[];
  /** What an upstream answered */
  upstream?: UpstreamView;
  /** The log entry of the call that failed */
  logId?: string;
}

/** What publishing an event would do; nothing is published or kept. */
export interface Reach {
  /** Every webhook */
  webhooks: ReachedWebhook[];
  /** Where the event breaks the schema of its type */
  warnings?: WrongField[];
}

/** Whether a webhook would get an event, and why; subscription and filter count before its state. */
export interface ReachedWebhook {
  /** `wh_…` */
  id: string;
  /** The webhook's name */
  name: string;
  /** Whether it would get the event */
  reached: boolean;
  /** Why, or why not */
  reason: 'subscribed' | 'not_subscribed' | 'filtered' | 'paused' | 'disabled';
}

/** What a recovery was asked for, with the range and the pace that apply. */
export interface RecoveryQuery {
  /** Events published from then on */
  since: string;
  /** Events published until then */
  until: string;
  /** Which deliveries: `failed` ones, `missing` ones, or both */
  states: ('failed' | 'missing')[];
  /** Whether it only counts */
  dryRun: boolean;
  /** Most deliveries sent per second */
  perSecond: number;
  /** Only these events or families */
  events?: string[];
}

/** A recovery; `matched` is what it has found so far, `sent` what it has sent of that. */
export interface RecoveryView {
  /** `job_…` */
  id: string;
  /** How far it is */
  status: 'running' | 'done' | 'cancelled' | 'failed';
  /** Deliveries found so far */
  matched: number;
  /** Deliveries sent so far */
  sent: number;
  /** Percent of the range that was gone through */
  progress: number;
  /** When it was asked for */
  createdAt: string;
  /** What was asked for */
  query: RecoveryQuery;
  /** Why it ended early, if nobody cancelled it */
  reason?: string;
  /** When it ended */
  finishedAt?: string;
}

/** A webhook's new signing secret, shown this once, and the old ones that still sign, newest first. */
export interface RotatedSecret {
  /** The webhook's id */
  id: string;
  /** The old secrets that still sign, newest first */
  previousSecrets: PreviousSecret[];
  /** The new signing secret */
  secret?: string;
  /** When the secret before this one ends */
  overlapUntil?: string;
}

/** A sign of life. */
export interface ServiceHealth {
  /** The service answers */
  status: 'ok';
  /** The version that is deployed */
  version: string;
}

/** The attempts of an hour. `durations` is left out where none has ended. */
export interface StatsHour {
  /** When the hour begins */
  from: string;
  /** All attempts */
  attempts: number;
  /** Those that were not answered with 2xx */
  failed: number;
  /** How long the attempts took */
  durations?: Durations;
}

/** Attempts from `from` until now. `durations` is left out where none has ended. */
export interface StatsWindow {
  /** When the window begins */
  from: string;
  /** All attempts */
  attempts: number;
  /** Those that were answered with 2xx */
  successful: number;
  /** All others */
  failed: number;
  /** The share of attempts that succeeded, from 0 to 1 */
  successRate: number;
  /** Attempts by the class of the answer's status */
  codeClasses: Record<string, number>;
  /** Failed attempts by kind of failure */
  failures: Record<string, number>;
  /** How long the attempts took */
  durations?: Durations;
}

/** What one test said; `reason` and `nextStep` after a failure. */
export interface TestResultView {
  /** Whether the connection works */
  passed: boolean;
  /** What the test found */
  message: string;
  /** Milliseconds */
  responseTime: number;
  /** When it was tested */
  testedAt: string;
  /** The code of a failure */
  reason?: string;
  /** What to do about a failure */
  nextStep?: string;
}

/** A test of a connection. */
export interface TestView {
  /** The integration's id */
  id: string;
  /** What the test says of the connection */
  status: 'healthy' | 'unhealthy';
  /** What the test found */
  testResult: TestResultView;
}

/** A token without its secret part. */
export interface TokenView {
  /** The token's ID */
  id: string;
  /** What it allows */
  scopes: string[];
  /** Whether it can change nothing */
  readOnly: boolean;
  /** Whether it can be used now */
  valid: boolean;
  /** When it was made */
  createdAt: string;
  /** What people call it */
  name?: string;
  /** The actions that it is limited to */
  actions?: string[];
  /** The ID of the token that made it, if not an operator did */
  parent?: string;
  /** When it ends by itself */
  expiresAt?: string;
  /** When it was revoked, or the token that made it */
  revokedAt?: string;
}

/** What an upstream answered when it failed; secrets are masked, and the body is cut at 8 KB. */
export interface UpstreamView {
  /** The HTTP status of its answer */
  status: number;
  /** Its body, as JSON where it is JSON, else as text */
  body?: unknown;
}

/** Calls so far; a call whose outcome is unknown counts as failed. */
export interface UsageStats {
  /** All calls */
  totalCalls: number;
  /** Those that succeeded */
  successfulCalls: number;
  /** Those that failed, or whose outcome is unknown */
  failedCalls: number;
  /** The share of calls that succeeded, from 0 to 1 */
  successRate: number;
}

/** How many deliveries wait: exactly `count`, or more. */
export interface WaitingCount {
  /** How many wait, at least */
  count: number;
  /** Whether there are more */
  more: boolean;
}

/** How a webhook does. */
export interface WebhookStats {
  /** The webhook's id */
  id: string;
  /** The attempts of the last 24 hours */
  last24Hours: StatsWindow;
  /** The attempts of the last seven days */
  last7Days: StatsWindow;
  /** Each hour of the last seven days that had an attempt, oldest first */
  hours: StatsHour[];
  /** Deliveries that wait for their first attempt */
  pending: WaitingCount;
  /** Deliveries that wait for another attempt */
  retrying: WaitingCount;
}

/** A webhook; its secret stands only in the answer to its creation. */
export interface WebhookView {
  /** `wh_…` */
  id: string;
  /** What people call it */
  name: string;
  /** The events and families it gets */
  events: string[];
  /** Whether it gets events; false while it is paused or disabled */
  active: boolean;
  /** When it was created */
  createdAt: string;
  /** `polling` where clients poll for its events, `mcp` for that of an MCP client; else left out */
  type?: 'polling' | 'mcp';
  /** Where events are sent; what looks like a credential is masked. A polling endpoint has none */
  url?: string;
  /** The names of its own headers, their values masked */
  headers?: Record<string, string>;
  /** The signing secret, in the answer to the creation only */
  secret?: string;
  /** Why it is not active */
  disabledReason?: string;
  /** Seconds to wait before each attempt; left out where the service's own schedule holds */
  retrySchedule?: number[];
  /** Most deliveries per second */
  rateLimit?: number;
  /** The event pattern that events must match */
  filter?: Record<string, unknown>;
  /** After how many seconds without a poll a polling endpoint is removed */
  expiresIn?: number;
  /** When the subscription of an MCP client ends unless it is refreshed */
  expiresAt?: string;
  /** When a client last polled; left out where none ever did */
  lastPolledAt?: string;
}

/** One wrong field and what to do. */
export interface WrongField {
  /** The field's path, such as `body.url` */
  field: string;
  /** What is wrong with it */
  message: string;
}

/** The `code` of an `ApiError`. */
export type ErrorCode =
  'account_required' |
  'action_not_found' |
  'already_connected' |
  'api_key_scope' |
  'application_not_found' |
  'approval_by_requester' |
  'approval_decided' |
  'approval_denied' |
  'approval_expired' |
  'approval_mismatch' |
  'approval_not_found' |
  'approval_unavailable' |
  'audit_unavailable' |
  'authorization_not_offered' |
  'bad_request' |
  'catalogue_unavailable' |
  'changed_meanwhile' |
  'circuit_open' |
  'conflict' |
  'credential_rejected' |
  'delivery_in_progress' |
  'delivery_not_found' |
  'event_expired' |
  'event_id_reused' |
  'event_not_found' |
  'event_type_not_found' |
  'execution_not_found' |
  'forbidden' |
  'forbidden_url' |
  'idempotency_in_progress' |
  'idempotency_key_reused' |
  'input_required' |
  'insufficient_scope' |
  'integration_not_found' |
  'internal_error' |
  'invalid_confirmation' |
  'invalid_cursor' |
  'invalid_fields' |
  'invalid_json' |
  'issuer_mismatch' |
  'mcp_disabled' |
  'mcp_token_rejected' |
  'mcp_token_scope' |
  'missing_capability' |
  'missing_scope' |
  'no_event_taken' |
  'not_a_session' |
  'not_connected' |
  'not_found' |
  'not_n8n' |
  'not_pending' |
  'outcome_unknown' |
  'payload_too_large' |
  'pkce_not_supported' |
  'portal_code_invalid' |
  'portal_session_not_found' |
  'rate_limited' |
  'reauth_required' |
  'recovery_ended' |
  'recovery_not_found' |
  'recovery_running' |
  'redirect' |
  'registration_not_offered' |
  'registration_refused' |
  'resource_mismatch' |
  'still_connected' |
  'timeout' |
  'token_limited' |
  'token_not_found' |
  'token_read_only' |
  'token_refresh_failed' |
  'too_many_event_types' |
  'too_many_integrations' |
  'too_many_polls' |
  'too_many_secrets' |
  'too_many_webhooks' |
  'unauthenticated' |
  'unsupported_media_type' |
  'upstream_answer_too_large' |
  'upstream_bad_json' |
  'upstream_blocked_address' |
  'upstream_blocked_port' |
  'upstream_connect' |
  'upstream_dns' |
  'upstream_failed' |
  'upstream_headers_too_large' |
  'upstream_http_4xx' |
  'upstream_http_5xx' |
  'upstream_invalid_parameters' |
  'upstream_malformed_url' |
  'upstream_not_found' |
  'upstream_plain_http' |
  'upstream_protocol' |
  'upstream_rate_limited' |
  'upstream_redirect' |
  'upstream_refused' |
  'upstream_request_too_large' |
  'upstream_reset' |
  'upstream_timeout' |
  'upstream_tls' |
  'upstream_unauthorized' |
  'upstream_unavailable' |
  'upstream_unreadable' |
  'upstream_workflows_too_large' |
  'webhook_address_rejected' |
  'webhook_credential_rejected' |
  'webhook_disabled' |
  'webhook_method_rejected' |
  'webhook_not_found' |
  'webhook_paused' |
  'workflow_answered_error' |
  'workflow_failed' |
  'workflow_inactive' |
  'workflow_misconfigured' |
  'workflow_not_started' |
  'wrong_webhook_type';
