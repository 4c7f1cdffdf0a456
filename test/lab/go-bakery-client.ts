import { type GoCall, GoConnection, type GoTarget, goBody, goHead, type WireAnswer } from './go-wire.ts';
import { refuseLeaks } from './leaks.ts';

/** Each call of the Go client but its up- and downloads gives up after this long. */
export const GO_TIMEOUT_MS = 10_000;
/** Up- and downloads have no limit; a test has. */
const ENDLESS_MS = 60_000;

/** A disk as the Go client knows it. */
export interface GoDisk {
  readonly id: string;
  readonly location: string;
  readonly size: number;
  readonly nfsAddress: string;
}
/** A Pi as the Go client knows it. */
export interface GoPi {
  readonly id: string;
  readonly status: number;
  readonly disks?: readonly GoDisk[];
  readonly sourceBakeform?: { readonly name: string; readonly location: string };
}

/** The calls of wire-api.md as PiFoundry/bakery-client makes them, by the names of the operations in openapi.yaml. */
export const CALLS = {
  listFridge: (): GoCall => ({ method: 'GET', path: '/fridge' }),
  bakePi: (bakeformName: string): GoCall => ({ method: 'POST', path: '/fridge', ...json({ bakeformName }) }),
  listOven: (): GoCall => ({ method: 'GET', path: '/oven' }),
  getPi: (pi: string): GoCall => ({ method: 'GET', path: `/oven/${pi}` }),
  unbakePi: (pi: string): GoCall => ({ method: 'DELETE', path: `/oven/${pi}` }),
  powercyclePi: (pi: string): GoCall => ({
    method: 'POST',
    path: `/oven/${pi}/powercycle`,
    contentType: 'application/json',
  }),
  attachDisk: (pi: string, diskId: string): GoCall => ({
    method: 'POST',
    path: `/oven/${pi}/disks`,
    ...json({ diskId }),
  }),
  detachDisk: (pi: string, disk: string): GoCall => ({ method: 'DELETE', path: `/oven/${pi}/disks/${disk}` }),
  uploadFile: (pi: string, name: string, body: string | Uint8Array): GoCall => ({
    method: 'POST',
    path: `/oven/${pi}/upload/${name}`,
    contentType: 'application/octet-stream',
    body,
  }),
  downloadFile: (pi: string, name: string): GoCall => ({ method: 'GET', path: `/oven/${pi}/download/${name}` }),
  listBakeforms: (): GoCall => ({ method: 'GET', path: '/bakeforms' }),
  uploadBakeform: (name: string, file: Uint8Array): GoCall => ({
    method: 'POST',
    path: `/bakeforms/${name}`,
    contentType: 'application/x-raw-disk-image',
    file,
  }),
  deleteBakeform: (name: string): GoCall => ({ method: 'DELETE', path: `/bakeforms/${name}` }),
  listDisks: (): GoCall => ({ method: 'GET', path: '/disks' }),
  // http.NewRequest sets no Content-Type, and the client neither.
  createDisk: (size: number): GoCall => ({ method: 'POST', path: '/disks', body: JSON.stringify({ size }) }),
  getDisk: (disk: string): GoCall => ({ method: 'GET', path: `/disks/${disk}` }),
  deleteDisk: (disk: string): GoCall => ({ method: 'DELETE', path: `/disks/${disk}` }),
  getBootFile: (pi: string, name: string): GoCall => ({ method: 'GET', path: `/files/${pi}/${name}` }),
} as const;

function json(value: unknown): Pick<GoCall, 'contentType' | 'body'> {
  return { contentType: 'application/json', body: JSON.stringify(value) };
}

/** Of what kind a call is whose limit is not 10 s. */
const isEndless = ({ path }: GoCall) => /\/(?:upload|download|bakeforms)\/[^/]+$/.test(path);

/** An answer, its JSON parsed. */
export interface GoAnswer {
  readonly status: number;
  readonly headers: WireAnswer['headers'];
  readonly bytes: Buffer;
  /** Of an answer that is JSON. */
  readonly body: never;
}

/** net/http with the client's settings: one idle connection at most, used again when its answer was read to the end. */
export class GoClient {
  readonly #port: number;
  readonly #target: GoTarget;
  #idle: GoConnection | undefined;
  /** Connections made so far. */
  connections = 0;

  constructor(base: string, userInfo?: string) {
    const { port, host, pathname } = new URL(base);
    this.#port = Number(port);
    this.#target = { host, base: pathname, ...(userInfo === undefined ? {} : { userInfo }) };
  }

  connect(): GoConnection {
    this.connections++;
    return new GoConnection(this.#port);
  }

  head(call: GoCall): string {
    return goHead(call, this.#target);
  }

  /** Makes a call. The body goes out until an answer comes in, as net/http does it. */
  async do(call: GoCall): Promise<GoAnswer> {
    const connection = this.#idle?.open ? this.#idle : this.connect();
    this.#idle = undefined;
    try {
      await connection.write(this.head(call));
      let whole = true;
      for (const piece of goBody(call)) {
        whole = !connection.answering;
        if (!whole) break;
        await connection.write(piece);
      }
      const answer = await connection.answer(isEndless(call) ? ENDLESS_MS : GO_TIMEOUT_MS);
      // A connection on which the request did not end is not used again.
      if (whole && answer.headers.get('connection') !== 'close') this.#idle = connection;
      else connection.close();
      const { status, headers, body } = answer;
      const told = { status, contentType: headers.get('content-type'), body: body.toString('utf8') };
      refuseLeaks(`${call.method} ${call.path}`, told);
      return parsed(answer);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Sends a whole call and cuts the connection before the answer. */
  async sendAndCut(call: GoCall): Promise<void> {
    const connection = this.connect();
    await connection.write(Buffer.concat([Buffer.from(this.head(call)), ...goBody(call)]));
    connection.close();
  }

  close(): void {
    this.#idle?.close();
  }
}

function parsed({ status, headers, body }: WireAnswer): GoAnswer {
  const isJson = headers.get('content-type')?.includes('json') === true;
  return { status, headers, bytes: body, body: (isJson ? JSON.parse(body.toString('utf8')) : undefined) as never };
}
