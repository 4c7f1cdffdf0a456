import { execFile } from 'node:child_process';
import { STATUS_CODES } from 'node:http';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A call that a reader could type. */
export interface Call {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the base, with its query. */
  readonly path: string;
  readonly json?: object;
  /** A file that is sent as it is: its name in the text, and where it really is. */
  readonly file?: { readonly shown: string; readonly path: string };
  readonly headers?: readonly string[];
  /** Without the token. */
  readonly anonymous?: true;
  /** How many lines of the answer are shown. */
  readonly lines?: number;
}

/** What differs from run to run, and what is written for it. */
export interface Stable {
  readonly base: string;
  readonly token: string;
  readonly root: string;
}

/** The base that readers see. */
const SHOWN_BASE = 'http://bakery:8080/api/v1';
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Text in which every run writes the same: ids are numbered as they come, times and addresses are fixed ones. */
export function stabilizer(stable: Stable): (text: string) => string {
  const known = new Map<string, string>();
  const numbered = (uuid: string) => {
    const found = known.get(uuid) ?? `${uuid8(known.size + 1)}-0000-4000-8000-000000000000`;
    known.set(uuid, found);
    return found;
  };
  return (text) =>
    text
      .replaceAll(stable.base, SHOWN_BASE)
      .replaceAll(stable.token, 'TOKEN')
      .replaceAll(stable.root, '/srv/bakery')
      .replaceAll(UUID, numbered)
      .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '2026-11-24T12:00:00.000Z')
      .replaceAll(/"bakery_[A-Za-z0-9_-]+"/g, '"bakery_…"')
      .replaceAll(/"whsec_[A-Za-z0-9+/=]+"/g, '"whsec_…"')
      .replaceAll(/"sha256": "[0-9a-f]{64}"/g, '"sha256": "9f86d081…"')
      .replaceAll(/(?<="keptForSeconds": )\d+/g, '0')
      .replaceAll(/(?<="secondsLeft": )\d+/g, '86400')
      .replaceAll(/(?<="seq": )\d+/g, '41')
      .replaceAll(/("next": )"[A-Za-z0-9_-]+"/g, '$1"…"');
}

function uuid8(n: number): string {
  return n.toString(16).padStart(8, '0');
}

/** Writes down what is called and what is answered, in Markdown. */
export class Transcript {
  #text = '';
  readonly #stable: Stable;
  readonly #shown: (text: string) => string;

  constructor(stable: Stable) {
    this.#stable = stable;
    this.#shown = stabilizer(stable);
  }

  /** A paragraph or a heading. */
  say(text: string): void {
    this.#text += `${text}\n\n`;
  }

  /** Calls with curl, writes both down, and gives back what was answered. */
  async curl<T = never>(call: Call): Promise<T> {
    const usual = call.json || call.file ? 'POST' : 'GET';
    const url = `${this.#stable.base}${call.path}`;
    const headers = [
      ...(call.anonymous ? [] : [`Authorization: Bearer ${this.#stable.token}`]),
      ...(call.headers ?? []),
    ];
    const body = call.json ? ['--json', JSON.stringify(call.json)] : [];
    const sent = call.file ? ['--data-binary', `@${call.file.path}`] : [];
    const verb = (call.method ?? usual) === usual ? [] : ['-X', call.method ?? usual];
    const args = ['-s', ...verb, ...headers.flatMap((header) => ['-H', header]), ...body, ...sent, url];
    // What curl adds about the answer comes behind it, on a line of its own.
    const facts = ['--max-time', '60', '-w', '\n%{http_code} %{content_type}'];
    const { stdout } = await run('curl', [...facts, ...args], { maxBuffer: 1 << 24 });
    const end = stdout.lastIndexOf('\n');
    const [answer, status, type = ''] = [stdout.slice(0, end), ...stdout.slice(end + 1).split(' ')];
    const shownHeaders = [...(call.anonymous ? [] : ['$AUTH']), ...(call.headers ?? [])];
    const command = [
      'curl -s',
      ...verb,
      ...shownHeaders.map((header) => `-H "${header}"`),
      ...(call.json ? [`--json '${JSON.stringify(call.json)}'`] : []),
      ...(call.file ? [`--data-binary @${call.file.shown}`] : []),
      `${quoted(url)}`,
    ].join(' ');
    const isJson = /^application\/(problem\+)?json/.test(type);
    const told = isJson ? JSON.parse(answer) : answer.trimEnd();
    const lines = (isJson ? JSON.stringify(told, null, 2) : told).split('\n');
    const most = call.lines ?? 40;
    const shown = lines.length > most ? [...lines.slice(0, most), '…'] : lines;
    const title = `${status} ${STATUS_CODES[status ?? ''] ?? ''}`;
    this.#text += `\`\`\`console\n${this.#shown(`$ ${command}\n${title}\n${shown.join('\n')}`)}\n\`\`\`\n\n`;
    return told as T;
  }

  /** Everything so far. */
  get text(): string {
    return `${this.#text.trimEnd()}\n`;
  }
}

function quoted(url: string): string {
  return /[?&]/.test(url) ? `'${url}'` : url;
}
