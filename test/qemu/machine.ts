/** A machine in qemu: what it says on its console, what its programs report, and what becomes of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What a program in the machine reports: a line of JSON on its second serial port. */
export interface Report {
  /** The machine's uptime in seconds. */
  at: number;
  /** Something that was found to be so. */
  step?: string;
  /** Why the scenario has failed. */
  failed?: string;
  /** The program has done its part; what now becomes of the machine is the rest of the scenario. */
  done?: true;
  /** Nothing but that the machine lives. */
  tick?: true;
}

/** An event of qemu's that is about the machine's life, with its data. */
export interface MachineEvent {
  event: string;
  data: Record<string, unknown>;
}

export type Happening = Report | MachineEvent | { ended: string };

export interface MachineOptions {
  /** A directory for its sockets. */
  dir: string;
  kernel: string;
  initrd: string;
  scenario: string;
  /** What qemu does when the watchdog fires: -action watchdog=… */
  whenFired: 'pause' | 'reset';
}

/** Events that end a machine, or its run. qemu has others, e.g. for its real-time clock. */
const EVENTS = new Set(['WATCHDOG', 'RESET', 'SHUTDOWN', 'GUEST_PANICKED']);

const COMMAND_LINE = 'console=ttyS0 quiet panic=1 oops=panic';

export class Machine implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #servers: Server[];
  readonly #happenings: Happening[] = [];
  readonly #sockets = new Set<Socket>();
  #wake: () => void = () => {};
  #console = '';
  #said = '';
  #qmp: Socket | undefined;

  static async start(options: MachineOptions): Promise<Machine> {
    const path = (name: string) => join(options.dir, `${options.scenario}.${name}`);
    const [qmp, console, reports] = [createServer(), createServer(), createServer()];
    for (const [name, server] of Object.entries({ qmp, console, reports }))
      await new Promise<void>((listening, failed) =>
        server.once('error', failed).listen(path(name), () => listening()),
      );
    return new Machine(options, path, { qmp, console, reports });
  }

  private constructor(
    { kernel, initrd, scenario, whenFired }: MachineOptions,
    path: (name: string) => string,
    servers: { qmp: Server; console: Server; reports: Server },
  ) {
    this.#servers = Object.values(servers);
    const lines = (server: Server, onLine: (line: string, socket: Socket) => void) =>
      server.on('connection', (socket) => {
        this.#keep(socket);
        createInterface({ input: socket }).on('line', (line) => onLine(line, socket));
      });
    lines(servers.qmp, (line, socket) => this.#heard(JSON.parse(line), socket));
    lines(servers.reports, (line) => {
      // The port's own settings may put something before the first line.
      if (line.startsWith('{')) this.#add(JSON.parse(line));
    });
    servers.console.on('connection', (socket) => {
      this.#keep(socket);
      socket.setEncoding('utf8').on('data', (text: string) => {
        this.#console = (this.#console + text).slice(-100_000);
      });
    });
    this.#child = spawn(
      'setpriv',
      // It must not outlive us.
      ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...machine(), ...wires()],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
      });
    this.#child.on('error', (error) => this.#add({ ended: `qemu cannot be run: ${error.message}` }));
    this.#child.on('close', (code, signal) =>
      this.#add({ ended: `qemu has ended (${signal ?? code}): ${this.#said.trim() || 'without a word'}` }),
    );

    function machine(): string[] {
      return [
        ...['-nodefaults', '-no-user-config', '-display', 'none'],
        // With a chip set that has a second watchdog, iTCO, which qemu leaves off otherwise.
        ...['-machine', 'q35', '-global', 'ICH9-LPC.noreboot=false', '-device', 'i6300esb'],
        ...['-cpu', 'max', '-m', '1G'],
        // The machine's time is counted in its instructions, and passes at once when it has nothing to do: what happens in it does
        // not depend on how busy this machine is, and a minute of waiting costs nothing.
        ...['-accel', 'tcg', '-icount', 'shift=1,sleep=off', '-rtc', 'clock=vm'],
        ...['-kernel', kernel, '-initrd', initrd],
        ...['-append', `${COMMAND_LINE} scenario=${scenario}`],
        ...['-action', `watchdog=${whenFired},reboot=${whenFired === 'reset' ? 'reset' : 'shutdown'}`],
      ];
    }
    function wires(): string[] {
      return [
        ...['-S', '-qmp', `unix:${path('qmp')}`],
        ...['-serial', `unix:${path('console')}`, '-serial', `unix:${path('reports')}`],
      ];
    }
  }

  /** What happens next. */
  async next(): Promise<Happening> {
    for (;;) {
      const first = this.#happenings.shift();
      if (first !== undefined) return first;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }

  /** What it has written to its console, without colours and the like. */
  console(): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they begin with
    return this.#console.replace(/\x1b(\[[0-9;?]*[A-Za-z]|[78])|\r/g, '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined) {
      const ended = new Promise((done) => this.#child.once('close', done));
      this.#child.kill('SIGKILL');
      await ended;
    }
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    // It has gone together with qemu, whose end is reported.
    socket.on('error', () => {});
  }

  #heard(message: Record<string, unknown>, socket: Socket): void {
    if ('QMP' in message) {
      this.#qmp = socket;
      this.#tell('qmp_capabilities');
      this.#tell('cont');
    } else if ('error' in message) this.#add({ ended: `qemu refuses: ${JSON.stringify(message.error)}` });
    else if (EVENTS.has(String(message.event)))
      this.#add({
        event: String(message.event),
        data: (message.data ?? {}) as Record<string, unknown>,
      });
  }

  #tell(execute: string, args: Record<string, unknown> = {}): void {
    this.#qmp?.write(`${JSON.stringify({ execute, arguments: args })}\n`);
  }

  #add(happening: Happening): void {
    this.#happenings.push(happening);
    this.#wake();
  }
}
