/**
 * A fake of finit 5's bus, for what a real one cannot be made to do: SASL, calls, signals, and all ways of failing at them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const codec = createRequire(import.meta.url)('dbus-native/lib/message.js') as {
  marshall(message: object): Buffer;
  unmarshall(bytes: Buffer): Record<string, unknown>;
};

export interface FakeCall {
  path: string;
  member: string;
  body: unknown[];
  /** Of the connection that it came by: 1, 2, … */
  connection: number;
}

/** What to do with a call. */
export type FakeAnswer =
  | { signature: string; body: unknown[] }
  | { error: string; text?: string }
  | { raw: Buffer }
  /** Never answered, or the connection closed instead. */
  | 'silent'
  | 'close';

export interface FakeBusOptions {
  /** Properties of services by identity, besides {@link properties}. */
  services?: ReadonlyMap<string, Record<string, string | number | boolean>>;
  /** What differs from what a finit would answer. */
  answer?(call: FakeCall): FakeAnswer | undefined;
  /** What is said to `AUTH EXTERNAL uid`; undefined: nothing. Default: OK. */
  authenticate?(uid: string, connection: number): string | undefined;
  /** Closes a connection as soon as it is there, as finit does with the 65th. */
  full?(connection: number): boolean;
  /** Answers are kept until so many calls wait for one. */
  hold?: number;
  /** Sends byte by byte. */
  dribble?: boolean;
}

export interface FakeBus extends AsyncDisposable {
  runDir: string;
  calls: FakeCall[];
  /** How many connections there have been, and are. */
  connections: number;
  open: number;
  /** The most calls that were unanswered at once. */
  mostWaiting: number;
  emit(path: string, interfaceName: string, member: string, signature: string, body: unknown[]): void;
  /** Closes all connections. */
  drop(): void;
}

/** A service's properties as finit has them. */
export function properties(
  identity: string,
  others: Record<string, string | number | boolean> = {},
): Record<string, string | number | boolean> {
  return {
    ...{ Identity: identity, Name: identity.split(':')[0] ?? '', State: 'running', Pid: 42, RestartCount: 0 },
    ...{
      Runlevels: 0b111100,
      Description: identity,
      Command: '/bin/sleep 1000',
      Conditions: '',
      Type: 'service',
    },
    ...{
      Origin: '/etc/finit.d/x.conf',
      Environment: '',
      PidFile: '',
      User: 'root',
      Group: 'root',
      Uptime: 7,
    },
    ...{ ExitStatus: 0, RestartsTotal: 0, RestartMax: 10, Starts: 0 },
    ...{ ManualStart: false, Forking: false, Started: true },
    ...others,
  };
}

/** finit's path of a service, in the simple cases. */
export const pathOf = (identity: string) => `/org/finit/service/${identity.replace(/:/g, '_3a')}`;

const variant = (value: string | number | boolean) => [
  typeof value === 'string' ? 's' : typeof value === 'number' ? 'u' : 'b',
  value,
];
const dictionary = (values: Record<string, string | number | boolean>) => [
  Object.entries(values).map(([key, value]) => [key, variant(value)]),
];

export async function startFakeBus(options: FakeBusOptions = {}): Promise<FakeBus> {
  const runDir = mkdtempSync(join(tmpdir(), 'fake-bus-'));
  const sockets = new Set<Socket>();
  const waiting: (() => void)[] = [];
  const services = options.services ?? new Map();
  let serial = 0;

  const usual = ({ path, member, body }: FakeCall): FakeAnswer => {
    if (member === 'ListServices') return { signature: 'as', body: [[...services.keys()]] };
    if (member !== 'GetAll') return { signature: '', body: [] };
    if (body[0] === 'org.finit.Manager1')
      return {
        signature: 'a{sv}',
        body: dictionary({ Runlevel: '2', PrevRunlevel: 'N', Version: '5.0-fake' }),
      };
    const [identity, others] = [...services].find(([name]) => pathOf(name) === path) ?? [];
    if (identity === undefined) return { error: 'org.freedesktop.DBus.Error.UnknownInterface' };
    return { signature: 'a{sv}', body: dictionary(properties(identity, others)) };
  };
  const write = (socket: Socket, bytes: Buffer) => {
    if (socket.destroyed) return;
    if (options.dribble) for (const byte of bytes) socket.write(Buffer.of(byte));
    else socket.write(bytes);
  };
  const reply = (socket: Socket, replySerial: unknown, answer: FakeAnswer) => {
    if (answer === 'silent') return;
    if (answer === 'close') socket.destroy();
    else if ('raw' in answer) write(socket, answer.raw);
    else if ('error' in answer) {
      const text = answer.text === undefined ? {} : { signature: 's', body: [answer.text] };
      const message = { type: 3, serial: ++serial, replySerial, errorName: answer.error, ...text };
      write(socket, codec.marshall(message));
    } else write(socket, codec.marshall({ type: 2, serial: ++serial, replySerial, ...answer }));
  };
  const take = (socket: Socket, connection: number, bytes: Buffer) => {
    const message = codec.unmarshall(bytes);
    const call: FakeCall = {
      ...{ path: String(message.path), member: String(message.member), connection },
      body: Array.isArray(message.body) ? message.body : [],
    };
    fake.calls.push(call);
    waiting.push(() => reply(socket, message.serial, options.answer?.(call) ?? usual(call)));
    fake.mostWaiting = Math.max(fake.mostWaiting, waiting.length);
  };
  const answerAll = () => {
    if (waiting.length >= (options.hold ?? 1)) for (const answer of waiting.splice(0)) answer();
  };

  const server = createServer((socket) => {
    const connection = ++fake.connections;
    if (options.full?.(connection)) {
      socket.destroy();
      return;
    }
    fake.open++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      fake.open--;
      sockets.delete(socket);
    });
    let begun = false;
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (let end = received.indexOf('\r\n'); !begun && end >= 0; end = received.indexOf('\r\n')) {
        const line = received.toString('latin1', 0, end);
        received = received.subarray(end + 2);
        const hex = /^\0?AUTH EXTERNAL (.*)$/.exec(line)?.[1];
        if (line === 'BEGIN') begun = true;
        else if (hex !== undefined) {
          const uid = Buffer.from(hex, 'hex').toString();
          const said = options.authenticate ? options.authenticate(uid, connection) : 'OK 0123';
          if (said !== undefined) write(socket, Buffer.from(`${said}\r\n`, 'latin1'));
        }
      }
      while (begun && received.length >= 16) {
        const length = Math.ceil((16 + received.readUInt32LE(12)) / 8) * 8 + received.readUInt32LE(4);
        if (received.length < length) break;
        take(socket, connection, received.subarray(0, length));
        received = received.subarray(length);
      }
      answerAll();
    });
  });
  await new Promise<void>((resolve) => server.listen(join(runDir, 'bus'), resolve));

  const fake: FakeBus = {
    ...{ runDir, calls: [], connections: 0, open: 0, mostWaiting: 0 },
    emit(path, interfaceName, member, signature, body) {
      const message = { type: 4, serial: ++serial, path, interface: interfaceName, member, signature, body };
      for (const socket of sockets) write(socket, codec.marshall(message));
    },
    drop() {
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      fake.drop();
      await new Promise((resolve) => server.close(resolve));
      rmSync(runDir, { recursive: true });
    },
  };
  return fake;
}
