import { randomUUID } from 'node:crypto';
import { signWebhook } from '../../../core/webhook.ts';
import { PowerFault } from '../driver.ts';
import { defineSwitchKind, type PortPower, type PowerSwitch, type SwitchParts } from './kind.ts';
import { createWebClient } from './web-client.ts';
import { isDone, powerIn, webhookRequest } from './webhook-request.ts';
import { portsOf, WebhookSettings } from './webhook-settings.ts';

/**
 * Anything that switches power when it is asked over HTTP, in the words of its owner: one request for on and off, and perhaps one
 * that reads back. With a `signingSecret` requests are signed as the messages of Bakery's own webhooks are (Standard Webhooks
 * 1.0.0: HMAC-SHA256 over id, time and body; method and address are not under it).
 *
 * There is no pattern to match an answer with: a pattern can take for ever, a text or a JSON Pointer cannot.
 */
export const webhook = defineSwitchKind({
  name: 'webhook',
  title: 'Anything that is switched by an HTTP request: Home Assistant, Tasmota, Shelly and others',
  settings: WebhookSettings,
  secrets: ['password', 'token', 'signingSecret'],
  // Templates say where a secret is put, and many a device sends on what it is told to.
  address: [
    'url',
    'caPem',
    'method',
    'path',
    'body',
    'contentType',
    'headers',
    'queryMethod',
    'queryPath',
    'queryBody',
    'tokenHeader',
  ],
  batches: false,
  // Home Assistant may tell a new state a second late (home-assistant/core#63714); what is told at once is believed at once.
  readBackMs: 5_000,
  open: openWebhook,
});

function openWebhook(settings: WebhookSettings, { clock }: SwitchParts): PowerSwitch {
  const { url, caPem, user, password, token, signingSecret, queryPath, ports } = settings;
  const secrets = [password, token, password && `${user}:${password}`, signingSecret];
  const client = createWebClient({ base: url, caPem, secrets });
  const sign = (body: string) =>
    signingSecret === undefined ? {} : signWebhook(signingSecret, { id: randomUUID(), body }, clock.now());

  async function set(changes: ReadonlyMap<string, 'on' | 'off'>, signal: AbortSignal): Promise<void> {
    for (const [port, wish] of changes) {
      const request = webhookRequest(settings, { port, wish }, sign);
      const answer = await client.ask(request, signal);
      if (isDone(settings, { port, wish }, answer)) continue;
      throw new PowerFault('fatal', `${request.called} was answered without ${settings.okText}`);
    }
  }

  async function query(asked: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, PortPower>> {
    const powers = new Map<string, PortPower>();
    for (const port of asked) {
      const answer = await client.ask(webhookRequest(settings, { port, wish: 'query' }, sign), signal);
      powers.set(port, powerIn(settings, port, answer));
    }
    return powers;
  }

  if (queryPath === undefined) return { set };
  if (ports === undefined) return { set, query };
  return {
    set,
    query,
    async survey(signal) {
      const powers = await query(portsOf(ports), signal);
      return {
        description: `webhook at ${new URL(url).host}`,
        ports: [...powers].map(([port, power]) => ({ port, power })),
      };
    },
  };
}
