import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scope } from '../../core/scope.ts';
import { type RunningBakery, startBakery, stopLeftovers } from './bakery.ts';
import { requireTools } from './sh.ts';
import { makeCertificate, type TlsAnswer, type TlsClient, tlsClient } from './tls-client.ts';

/** Where the API is. */
export const API = '/api/v1';

/** A Bakery that speaks TLS, with limits that a test can reach, and a client that comes from any address of 127.0.0.0/8. */
export class TlsBakery {
  readonly folder = mkdtempSync(join(tmpdir(), 'bakery-tls-'));
  /** Where the server reads its certificate and key. */
  readonly files = { cert: join(this.folder, 'tls.crt'), key: join(this.folder, 'tls.key') };
  readonly settings = { BAKERY_TLS_CERT: this.files.cert, BAKERY_TLS_KEY: this.files.key };
  readonly #trusted: string[] = [];
  #bakery: RunningBakery | undefined;
  #client: TlsClient | undefined;
  #hosts = 1;

  /** Starts it, with a certificate for `first`. */
  async open(settings: Readonly<Record<string, string>>): Promise<void> {
    requireTools('openssl');
    this.renew('first');
    await this.start({ ...this.settings, ...settings });
    this.#client = tlsClient(Number(new URL(this.bakery.base).port), () => this.#trusted);
  }

  /** Starts it, or another one after it was stopped, over the same root. */
  async start(settings: Readonly<Record<string, string>>): Promise<RunningBakery> {
    this.#bakery = await startBakery({
      root: join(this.folder, 'root'),
      settings: { BAKERY_ADDRESS: '127.0.0.1', ...settings },
    });
    return this.#bakery;
  }

  async close(): Promise<void> {
    await this.#bakery?.stop();
    await stopLeftovers(join(this.folder, 'root'));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Puts a certificate for this name where the server reads it. */
  renew(name: string): void {
    const made = makeCertificate(this.folder, name);
    this.#trusted.push(readFileSync(made.cert, 'utf8'));
    copyFileSync(made.cert, this.files.cert);
    copyFileSync(made.key, this.files.key);
  }

  get bakery(): RunningBakery {
    return this.#bakery ?? assert.fail('it was not started');
  }

  get client(): TlsClient {
    return this.#client ?? assert.fail('it was not started');
  }

  /** An address that no call came from: failures are counted by address, each of these has had none. */
  fresh(): string {
    const host = this.#hosts++;
    return `127.${2 + Math.floor(host / 250)}.0.${1 + (host % 250)}`;
  }

  /** Calls with the token of the first start. */
  admin(method: string, path: string, body?: object): Promise<TlsAnswer> {
    return this.client.ask(method, `${API}${path}`, { token: this.bakery.token, body: body && JSON.stringify(body) });
  }

  /** Makes a token. */
  async token(name: string, scope: Scope, expiresAt?: string): Promise<{ id: string; secret: string }> {
    const { json } = await must(
      201,
      this.admin('POST', '/tokens', { name, scope, ...(expiresAt ? { expiresAt } : {}) }),
    );
    return { id: String(json.id), secret: String(json.secret) };
  }

  whoami(token: string | undefined): Promise<TlsAnswer> {
    return this.client.ask('GET', `${API}/whoami`, { token, from: this.fresh() });
  }

  /** The name in the certificate that a new connection is shown. */
  async subject(): Promise<string | string[] | undefined> {
    const { socket } = await this.client.dial();
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return subject.CN;
  }
}

/** The answer, which has this status. */
export async function must(status: number, answer: Promise<TlsAnswer>): Promise<TlsAnswer> {
  const got = await answer;
  assert.equal(got.status, status, got.text);
  return got;
}

/** Waits until it is so, for 30 s at most. */
export async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    assert.ok(tries < 1_500, what);
    await sleep(20);
  }
}
